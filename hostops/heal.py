"""A sick member of etcd keeps all other servers from being touched: where its own system may cure it, it goes first.

It is brought there by a call of its own, with its own lock and lease; its turn in the plan finds it done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostops import process
from hostops.another import switch_another
from hostops.look import LOOK_SECONDS, look
from hostops.quorum import members_of
from hostops.ssh import Line, NoAnswer

if TYPE_CHECKING:
    from hostops.task import Task

HEALS = "NIXFLEET_HEALS"
"""For which host a call heals this one: it heals nobody else then."""


def heal_others(task: Task, line: Line) -> tuple[str, ...]:
    """Bring sick members that answer to their own systems; those that are well then."""
    members = None if task.environment.get(HEALS) else members_of(task, line)
    sick = members.sick_without(line.host) if members else []
    return tuple(
        name for name in sick if name in task.cluster.servers and _answers(task, name) and _heal(task, name, line)
    )


def _answers(task: Task, host: str) -> bool:
    if task.address(host) is None:
        return False
    line = Line(task, host)
    try:
        return look(line, task.host(host), seconds=LOOK_SECONDS).state == "installed"
    except NoAnswer:
        return False
    finally:
        line.drop()


def _heal(task: Task, host: str, line: Line) -> bool:
    """Run the verb switch for it, without what is the other host's own."""
    task.journal.say(line.host, "quorum", f"{host} is a member and not Ready: it is brought to its own system first")
    # Half of what is left: its own switch may take as long.
    seconds = process.time_left() / 2
    try:
        code, said = switch_another(task, host, {HEALS: line.host}, seconds)
    except process.TooLong:
        task.journal.say(line.host, "quorum", f"{host} was not healed within {seconds:.0f} s")
        return False
    task.journal.say(line.host, "quorum", f"| {said}")
    return code == 0

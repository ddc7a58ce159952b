"""A sick member of etcd keeps all other servers from being touched: where its own system may cure it, it goes first.

It is brought there by a call of its own, with its own lock and lease; its turn in the plan finds it done. One whose
entry was removed does not come back: the cluster forgets it now, and its leaving, the last step of a run, finds that
done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostops import process
from hostops.another import switch_another
from hostops.failure import Failure
from hostops.forget import forget_at
from hostops.look import LOOK_SECONDS, look
from hostops.quorum import check_departure, check_quorum, members_of
from hostops.ssh import Line, NoAnswer

if TYPE_CHECKING:
    from hostops.process import Deadline
    from hostops.task import Task

HEALS = "NIXFLEET_HEALS"
"""For which host a call heals this one: it heals nobody else then."""


def make_spare(task: Task, line: Line, deadline: Deadline, *, heals: bool = True) -> list[str]:
    """See that the cluster can spare a server, if need be by curing or forgetting sick members; raises Failure.

    Answers with what was found and done. Without `heals`, nobody is cured.
    """
    try:
        return [check_quorum(task, line)]
    except Failure:
        done = [*forget_removed(task, line, deadline)]
        if heals and (healed := heal_others(task, line)):
            done.append(f"healed {', '.join(healed)} first")
        if not done:
            raise
        return [*done, check_quorum(task, line)]


def forget_removed(task: Task, line: Line, deadline: Deadline) -> list[str]:
    """Let the cluster forget sick members that the contract has no more, if the others are a quorum; what was done."""
    members = members_of(task, line)
    sick = members.sick_without(line.host) if members else []
    done = []
    for name in (name for name in sick if name not in task.contract.hosts):
        assert members is not None  # noqa: S101 - for the type checker: it has told who is sick
        via = Line(task, members.asked)
        try:
            check_departure(members, name, lives=False)
            done.append(f"{name} is in the stack file no more: {forget_at(task, via, name, deadline, boot_id='')}")
        except Failure as failure:
            task.journal.say(line.host, "quorum", f"{name} cannot be forgotten: {failure.text}")
        finally:
            via.drop()
    return done


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
        brought = switch_another(task, host, {HEALS: line.host}, seconds)
    except process.TooLong:
        task.journal.say(line.host, "quorum", f"{host} was not healed within {seconds:.0f} s")
        return False
    task.journal.say(line.host, "quorum", f"| {brought.said}")
    return brought.code == 0

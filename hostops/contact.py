"""Waiting for a host: until it answers as it should, up to a limit that ends with what was seen last."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hostops.failure import Code, Failure
from hostops.look import LOOK_SECONDS, Look, look
from hostops.ssh import DEPLOY, Line, NoAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

    from hostops.process import Deadline
    from hostops.task import Task


class Silent(Failure):
    """Nobody answered at all where the host should be."""


PAUSE_SECONDS = (0.3, 0.5, 1.0, 2.0, 3.0)
"""Between two tries: there is no event to wait for while a machine boots."""


def pause(tries: int, deadline: Deadline) -> None:
    """Wait before the next try."""
    time.sleep(min(PAUSE_SECONDS[min(tries, len(PAUSE_SECONDS) - 1)], deadline.left))


def need_address(task: Task, host: str, phase: str) -> str:
    """Where SSH of a host answers; raises Failure if nobody said."""
    address = task.address(host)
    if address is None:
        cure = "its cloud gives the address; pass it as NIXFLEET_ADDRESS, or by host in NIXFLEET_PEERS"
        raise Failure(Code.USAGE, phase, f"no address of {host} is known; {cure}")
    return address


def await_look(  # noqa: PLR0913 - what a message about a wait has to say
    task: Task,
    line: Line,
    deadline: Deadline,
    phase: str,
    *,
    cure: str,
    until: Callable[[Look], str] = lambda _: "",
    code: Code = Code.UNREACHABLE,
) -> Look:
    """Look until `until` has no complaint any more; raises Failure with the last one, Silent where nobody answered."""
    tries, last, failure = 0, "nothing was tried", Failure
    while True:
        try:
            seen = look(line, task.host(line.host), seconds=min(LOOK_SECONDS, max(deadline.left, 1)))
            last, failure = until(seen), Failure
            if not last:
                return seen
        except NoAnswer as error:
            last, failure = error.text, Silent if error.silent else Failure
        if deadline.over:
            raise failure(code, phase, f"no success within {deadline.seconds:.0f} s; last seen: {last}; {cure}")
        pause(tries, deadline)
        tries += 1


def first_contact(task: Task, host: str, deadline: Deadline) -> tuple[Line, Look]:
    """Wait for a machine in whatever state it is, and find out as whom it lets us in."""
    need_address(task, host, "contact")
    entry = task.host(host)
    lines = [Line(task, host, user=user, bootstrap=True) for user in dict.fromkeys((entry.login_user, DEPLOY, "root"))]
    tries, last = 0, "nothing was tried"
    while True:
        for line in lines:
            try:
                return line, look(line, entry)
            except NoAnswer as error:
                last = error.text
                if error.key == "bootstrap" and not task.workspace.trusts_bootstrap(host):
                    raise _not_it(task, host) from None
                if not error.login:
                    break
        if deadline.over:
            raise Failure(
                Code.UNREACHABLE,
                "contact",
                f"{task.address(host)} did not let us in within {deadline.seconds:.0f} s; last seen: {last}; "
                "nothing was changed; see that it is on, boots, and that the firewall's admin ranges have this machine",
            )
        pause(tries, deadline)
        tries += 1


def _not_it(task: Task, host: str) -> Failure:
    return Failure(
        Code.REFUSED,
        "contact",
        f"{host} was installed on this machine, and {task.address(host)} answers with its bootstrap key, which "
        "whatever ran there could read: it may be another machine, and it was told nothing; if its cloud has made its "
        f"system anew, delete the server there, then make refresh STACK={task.stack} and make up STACK={task.stack}: "
        "a new server gets a new installation",
    )

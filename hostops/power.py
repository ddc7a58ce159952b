"""The verbs halt and resume: a host is shut down before its cloud changes its machine, and is back before the next.

Which hosts take turns is components/clouds' matter. Drains are in drain.py, the quorum in quorum.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.durations import OFF_SECONDS
from hostops.contact import await_look, need_address, pause
from hostops.drain import drain, uncordon
from hostops.failure import Code, Failure
from hostops.heal import make_spare
from hostops.look import LOOK_SECONDS, look
from hostops.process import Deadline
from hostops.release import run_step
from hostops.servers import ask
from hostops.ssh import Line, NoAnswer, script

if TYPE_CHECKING:
    from hostops.task import Task

STEP_SECONDS = 60


def halt(task: Task, host: str) -> None:
    """Drain a host and shut it down, if the cluster can spare it; raises Failure. One that is off stays off."""
    task.secrets.need("deployKey")
    need_address(task, host, "look")
    line = Line(task, host)
    try:
        silence = _silence(task, line)
        with task.journal.phase(host, "quorum") as outcome:
            # Its machine is changed now; who is sick gets a turn later.
            outcome.extend(make_spare(task, line, Deadline(task.limits.ready), heals=False))
        via = _server(task, host)
        if via is not None:
            _spare(task, via, host, silence)
        if not silence:
            _shut_down(task, line)
    finally:
        line.drop()


def _silence(task: Task, line: Line) -> str:
    """Why the host does not answer; empty if it does."""
    with task.journal.phase(line.host, "look") as outcome:
        try:
            look(line, task.host(line.host), seconds=LOOK_SECONDS)
        except NoAnswer as error:
            outcome.append(f"no answer: {error.text}")
            return error.text
        outcome.append(f"answers at {line.destination}")
    return ""


def _server(task: Task, host: str) -> Line | None:
    """A server that answers for the cluster: another one, else the host itself; None if nobody does."""
    others = [name for name in task.formation if name != host]
    found = ask(task, others).first or (ask(task, [host]).first if host in task.formation else None)
    return None if found is None else Line(task, found)


def _spare(task: Task, via: Line, host: str, silence: str) -> None:
    """Take the pods off the node. A node that is Ready and does not answer us is not cut off; raises Failure."""
    try:
        node = run_step(via, "node", script("node", host=host, role="server"), STEP_SECONDS).facts()
        if silence and node.get("ready") == "True":
            raise Failure(
                Code.REFUSED,
                "node",
                f"the node {host} is Ready (asked: {via.host}), and its machine does not let this program in "
                f"({silence}): it would be cut and not shut down; see that this computer reaches it, then run again",
            )
        with task.journal.phase(host, "drain") as outcome:
            outcome.append(drain(task, via, host, Deadline(task.limits.drain)))
    finally:
        via.drop()


def _shut_down(task: Task, line: Line) -> None:
    """Switch it off by its own system, and see it gone; raises Failure."""
    deadline, tries = Deadline(OFF_SECONDS), 0
    with task.journal.phase(line.host, "halt") as outcome:
        run_step(line, "halt", script("halt"), STEP_SECONDS)
        line.drop()
        while True:
            try:
                look(line, task.host(line.host), seconds=LOOK_SECONDS)
            except NoAnswer as error:
                outcome.append(f"off: {error.text}")
                return
            line.drop()
            if deadline.over:
                what = f"it answers {OFF_SECONDS} s after it was told to shut down"
                raise Failure(Code.TIMED_OUT, "halt", f"{what}; look at its console, then run again")
            pause(tries, deadline)
            tries += 1


def resume(task: Task, host: str) -> None:
    """Wait until a host is back and its node Ready, and let pods onto it again; raises Failure."""
    task.secrets.need("deployKey")
    need_address(task, host, "ready")
    entry, version = task.host(host), task.cluster.k3s_version
    line = Line(task, host)
    try:
        with task.journal.phase(host, "ready") as outcome:
            await_look(
                task,
                line,
                Deadline(task.limits.ready),
                "ready",
                cure="its machine was changed; look at its console, and there: journalctl -u k3s",
                until=lambda seen: seen.complaint(entry, version),
                code=Code.TIMED_OUT,
            )
            outcome.append(f"the node is Ready on {version}")
    finally:
        line.drop()
    via = _server(task, host)
    if via is None:
        return
    try:
        with task.journal.phase(host, "uncordon") as outcome:
            outcome.append(uncordon(task, via, host))
    finally:
        via.drop()

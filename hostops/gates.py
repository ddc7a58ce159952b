"""What a host must pass after a change: it is healthy on its system, and the user's own probes say nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostops.contact import pause
from hostops.look import Look, look
from hostops.ssh import Line, NoAnswer, script

if TYPE_CHECKING:
    from collections.abc import Callable

    from hostops.process import Deadline
    from hostops.task import Task

PROBE_MARGIN_SECONDS = 60
"""For the connection that a probe needs, beside the probe's own limit."""


def await_healthy(
    task: Task, line: Line, wanted: str, limit: Deadline, notice: Callable[[Look], None] = lambda _: None
) -> str:
    """Wait until the host runs `wanted` and is healthy; the last complaint if time ran out, else nothing.

    `notice` sees every look and may end the wait by a Failure.
    """
    tries, last = 0, "nothing was tried"
    while True:
        # A new connection: one from before the change proves nothing.
        line.drop()
        try:
            seen = look(line, task.host(line.host))
            notice(seen)
            last = complaint(task, line.host, wanted, seen)
            if not last:
                return ""
        except NoAnswer as error:
            last = error.text
        if limit.over:
            return last
        pause(tries, limit)
        tries += 1


def complaint(task: Task, host: str, wanted: str, seen: Look) -> str:
    """Why the host does not count as healthy on `wanted`; empty if it does."""
    if seen["current_system"] != wanted:
        return f"it runs {seen['current_system']}"
    return seen.complaint(task.host(host), task.cluster.k3s_version)


def failed_probe(task: Task, line: Line) -> str:
    """What the first probe that does not pass says; empty if all pass."""
    for probe in task.cluster.rollout_probes:
        text = script("probe", command=probe.command, seconds=str(probe.timeout_seconds))
        try:
            reply = line.run(text, seconds=probe.timeout_seconds + PROBE_MARGIN_SECONDS)
        except NoAnswer as error:
            return f"the probe {probe.name} got no answer: {error.text}"
        lines = reply.output.splitlines()
        if lines != ["probe=1", "probe_status=0"]:
            said = " ".join(lines[1:])[:200]
            return f"the probe {probe.name} must print nothing and exit 0; it said: {said}"
    return ""


def passed(task: Task) -> str:
    """How many probes have passed, for the journal."""
    count = len(task.cluster.rollout_probes)
    return f"healthy, {count} probe{'' if count == 1 else 's'} passed"

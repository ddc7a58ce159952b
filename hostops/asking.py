"""A script on the first server that answers: work on the cluster itself, which any of them can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostops.failure import Code, Failure
from hostops.ssh import Line, NoAnswer, words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostops.task import Task

SECONDS = 60
"""Limit on one server."""


def on_some_server(task: Task, phase: str, text: str, *, what: str) -> tuple[str, Mapping[str, str]]:
    """Which server did it, and the facts that it told; raises Failure when none could."""
    said: list[str] = []
    for name in task.formation:
        try:
            return name, _facts(task, name, text)
        except NoAnswer as error:
            said.append(f"{name}: {error.text}")
    why = "; ".join(said)
    raise Failure(Code.UNREACHABLE, phase, f"no server {what}: {why}; see that one is up, then run again")


def _facts(task: Task, host: str, text: str) -> Mapping[str, str]:
    if task.address(host) is None:
        raise NoAnswer("no address is known; pass it in NIXFLEET_PEERS")
    line = Line(task, host)
    try:
        reply = line.run(text, seconds=SECONDS)
    finally:
        line.drop()
    if reply.status != 0:
        raise NoAnswer(words(reply))
    return reply.facts()

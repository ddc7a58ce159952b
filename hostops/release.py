"""Taking a host's claim on a cluster away, and giving it one again. The disk is never touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostops.failure import Code, Failure
from hostops.ssh import NoAnswer, script

if TYPE_CHECKING:
    from hostops.ssh import Line, Reply

RELEASE_SECONDS = 300
"""Limit: the end of k3s and of all its containers is in it."""

STEP_SECONDS = 60


def hold(line: Line, *, on: bool) -> None:
    """Keep systemd from starting k3s again by itself, or let it; raises Failure."""
    run_step(line, "release", script("hold", hold="yes" if on else "no"), STEP_SECONDS)


def release(line: Line, *, disable: bool) -> str:
    """End k3s and take everything away by which the host could join again; raises Failure.

    `disable`: it does not start again until a system for it comes.
    """
    run_step(line, "release", script("release", disable="yes" if disable else "no"), RELEASE_SECONDS)
    return "k3s stopped, its tokens and credentials removed; its disk was not touched"


def run_step(line: Line, phase: str, command: str, seconds: float) -> Reply:
    """Run a script that must succeed; raises Failure."""
    try:
        reply = line.run(command, seconds=seconds)
    except NoAnswer as error:
        raise Failure(
            Code.UNREACHABLE, phase, f"{line.destination}: {error.text}; run again: it goes on here"
        ) from None
    if reply.status != 0:
        said = " ".join(reply.error.split()[-40:]) or "nothing"
        raise Failure(
            Code.FAILED, phase, f"the step failed on {line.host} with status {reply.status}: {said}; run again"
        )
    return reply

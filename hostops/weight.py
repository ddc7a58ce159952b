"""How heavy a change is for its host, asked where both systems are: on the host."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hostops.failure import Code, Failure
from hostops.ssh import NoAnswer, script, words

if TYPE_CHECKING:
    from hostops.ssh import Line

WEIGH_SECONDS = 60
MAY_SWITCH, NEEDS_REBOOT = "0", "4"
"""nixfleet-preflight (nix/modules/update): the system may be activated, or the running one cannot become it."""


@dataclass(frozen=True, kw_only=True)
class Weight:
    """What a switch does to the host."""

    k3s: bool
    """k3s restarts."""

    reboot: bool
    """Only a boot brings the kernel, the initrd or their parameters, or the whole system."""

    impossible: str
    """Why the running system cannot become it at all; empty if it can."""

    @property
    def text(self) -> str:
        """For the journal."""
        if self.impossible:
            return f"only a reboot can activate it: {self.impossible}"
        return (
            "it needs a reboot" if self.reboot else "it restarts k3s" if self.k3s else "it changes units other than k3s"
        )


_MINOR = re.compile(r"v(\d+)\.(\d+)\.")


def step_refused(running: str, wanted: str) -> str:
    """Why k3s may not go from one version to the other; empty if it may, or if nobody knows what runs.

    Kubernetes supports no step down and none over a minor: stored objects are converted from one minor to the next.
    """
    before, after = _MINOR.match(running), _MINOR.match(wanted)
    if before is None or after is None:
        return ""
    (old_major, old), (new_major, new) = (tuple(map(int, found.groups())) for found in (before, after))
    if (new_major, new) < (old_major, old):
        return "is a minor below it"
    return "leaves a minor out" if new_major == old_major and new > old + 1 else ""


def weigh(line: Line, wanted: str) -> Weight:
    """Ask the host, which has the system already; raises Failure."""
    try:
        reply = line.run(script("weigh", wanted=wanted), seconds=WEIGH_SECONDS)
    except NoAnswer as error:
        raise Failure(Code.UNREACHABLE, "weigh", f"{line.destination}: {error.text}; run again") from None
    facts = reply.facts()
    preflight = facts.get("preflight")
    if facts.get("weigh") != "1" or preflight not in (MAY_SWITCH, NEEDS_REBOOT):
        what = f"the host refused the system ({words(reply)})"
        raise Failure(Code.FAILED, "weigh", f"{what}; nothing was activated, and nothing else boots; run again")
    impossible = words(reply) if preflight == NEEDS_REBOOT else ""
    return Weight(k3s=facts["k3s"] == "yes", reboot=facts["reboot"] == "yes" or bool(impossible), impossible=impossible)

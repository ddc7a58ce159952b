"""How long work on a host takes: what runs of this stack took on this machine, or what is assumed without any."""

from __future__ import annotations

import json
import os
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from pydantic import ValidationError

from fleet.model import Model, Name
from fleet.plan.effect import Effect

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = "times.json"

INSTALL = "install"
"""Work: the installation of a host that is new, or whose disk is formatted."""

FIRST = "first"
"""Work: its first switch, which follows."""

LEAVE = "leave"
"""Work: leaving the cluster."""

ASSUMED_SECONDS = {
    # keep-sorted start
    "first": 180.0,
    "generation": 180.0,
    "install": 480.0,
    "k3s": 180.0,
    "leave": 180.0,
    "reboot": 300.0,
    "restarted": 300.0,
    "units": 60.0,
    # keep-sorted end
}
"""By work, where no run is known: rounded up from machines of the kinds in HARDWARE; a guess, and told as one."""

_WORKS = {
    Effect.NOTHING: (),
    Effect.CREATED: (INSTALL, FIRST),
    Effect.REINSTALLED: (LEAVE, INSTALL, FIRST),
    Effect.REPLACED: (INSTALL, FIRST),
    Effect.REJOINED: (FIRST,),
    Effect.REMOVED: (LEAVE,),
}


class Times(Model):
    """Seconds by work and host, as the last runs measured them."""

    seconds: dict[str, dict[Name, float]] = {}

    def of(self, work: str, host: str) -> float:
        """A work on a host: its own last time, else the median of the others', else what is assumed."""
        known = self.seconds.get(work, {})
        return known.get(host) or (median(known.values()) if known else ASSUMED_SECONDS[work])

    def minutes(self, effect: Effect, host: str) -> float:
        """What an effect takes on a host, in its turn."""
        return sum(self.of(work, host) for work in _WORKS.get(effect, (effect.value,))) / 60

    def merged(self, newer: Mapping[str, Mapping[str, float]]) -> Times:
        """With what a newer run measured."""
        works = sorted({*self.seconds, *newer})
        return Times(seconds={work: {**self.seconds.get(work, {}), **newer.get(work, {})} for work in works})


def folder_of(stack: str, environment: Mapping[str, str]) -> Path:
    """Where what runs leave behind is kept: below XDG_STATE_HOME, else below the home folder's `.local/state`."""
    home = environment.get("XDG_STATE_HOME") or os.environ.get("XDG_STATE_HOME")
    base = Path(home) if home else Path.home() / ".local" / "state"
    return base / "nixfleet" / stack.replace("/", "-")


def read_times(path: Path) -> Times:
    """What runs have left at `path`; nothing where there is none, or in a form that this program does not know."""
    try:
        return Times.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError):
        return Times()

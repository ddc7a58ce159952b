"""How long a verb of hostops may take, for those that `make` runs without the engine: as the engine would say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet import stackfile
from fleet.cluster import Rollout
from fleet.durations import MARGIN_SECONDS, told, verb_seconds
from fleet.faults import FleetError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operate.engine import Place


def told_to(verb: str, place: Place, hosts: int) -> Mapping[str, str]:
    """Its limits as environment, for a stack of so many hosts."""
    return told(verb, _rollout(place), hosts)


def whole_seconds(verb: str, place: Place, hosts: int) -> int:
    """When it is ended from outside: it ends by itself before, and says why."""
    return verb_seconds(_rollout(place), hosts)[verb] + MARGIN_SECONDS


def _rollout(place: Place) -> Rollout:
    """What the stack file says; the defaults where it has faults, which must not keep anybody from asking hosts."""
    try:
        return stackfile.load_file(place.stack.rpartition("/")[2], place.stack_file).fleet.rollout
    except FleetError:
        return Rollout()

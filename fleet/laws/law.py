"""What a law is: a function that yields faults, and the parts of a fleet that it needs whole to speak truly.

A document with faults of type is read in part, and the laws run on that part. A law that counts hosts or looks one up
would then find faults that are none, so it says that it needs every host, and is left out where one cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from fleet.faults import Fault
from fleet.network import Profile
from fleet.settings import Fleet

EVERY_HOST = "every host"
"""Need of a law that would be wrong if a host were left out."""

Profiles = Mapping[str, Profile]
Find = Callable[[Fleet, Profiles], Iterator[Fault]]


@dataclass(frozen=True, kw_only=True)
class Law:
    """One law between fields."""

    find: Find
    needs: frozenset[str]
    """Sections of the fleet by field name, and EVERY_HOST."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What could be read of a document."""

    fleet: Fleet
    """Holds the readable sections and hosts only."""

    readable: frozenset[str]
    """Names of those sections, and EVERY_HOST where no host was left out."""

    profiles: Profiles


_LAWS: list[Law] = []


def law(*needs: str) -> Callable[[Find], Find]:
    """Register a law with what it needs; `hosts` alone means: as many as can be read."""

    def register(find: Find) -> Find:
        _LAWS.append(Law(find=find, needs=frozenset(needs)))
        return find

    return register


def laws() -> tuple[Law, ...]:
    """All registered laws."""
    return tuple(_LAWS)

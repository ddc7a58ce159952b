"""The laws between fields of a fleet, by subject. Faults within one field are the types' matter (typefaults.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

# Importing a subject registers its laws.
from fleet.laws import (
    addresses,
    cluster,
    disks,
    endpoint,
    hardware,
    limits,
    money,
    names,
    network,
    people,
    ranges,
    storage,
    updates,
    versions,
)
from fleet.laws.law import EVERY_HOST, Law, Reading, laws

if TYPE_CHECKING:
    from fleet.faults import Fault

__all__ = [
    # keep-sorted start
    "EVERY_HOST",
    "Law",
    "Reading",
    "addresses",
    "broken_laws",
    "cluster",
    "disks",
    "endpoint",
    "hardware",
    "laws",
    "limits",
    "money",
    "names",
    "network",
    "people",
    "ranges",
    "storage",
    "updates",
    "versions",
    # keep-sorted end
]


def broken_laws(reading: Reading) -> tuple[Fault, ...]:
    """Every fault that a law finds whose needs can be read."""
    able = (law for law in laws() if law.needs <= reading.readable)
    return tuple(fault for law in able for fault in law.find(reading.fleet, reading.profiles))

"""Laws of where systems are built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.faults import Fault
from fleet.laws.law import Profiles, law

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.settings import Fleet


@law("updates")
def a_builder_is_named_where_it_builds(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """`build: builder` names one, and no other way does."""
    updates = fleet.updates
    if updates.build == "builder" and updates.builder is None:
        yield Fault(
            path="updates.builder",
            value="absent",
            law="updates.build is builder, and no machine is named",
            cure="write its uri and hostKey, or build elsewhere",
        )
    if updates.build != "builder" and updates.builder is not None:
        yield Fault(
            path="updates.builder",
            value=updates.builder.uri,
            law=f"updates.build is {updates.build}, so nothing is built on it",
            cure="set updates.build to builder, or remove it",
        )

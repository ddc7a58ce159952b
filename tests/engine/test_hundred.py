"""A hundred hosts on the real engine: the state that an `up` writes stays small, and few paths lead through it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sim.crowd import at_once, many
from sim.paths import resources_of, stored_state, visits
from sim.site import Site

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.engine

HOSTS = 100
MOST_BYTES = 5_000_000
MOST_PATHS = 1e7


def test_the_state_of_a_hundred_hosts_is_small_and_the_paths_from_any_resource_are_few(tmp_path: Path) -> None:
    site = Site(tmp_path, "sim", many(HOSTS))
    at_once(site)
    up = site.up()
    assert up.run.ok, up.run.errors
    assert sum(command.endswith("-system") for command in up.commands) == HOSTS
    state = stored_state(site.stage.base, "sim")
    found = visits(resources_of(state))
    worst = max(found, key=found.__getitem__)
    assert found[worst] <= MOST_PATHS, worst
    assert state.stat().st_size <= MOST_BYTES

"""The sites that faults are injected into, each made when it is first asked for, and kept for all tests of a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.sites import Kept, cloud, shelf, site
from tests.faults.table import agents

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.site import Site


@pytest.fixture(scope="session")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """One server that is up."""
    made = site(tmp_path_factory.mktemp("faults") / "seed", shelf(1, 0))
    up = made.up()
    assert up.run.ok, up.run.errors
    return Kept(made)


@pytest.fixture(scope="session")
def kept(seed: Kept, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Kept]:
    """The sites by name; each is made when it is first asked for."""
    found = {"seed": seed}

    def one(name: str) -> Kept:
        if name not in found:
            found[name] = Kept(brought_up(seed, name), name)
        return found[name]

    def brought_up(seed: Kept, name: str) -> Site:
        if name == "agents":
            with seed.again(agents(6)) as made:
                up = made.up()
        else:
            made = site(tmp_path_factory.mktemp("faults") / name, FLEETS[name]())
            up = made.up()
        assert up.run.ok, up.run.errors
        return made

    return one


FLEETS = {"trio": lambda: shelf(3, 0), "cloud": cloud}

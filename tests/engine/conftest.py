"""What the modules share, each with a `site` of its own."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sim.site import Site

    Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def edited(site: Site) -> Iterator[Callable[[Edit], Site]]:
    """The site with its document changed; put back afterwards."""
    saved = copy.deepcopy(site.config)

    def change(edit: Edit) -> Site:
        site.change(edit)
        return site

    yield change
    site.config = saved
    site.write()

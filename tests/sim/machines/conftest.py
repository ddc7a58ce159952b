from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sim.machines.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A world with a running daemon and nothing racked."""
    lab = Lab(tmp_path)
    lab.start()
    yield lab
    if lab.running:
        assert lab.stop() == 0

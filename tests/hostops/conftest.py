"""Fixtures of hostops' tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hostops.fakes import Fakes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def fakes(tmp_path: Path) -> Fakes:
    """A host's root folder and a PATH of fakes."""
    return Fakes(tmp_path)

"""Fixtures of hostops' tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hostops.bench import BOARD, SEED, SERVERS, Bench, Copies, bench
from tests.hostops.fakes import Fakes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def fakes(tmp_path: Path) -> Fakes:
    """A host's root folder and a PATH of fakes."""
    return Fakes(tmp_path)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Bench]:
    """A server and a board; nothing is installed."""
    with bench(tmp_path, SEED, BOARD) as made:
        yield made


def installed(base: Path, *hosts: str) -> Copies:
    """Copies of a bench with these hosts installed."""
    work = base / "work"
    work.mkdir()
    with bench(work, *hosts) as made:
        made.installed(*hosts)
    return Copies(base, made)


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Copies:
    """A server and a board, both installed, as often as one likes."""
    return installed(tmp_path_factory.mktemp("pair"), SEED, BOARD)


@pytest.fixture(scope="session")
def trios(tmp_path_factory: pytest.TempPathFactory) -> Copies:
    """Three servers, installed."""
    return installed(tmp_path_factory.mktemp("trio"), *SERVERS)


@pytest.fixture
def pair(pairs: Copies) -> Iterator[Bench]:
    """A server and a board, both installed."""
    with pairs.one() as made:
        yield made


@pytest.fixture
def trio(trios: Copies) -> Iterator[Bench]:
    """Three servers, installed."""
    with trios.one() as made:
        yield made

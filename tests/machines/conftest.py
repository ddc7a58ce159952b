"""Machines for tests; and what cannot run on this computer, said and counted instead of skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.machines import qemu
from tests.machines.points import Points, Site

if TYPE_CHECKING:
    from collections.abc import Iterator

_left_out: list[str] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out what needs a machine where none can be had; the summary says how much and why."""
    if not qemu.missing():
        return
    out = [item for item in items if "points" in getattr(item, "fixturenames", ())]
    if out:
        _left_out.extend(item.nodeid for item in out)
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what did not run."""
    if _left_out:
        cure = f"install {qemu.missing()} (Debian's packages)"
        terminalreporter.write_line(f"machines: {len(_left_out)} tests NOT RUN: no machine here: {cure}", yellow=True)


@pytest.fixture(scope="session")
def points() -> Points:
    """Starting points of machines."""
    return Points()


@pytest.fixture
def installed(points: Points) -> Iterator[Site]:
    """A server that hostops has installed, healthy."""
    with points.at("installed") as site:
        yield site


@pytest.fixture
def installer(points: Points) -> Iterator[Site]:
    """A machine with our medium and a blank disk."""
    with points.at("installer") as site:
        yield site

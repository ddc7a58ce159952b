"""Machines for tests; and what cannot run on this computer, said and counted instead of skipped."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.machines import qemu
from tests.machines.points import Points, Site
from tests.machines.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Iterator

_left_out: list[str] = []


def _lacks() -> str:
    """Why no machine can be had: what is not installed, or what tools/test-machines has found out."""
    lacks = qemu.missing()
    return f"install {lacks} (Debian's packages)" if lacks else os.environ.get("NIXFLEET_MACHINES_LACK", "")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out what needs a machine where none can be had; the summary says how much and why."""
    if not _lacks():
        return
    out = [item for item in items if "points" in getattr(item, "fixturenames", ())]
    if out:
        _left_out.extend(item.nodeid for item in out)
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what did not run."""
    if _left_out:
        terminalreporter.write_line(
            f"machines: {len(_left_out)} tests NOT RUN: no machine here: {_lacks()}", yellow=True
        )


@pytest.fixture(scope="session")
def points() -> Points:
    """Starting points of machines."""
    return Points()


@pytest.fixture(scope="module")
def standing(points: Points) -> Iterator[Standing]:
    """The server of a whole file."""
    standing = Standing(points)
    yield standing
    standing.discard()


@pytest.fixture
def installed(standing: Standing, request: pytest.FixtureRequest) -> Iterator[Site]:
    """A server that hostops has installed, healthy; the one that the test before has left."""
    failed = request.session.testsfailed
    yield standing.site()
    if request.session.testsfailed == failed:
        standing.settle()
    else:
        standing.discard()


@pytest.fixture
def installer(points: Points) -> Iterator[Site]:
    """A machine with our medium and a blank disk."""
    with points.at("installer") as site:
        yield site

"""Checkers of workflows that may be at hand; a test that goes without one is said and counted, not skipped."""

from __future__ import annotations

import shutil

import pytest

CHECKERS = {
    "actionlint": "go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12",
    "zizmor": "pip install zizmor==1.32.0",
}
_left_out: dict[str, int] = {}


@pytest.fixture
def actionlint() -> str:
    """The program's path."""
    return shutil.which("actionlint") or ""


@pytest.fixture
def zizmor() -> str:
    """The program's path."""
    return shutil.which("zizmor") or ""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out what needs a checker that is not on PATH."""
    absent = [name for name in CHECKERS if shutil.which(name) is None]
    out = [item for item in items if set(absent) & set(getattr(item, "fixturenames", ()))]
    for item in out:
        for name in absent:
            _left_out[name] = _left_out.get(name, 0) + (name in getattr(item, "fixturenames", ()))
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what did not run."""
    for name, count in _left_out.items():
        if count:
            terminalreporter.write_line(
                f"workflows: {count} tests NOT RUN: no {name} on PATH ({CHECKERS[name]})", yellow=True
            )

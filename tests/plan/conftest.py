"""A checkout with one commit for tests of the verbs; and what cannot run here, said and counted."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from fleet import stackfile
from tests.plan import browser
from tests.plan.checkout import git

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one commit, of which stack sim and nix/ are in git."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = tmp_path / "checkout"
    shutil.copytree(stackfile.ROOT / "nix/network", made / "nix/network")
    shutil.copy(stackfile.ROOT / "Pulumi.sim.yaml", made)
    git(made, "init", "--quiet")
    git(made, "add", ".")
    git(made, "commit", "--quiet", "--message", "Begin")
    return made


_left_out: list[str] = []


@pytest.fixture
def a_browser() -> None:
    """Tests with it need a browser and axe-core."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out what needs a browser where there is none."""
    needing = [item for item in items if "a_browser" in getattr(item, "fixturenames", ())]
    if needing and (browser.browser() is None or browser.axe() is None):
        _left_out.extend(item.name for item in needing)
        config.hook.pytest_deselected(items=needing)
        items[:] = [item for item in items if item not in needing]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what did not run."""
    if _left_out:
        terminalreporter.write_line(
            f"plan: {len(_left_out)} tests of the page NOT RUN: no Chromium on PATH (Debian: apt-get install "
            f"chromium-headless-shell), or no npm, which fetches {browser.AXE}",
            yellow=True,
        )

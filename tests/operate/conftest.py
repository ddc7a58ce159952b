"""The sops that tests of users' secrets files run; where there is none, that is said and counted."""

from __future__ import annotations

import subprocess

import pytest

from operate.engine import ROOT

WITHOUT_SOPS = "no sops: tools/find-sops --build makes one"


@pytest.fixture(scope="session")
def sops() -> str:
    """Where sops is."""
    found = subprocess.run([ROOT / "tools" / "find-sops"], capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip(WITHOUT_SOPS)
    return found.stdout.strip()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what did not run."""
    left_out = [one for one in terminalreporter.stats.get("skipped", ()) if WITHOUT_SOPS in str(one.longrepr)]
    if left_out:
        terminalreporter.write_line(f"operate: {len(left_out)} tests NOT RUN: {WITHOUT_SOPS}", yellow=True)

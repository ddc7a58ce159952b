"""What stands between hostops and a real Nix: only the project's own flake is another one."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from tests.machines.medium import HERE

if TYPE_CHECKING:
    from pathlib import Path


def test_only_the_projects_own_flake_is_replaced_by_that_of_the_tests(tmp_path: Path) -> None:
    real = tmp_path / "nix"
    real.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    real.chmod(0o700)
    given = ["eval", "/project/nix#one.two", "/elsewhere/nix#one", "a word", "/project/nix"]
    ended = subprocess.run(
        [str(HERE / "tools" / "nix"), *given],
        env={
            **os.environ,
            "NIXFLEET_MACHINES_NIX": str(real),
            "NIXFLEET_MACHINES_FLAKE": "/flake",
            "NIXFLEET_MACHINES_ROOT": "/project",
        },
        capture_output=True,
        check=True,
        text=True,
    )
    assert ended.stdout.splitlines() == ["eval", "path:/flake#one.two", "/elsewhere/nix#one", "a word", "/project/nix"]

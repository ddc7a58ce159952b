"""The folders of commands that simulated systems have on PATH. What the commands answer is in commands/."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from sim.machines.commands import ALL, COMMANDS, names

if TYPE_CHECKING:
    from sim.machines.machine import System

LOCAL = {
    # keep-sorted start
    "chgrp": "owner",
    "chown": "owner",
    "date": "date",
    "id": "id",
    "readlink": "readlink",
    "realpath": "readlink",
    "sudo": "sudo",
    "sync": "sync",
    "whoami": "id",
    # keep-sorted end
}
"""Commands that need no answer, and the script that is each of them."""


def lay(folder: Path) -> None:
    """Write one folder of commands per system."""
    shutil.rmtree(folder, ignore_errors=True)
    for system in ALL:
        _lay_system(folder / system, system)


def _lay_system(folder: Path, system: System) -> None:
    folder.mkdir(parents=True)
    scripts = {path.stem: path.read_text() for path in Path(__file__).parent.glob("*.sh")}
    for script, text in scripts.items():
        # The interpreter by its path: going through env would cost one more program start per command.
        target = folder / f".{script}"
        target.write_text(text.replace("#!/usr/bin/env bash", f"#!{shutil.which('bash')}", 1))
        target.chmod(0o755)
    here = names(system)
    for name in COMMANDS:
        # The search path goes on to this computer's own programs: what the system lacks must not be found there.
        (folder / name).symlink_to(".ask" if name in here else ".absent")
    own = {"nixfleet-run": "run"} if system == "nixos" else {}
    for name, script in (LOCAL | own).items():
        (folder / name).symlink_to(f".{script}")

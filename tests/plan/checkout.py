"""A checkout with a history of its own."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def git(root: Path, *words: str) -> str:
    """What git prints."""
    person = ("-c", "user.name=Ada", "-c", "user.email=ada@example.net")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(["git", "-C", root, *person, *words], check=True, capture_output=True, text=True, env=clean)
    return done.stdout


def edit(root: Path, old: str, new: str) -> None:
    """Change the file of stack sim."""
    path = root / "Pulumi.sim.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")

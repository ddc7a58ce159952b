"""The medium that every machine has: Debian, made once and kept by what goes into it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
RECIPE = HERE / "image"
LIMIT_SECONDS = 1200
"""For packages to be fetched and unpacked: four minutes where nothing else runs."""


def cache() -> Path:
    """The user's cache folder of these tests."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nixfleet" / "machines"


def digest(*folders: Path, words: tuple[str, ...] = ()) -> str:
    """What the files of these folders and these words are, in sixteen characters."""
    found = hashlib.sha256("\0".join(words).encode())
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                found.update(f"{path.relative_to(folder)}\0{path.stat().st_mode & 0o111}\0".encode())
                found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:16]


def _release() -> str:
    return Path("/etc/os-release").read_text()


def medium() -> Path:
    """The folder with medium.img, vmlinuz and initrd; made where it is not in the cache."""
    folder = cache() / f"medium-{digest(RECIPE, words=(_release(),))}"
    if not folder.exists():
        draft = folder.with_suffix(f".{os.getpid()}")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        argv = ["timeout", "--kill-after=10", str(LIMIT_SECONDS), str(RECIPE / "make"), str(draft)]
        # What it says belongs with errors.
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
        draft.rename(folder)
    return folder

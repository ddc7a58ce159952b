"""Layout zfs-server: a root that every boot returns to its blank snapshot, and what of it lies on /persist instead."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from sim.machines import closure

if TYPE_CHECKING:
    from pathlib import Path

DIRECTORIES = (
    "/etc/nixfleet",
    "/etc/rancher/node",
    "/var/lib/nixfleet",
    "/var/lib/nixos",
    "/var/lib/rancher",
    "/var/lib/systemd",
    "/var/log",
)
FILES = ("/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_ed25519_key.pub")
"""Both are what nix/modules/disks/impermanence.nix lists; tests/nix compares."""

DATASETS = ("boot", "home", "nix", "persist")
"""What is mounted over the root, and so no part of its snapshot."""


def go_back(root: Path) -> None:
    """Return the root to its blank snapshot, then link what /persist has."""
    for path in root.iterdir():
        if path.name in DATASETS:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    for name in DIRECTORIES:
        kept = root / f"persist{name}"
        kept.mkdir(parents=True, exist_ok=True)
        closure.point(root / name.lstrip("/"), kept)
    for name in FILES:
        kept = root / f"persist{name}"
        if kept.exists():
            closure.point(root / name.lstrip("/"), kept)

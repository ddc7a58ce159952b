"""Systems in a Nix store: what a closure holds, generations, boot entries. Building one is the tools' matter."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROFILE = "nix/var/nix/profiles/system"
BOOT_DEFAULT = "boot/loader/loader.conf"
_LINK = re.compile(r"^system-(\d+)-link$")


@dataclass(frozen=True, kw_only=True)
class Closure:
    """A built system."""

    path: str
    """Its store path, `/nix/store/<hash>-nixos-system-<host>`."""

    stack: str
    host: str
    kernel: str
    """Store path of its kernel: a reboot is due when it changes."""

    cluster: dict[str, Any]
    """The contract's shared facts."""

    entry: dict[str, Any]
    """The contract's entry of the host."""

    @classmethod
    def read(cls, root: Path, path: str) -> Closure:
        """The closure at a store path below `root`; raises LookupError if it is not in that store."""
        document = inside(root, path) / "closure.json"
        if not document.exists():
            raise LookupError(f"path '{path}' is not valid: it is not in the store; copy it there first")
        return cls(path=path, **json.loads(document.read_text()))


def inside(root: Path, path: str) -> Path:
    """Where an absolute path of a machine is on this computer; a path that is there already stays."""
    return Path(path) if Path(path).is_relative_to(root) else root / path.lstrip("/")


def outside(root: Path, path: Path | str) -> str:
    """A path as the machine itself names it."""
    return "/" + str(Path(path).relative_to(root)) if Path(path).is_relative_to(root) else str(path)


def receive(root: Path, path: str, document: dict[str, Any], shims: Path) -> None:
    """Put a closure into the store below `root`, as `nix copy` does."""
    target = inside(root, path)
    if target.exists():
        return
    draft = target.with_name(f".{target.name}")
    (draft / "bin").mkdir(parents=True, exist_ok=True)
    (draft / "closure.json").write_text(json.dumps(document, indent=1, sort_keys=True))
    kernel = inside(root, document["kernel"])
    kernel.mkdir(parents=True, exist_ok=True)
    (kernel / "image").touch()
    for name in ("kernel", "initrd", "kernel-modules"):
        point(draft / name, kernel / "image")
    point(draft / "sw" / "bin", shims)
    (draft / "bin" / "switch-to-configuration").symlink_to(shims / "switch-to-configuration")
    draft.rename(target)


def point(link: Path, target: Path) -> None:
    """Make or replace a symbolic link."""
    link.parent.mkdir(parents=True, exist_ok=True)
    draft = link.with_name(f".{link.name}.draft")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    draft.rename(link)


def generations(root: Path) -> dict[int, str]:
    """Store paths of the system profile's generations by number."""
    links = {path: _LINK.match(path.name) for path in (root / PROFILE).parent.glob("system-*-link")}
    found = {int(match[1]): outside(root, path.readlink()) for path, match in links.items() if match}
    return dict(sorted(found.items()))


def current_generation(root: Path) -> int | None:
    """Number of the generation that the profile points at; None without a profile."""
    match = _LINK.match((root / PROFILE).readlink().name) if (root / PROFILE).is_symlink() else None
    return int(match[1]) if match else None


def set_generation(root: Path, number: int) -> None:
    """Point the profile at one of its generations; raises LookupError for one that is not there."""
    if number not in generations(root):
        raise LookupError(f"error: profile version {number} does not exist")
    point(root / PROFILE, (root / PROFILE).with_name(f"system-{number}-link"))


def add_generation(root: Path, path: str) -> int:
    """Make `path` the profile's newest generation; the current one again if it is the same, as nix-env does."""
    Closure.read(root, path)
    known, current = generations(root), current_generation(root)
    if current is not None and known[current] == path:
        return current
    number = max(known, default=0) + 1
    point((root / PROFILE).with_name(f"system-{number}-link"), inside(root, path))
    set_generation(root, number)
    return number


def delete_generations(root: Path, numbers: set[int]) -> None:
    """Forget generations, never the current one."""
    for number in numbers - {current_generation(root)}:
        (root / PROFILE).with_name(f"system-{number}-link").unlink(missing_ok=True)


def install_boot_entries(root: Path, default: str) -> None:
    """Write the boot menu: an entry per generation of the profile, and the one that boots by default."""
    entries = root / "boot/loader/entries"
    shutil.rmtree(entries, ignore_errors=True)
    entries.mkdir(parents=True)
    known = generations(root)
    for number, path in known.items():
        (entries / f"nixos-generation-{number}.conf").write_text(f"title NixOS\noptions init={path}/init\n")
    chosen = next((number for number, path in reversed(known.items()) if path == default), None)
    name = f"nixos-generation-{chosen}.conf" if chosen is not None else default
    (root / BOOT_DEFAULT).write_text(f"timeout 5\ndefault {name}\n")


def default_boot(root: Path) -> str | None:
    """Store path of the system that boots by default; None if nothing on this disk boots."""
    menu = root / BOOT_DEFAULT
    if not menu.exists():
        return None
    name = menu.read_text().split("default ", 1)[1].strip()
    if name.startswith("/"):
        return name
    entry = root / "boot/loader/entries" / name
    match = re.search(r"init=(\S+)/init", entry.read_text()) if entry.exists() else None
    return match[1] if match else None

"""Systems in a Nix store: what a closure holds, and generations. Boot menus are in loader.py."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROFILE = "nix/var/nix/profiles/system"
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

    @property
    def k3s_unit(self) -> str:
        """The unit k3s.service."""
        return k3s_unit(self.cluster, self.entry)

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
    (draft / "kernel-params").write_text(" ".join(["loglevel=4", *tuning_of(document).get("kernelParams", ())]))
    (draft / "etc/systemd/system").mkdir(parents=True)
    (draft / "etc/systemd/system/k3s.service").write_text(k3s_unit(document["cluster"], document["entry"]))
    point(draft / "sw" / "bin", shims)
    (draft / "bin" / "switch-to-configuration").symlink_to(shims / "switch-to-configuration")
    draft.rename(target)


def tuning_of(document: dict[str, Any]) -> dict[str, Any]:
    """What the contract says of the host's kernel."""
    found: dict[str, Any] = document["entry"].get("tuning", {})
    return found


def k3s_unit(cluster: dict[str, Any], entry: dict[str, Any]) -> str:
    """The unit k3s.service: it is another one, and restarts, when anything changes that k3s is told."""
    shared = ("k3sVersion", "join", "seed", "servers", "podRange", "serviceRange")
    told = {name: cluster.get(name) for name in shared}
    told |= {name: entry.get(name) for name in ("role", "address", "storageAddress")}
    return f"[Service]\nX-Restart-Triggers={json.dumps(told, sort_keys=True)}\n"


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
    """Make `path` the profile's newest generation; the newest one again if it is the same, as nix-env does."""
    Closure.read(root, path)
    known = generations(root)
    # nix-env compares with the newest generation, whichever is the current one.
    if known and known[max(known)] == path:
        set_generation(root, max(known))
        return max(known)
    number = max(known, default=0) + 1
    point((root / PROFILE).with_name(f"system-{number}-link"), inside(root, path))
    set_generation(root, number)
    return number


def delete_generations(root: Path, numbers: set[int]) -> None:
    """Forget generations, never the current one."""
    for number in numbers - {current_generation(root)}:
        (root / PROFILE).with_name(f"system-{number}-link").unlink(missing_ok=True)

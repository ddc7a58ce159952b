"""Runs Nix for the tests: any Nix for what needs no nixpkgs, a root folder with all flake inputs for the rest."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TREE = ROOT / "nix"
HERE = Path(__file__).resolve().parent
VARIABLE = "NIXFLEET_NIX_INPUTS"
FEATURES = ("--extra-experimental-features", "nix-command flakes")
LIMIT_SECONDS = 1200
KEPT_COPIES = 4
PACKAGE = re.compile(r"\bpkgs((?:\.[A-Za-z_][A-Za-z0-9_'-]*)+)")


def inputs_root() -> Path | None:
    """The folder that has every flake input in `inputs/`: the variable's, else the one in the user's cache folder."""
    named = os.environ.get(VARIABLE)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = Path(named) if named else cache / "nixfleet" / "standin"
    return root if (root / "inputs" / "nixpkgs" / "flake.nix").exists() else None


def _names(tree: Path) -> dict[str, Any]:
    """Package names that the tree mentions, nested as attributes."""
    names: dict[str, Any] = {}
    for path in tree.rglob("*.nix"):
        for found in PACKAGE.finditer(path.read_text()):
            node = names
            for part in found.group(1).strip(".").split("."):
                node = node.setdefault(part, {})
    return names


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    return {key: _merged(first.get(key, {}), second.get(key, {})) for key in sorted({*first, *second})}


def _digest(*folders: Path) -> str:
    files = sorted(path for folder in folders for path in folder.rglob("*.nix"))
    return hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in files)).hexdigest()


def extended(root: Path) -> Path:
    """The stand-in's nixpkgs with what this tree needs beside it (standin/), in a folder named by its content."""
    plain = root / "inputs" / "nixpkgs"
    parts = (_digest(HERE / "standin", plain / "lib"), json.dumps(_names(TREE)), (plain / "packages.nix").read_text())
    target = root / "nixfleet" / hashlib.sha256("".join(parts).encode()).hexdigest()[:16] / "nixpkgs"
    target.parent.parent.mkdir(exist_ok=True)
    with (target.parent.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            draft = target.with_suffix(".draft")
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(plain, draft, symlinks=True)
            (draft / "packages.nix").rename(draft / "packages-plain.nix")
            (draft / "stubs.nix").rename(draft / "stubs-plain.nix")
            for path in (HERE / "standin").glob("*.nix"):
                shutil.copy(path, draft)
            names = _merged(json.loads((plain / "names.json").read_text()), _names(TREE))
            (draft / "names.json").write_text(json.dumps(names))
            draft.rename(target)
        target.parent.touch()
        _forget_old(target.parent.parent)
    return target


def _forget_old(folder: Path) -> None:
    """Keep what other clones and branches may be using."""
    kept = sorted((path for path in folder.iterdir() if path.is_dir()), key=lambda path: -path.stat().st_mtime)
    for path in kept[KEPT_COPIES:]:
        shutil.rmtree(path, ignore_errors=True)


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """A place where the whole flake can be evaluated."""

    root: Path

    @property
    def is_standin(self) -> bool:
        """Whether its packages only evaluate."""
        return (self.root / "inputs" / "nixpkgs" / "names.json").exists()

    def _flags(self, prefix: Path) -> list[str]:
        flags = ["--offline", "--read-only", "--no-write-lock-file"]
        for path in sorted((self.root / "inputs").iterdir()):
            found = path
            if path.name == "nixpkgs" and self.is_standin:
                found = extended(self.root)
            seen = Path("/") / found.relative_to(self.root) if prefix == Path("/project") else found
            flags += ["--override-input", path.name, f"path:{seen}"]
        return flags

    @property
    def _has_nix(self) -> bool:
        return (self.root / "usr" / "bin" / "nix").exists()

    @property
    def _project(self) -> Path:
        """The project as that Nix sees it."""
        return Path("/project") if self._has_nix else ROOT

    def evaluate(self, file: str, attribute: str = "") -> subprocess.CompletedProcess[str]:
        """Evaluate a file of tests/nix/evaluate over the flake's `lib`; stdout is JSON."""
        return self.output("lib", f"tree: (import {self._project}/tests/nix/evaluate/{file}.nix tree){attribute}")

    def output(self, attribute: str, apply: str = "value: value") -> subprocess.CompletedProcess[str]:
        """Evaluate an output of the flake, as JSON."""
        command = ["nix", "eval", "--impure", "--json", *FEATURES, *self._flags(self._project)]
        command += [f"path:{self._project}/nix#{attribute}", "--apply", apply]
        return run(self._within(command) if self._has_nix else command)

    def metadata(self) -> subprocess.CompletedProcess[str]:
        """The flake's inputs as Nix reads them from the lock, which it may not change."""
        command = ["nix", "flake", "metadata", *FEATURES, "--offline", "--no-update-lock-file"]
        command += [f"path:{self._project}/nix"]
        return run(self._within(command) if self._has_nix else command)

    def _within(self, command: list[str]) -> list[str]:
        """The command in the root folder, which is a small system of its own with a Nix."""
        script = (
            'root=$1 project=$2; shift 2; mkdir -p "$root/project"; mount --bind /proc "$root/proc"; '
            'mount --rbind /dev "$root/dev"; mount --bind "$project" "$root/project"; '
            'exec chroot "$root" env HOME=/root "$@"'
        )
        mapped = [] if os.geteuid() == 0 else ["--map-root-user"]
        unshare = ["unshare", *mapped, "--mount", "--propagation", "private"]
        return [*unshare, "sh", "-euc", script, "sh", str(self.root), str(ROOT), *command]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run with a limit; the caller looks at the status."""
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)


def nix_instantiate() -> list[str] | None:
    """The old command of whatever Nix there is, in a form that needs no store: on PATH, else the root folder's."""
    options = ["--option", "sandbox", "false", "--store", "dummy://"]
    if shutil.which("nix-instantiate"):
        return ["nix-instantiate", *options]
    root = inputs_root()
    if root is None or not (root / "usr" / "bin" / "nix-instantiate").exists():
        return None
    return Inputs(root=root)._within(["nix-instantiate", *options])  # noqa: SLF001 - the same module


def seen(path: Path) -> Path:
    """A file of the project as that Nix sees it."""
    return path if shutil.which("nix-instantiate") else Path("/project") / path.relative_to(ROOT)


def errors(text: str) -> str:
    """The last error of Nix's output, without the trace and colours."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    start = plain.rfind("error:")
    lines = plain[start:].splitlines() if start >= 0 else [plain]
    return " ".join(line.strip() for line in lines if line.strip() and not re.match(r"\s*(at /|\d+\||\|)", line))

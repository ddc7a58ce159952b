"""The flake as its doubles see it: contracts, the closure that each host's entry makes, and the local store."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.machines.closure import k3s_unit

CONTRACTS = "NIXFLEET_CONTRACTS"
DEFAULT_CONTRACTS = "nix/fleet"
_ALPHABET = "0123456789abcdfghijklmnpqrsvwxyz"
"""Nix's own base 32: no e, o, t, u."""


class EvaluationError(Exception):
    """What Nix would refuse to evaluate."""


@dataclass(frozen=True, kw_only=True)
class System:
    """One host's system, evaluated."""

    path: str
    drv: str
    document: dict[str, Any]
    """What stands in the store as `closure.json`."""

    @property
    def weight(self) -> dict[str, str]:
        """What of it needs more than a restart of units."""
        return weigh(self.document)

    @property
    def entry(self) -> dict[str, Any]:
        """The contract's entry of the host."""
        found: dict[str, Any] = self.document["entry"]
        return found


def weigh(document: dict[str, Any]) -> dict[str, str]:
    """What of a system needs more than a restart of units (nix/lib/weight.nix)."""
    tuning = document["entry"].get("tuning", {})
    return {
        "k3s": digest(k3s_unit(document["cluster"], document["entry"]))[:16],
        "boot": digest(document["kernel"], tuning.get("kernelParams"))[:16],
    }


def digest(*parts: object) -> str:
    """32 characters as in a store path, a function of the parts."""
    raw = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).digest()
    return "".join(_ALPHABET[byte % 32] for byte in raw)


UNREAD = frozenset({"rebootWindow"})
"""Facts of the cluster that no module of nix/ reads, and no closure is a function of: hostops' own."""


def tree_key(flake: Path) -> str:
    """A key of the flake's files without its contracts; changes when any of them does."""
    files = sorted(path for path in flake.rglob("*") if path.is_file() and path.relative_to(flake).parts[0] != "fleet")
    return digest(
        *((path.relative_to(flake).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files)
    )


def contracts() -> Path:
    """The folder of the contracts."""
    return Path(os.environ.get(CONTRACTS) or DEFAULT_CONTRACTS)


def evaluate(flake: Path, stack: str, only: str | None = None) -> dict[str, System]:
    """The systems of a stack by host, or only one of them; raises EvaluationError without a contract."""
    source = contracts() / f"{stack}.json"
    if not source.exists():
        raise EvaluationError(f"error: attribute '{stack}' missing: there is no contract {source}")
    contract, lock, tree = json.loads(source.read_text()), flake / "flake.lock", tree_key(flake)
    inputs = hashlib.sha256(lock.read_bytes()).hexdigest() if lock.exists() else ""
    return {
        host: _system(
            {
                "stack": stack,
                "host": host,
                "kernel": f"/nix/store/{digest('kernel', inputs, entry.get('hardware'))}-linux-6.12.60",
                "cluster": {name: fact for name, fact in contract["cluster"].items() if name not in UNREAD},
                "entry": entry,
            },
            tree,
        )
        for host, entry in contract["hosts"].items()
        if only in (None, host)
    }


def _system(document: dict[str, Any], tree: str) -> System:
    name = f"nixos-system-{document['host']}"
    drv = f"/nix/store/{digest('drv', document, tree)}-{name}.drv"
    return System(path=f"/nix/store/{digest('out', drv)}-{name}", drv=drv, document=document)


def split(reference: str) -> tuple[Path, str]:
    """A flake reference's folder and attribute; raises EvaluationError for anything but a folder."""
    folder, _, attribute = reference.partition("#")
    path = Path(folder.removeprefix("path:") or ".")
    if not path.is_dir():
        raise EvaluationError(f"error: '{path}' is no folder: only local flakes are simulated")
    return path, attribute


def host_system(folder: Path, name: str) -> System:
    """The system of `nixosConfigurations.NAME`: `STACK-HOST`, or a host's own name where only one stack has it."""
    stacks = sorted(path.stem for path in contracts().glob("*.json"))
    found: dict[str, System] = {}
    for stack in stacks:
        for host in {name, name.removeprefix(f"{stack}-")}:
            found |= {f"{stack}-{host}": system for system in evaluate(folder, stack, only=host).values()}
    if name in found:
        return found[name]
    if len(found) == 1:
        return next(iter(found.values()))
    what = f"is ambiguous: {', '.join(sorted(found))}" if found else "is missing"
    known = f"the contracts in {contracts()} are {', '.join(stacks) or 'none'}"
    raise EvaluationError(f"error: flake '{folder}' attribute 'nixosConfigurations.{name}' {what}; {known}")

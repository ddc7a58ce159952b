"""Closure keys where there is no Nix: a hash of everything that a host's closure is a function of."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from fleet.contract.facts import Contract

CONTENT_PREFIX = "content-"


def tree_hash(nix: Path) -> str:
    """SHA-256 of the files below `nix`, names and contents, without the contracts in `nix/fleet`.

    What tools leave behind there is in no flake: a formatter's cache must not switch every host.
    """
    digest = hashlib.sha256()
    for path in sorted(nix.rglob("*")):
        relative = path.relative_to(nix)
        left_behind = any(part.startswith(".") or part == "__pycache__" for part in relative.parts)
        if path.is_file() and relative.parts[0] != "fleet" and not left_behind:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{relative.as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def content_key(contract: Contract, host: str, tree: str) -> str:
    """The closure key of one host: changes exactly when its entry, the cluster's facts or the tree change."""
    facts = [contract.cluster.model_dump(mode="json"), contract.hosts[host].model_dump(mode="json"), tree]
    return CONTENT_PREFIX + hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

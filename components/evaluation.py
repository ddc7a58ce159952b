"""Closure keys of all hosts: evaluated where Nix is at hand, else by content. Building is hostops' matter."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi

from fleet.contract.closures import content_key, tree_hash
from fleet.contract.evaluation import Evaluated, evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.contract.facts import Contract

NO_NIX = (
    "Nix is not on PATH: a host counts as changed when the content of the contract or of nix/ changed for it. "
    "Install Nix to have only real changes of a host's closure count."
)

UNKNOWN = (
    "What the hosts were brought to last is not known here, and without Nix every one of them counts as changed: "
    "`make preview` knows it from the state."
)

KNOWN = "NIXFLEET_KNOWN_CLOSURES"
"""Names a file of JSON: by host, content and closure of the last run that was whole."""


def contents(contract: Contract, nix: Path) -> dict[str, str]:
    """Content key by host: what stands for its closure where that cannot be evaluated."""
    tree = tree_hash(nix)
    return {name: content_key(contract, name, tree) for name in contract.hosts}


def closures(contract: Contract, nix: Path) -> Mapping[str, Evaluated]:
    """Closure key by host; says so when it is not the real one.

    Without Nix, a host whose content is that of the last run has the closure of the last run, which a machine with Nix
    evaluated; any other host has its content for a key.
    """
    if shutil.which("nix"):
        return evaluate(contract.stack, nix, len(contract.hosts))
    pulumi.log.warn(NO_NIX)
    known = _known()
    if known is None:
        pulumi.log.warn(UNKNOWN)
    return {
        name: (known or {}).get(name, {}).get(content, Evaluated(closure=content))
        for name, content in contents(contract, nix).items()
    }


def _known() -> dict[str, dict[str, Evaluated]] | None:
    """By host, the system of a content; None where nobody says."""
    path = os.environ.get(KNOWN)
    if not path:
        return None
    found: dict[str, dict[str, dict[str, str]]] = json.loads(Path(path).read_text(encoding="utf-8"))
    return {host: {key: Evaluated(**facts) for key, facts in contents.items()} for host, contents in found.items()}

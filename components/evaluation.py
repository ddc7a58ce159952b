"""Closure keys of all hosts: by one evaluation where Nix is at hand, else by content. Building is hostops' matter."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi

from fleet.contract.closures import content_key, tree_hash
from fleet.contract.impact import Weight
from fleet.faults import Fault, FleetError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.contract.facts import Contract

TIMEOUT_SECONDS = 900
"""Limit of one evaluation of all hosts; one takes about two seconds a host."""

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


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """What is known of one host's system."""

    closure: str
    """Its key."""

    weight: str = ""
    """A Weight (fleet/contract/impact.py) as JSON; empty where only the content is known."""


def evaluate(stack: str, nix: Path) -> dict[str, Evaluated]:
    """All hosts of a stack, by one evaluation; raises FleetError with what Nix said last."""
    command = [
        "nix",
        "--extra-experimental-features",
        "nix-command flakes",
        "eval",
        "--json",
        f"{nix}#hostFacts.{stack}",
    ]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        raise _refusal(stack, f"not done after {TIMEOUT_SECONDS} s") from None
    if answer.returncode != 0:
        raise _refusal(stack, "; ".join(answer.stderr.strip().splitlines()[-3:]) or f"exit code {answer.returncode}")
    return {
        host: Evaluated(closure=facts["drv"], weight=Weight(k3s=facts["k3s"], boot=facts["boot"]).model_dump_json())
        for host, facts in json.loads(answer.stdout).items()
    }


def _refusal(stack: str, said: str) -> FleetError:
    fault = Fault(
        path=f"nix#hostFacts.{stack}",
        value=said,
        law="every host of the stack evaluates",
        cure=f"see all of it with `nix eval --json ./nix#hostFacts.{stack} --show-trace`",
    )
    return FleetError("nix", (fault,))


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
        return evaluate(contract.stack, nix)
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

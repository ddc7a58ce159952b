"""What Nix makes of a stack's hosts: the key of each system, and what of it needs more than a restart of units.

The one place that asks: a run's plan (components/evaluation.py) and `fleet diff` read the same.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fleet.contract.facts import render
from fleet.contract.impact import Impact, Weight, impact
from fleet.durations import evaluation_seconds
from fleet.faults import Fault, FleetError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.contract.facts import Contract


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """What is known of one host's system."""

    closure: str
    """Its key."""

    weight: str = ""
    """A Weight (fleet/contract/impact.py) as JSON; empty where only the content is known."""


def evaluate(stack: str, nix: Path, hosts: int, contracts: Path | None = None) -> dict[str, Evaluated]:
    """All the so many hosts of a stack, by one evaluation; raises FleetError with what Nix said last.

    `contracts`: a folder of contracts that the tree `nix` was given, for those who look there by environment.
    """
    environment = {**os.environ, **({"NIXFLEET_CONTRACTS": str(contracts)} if contracts else {})}
    seconds = evaluation_seconds(hosts)
    command = [
        "nix",
        "--extra-experimental-features",
        "nix-command flakes",
        "eval",
        "--json",
        f"{nix}#hostFacts.{stack}",
    ]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds, env=environment)
    except subprocess.TimeoutExpired:
        raise _refusal(stack, f"not done after {seconds} s") from None
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


def evaluated(contract: Contract, nix: Path) -> dict[str, Evaluated]:
    """The hosts of any contract, by a copy of the tree that has it; raises FleetError."""
    with tempfile.TemporaryDirectory(prefix="nixfleet-") as folder:
        copy = Path(folder) / "nix"
        shutil.copytree(nix, copy, symlinks=True)
        (copy / "fleet" / f"{contract.stack}.json").write_text(render(contract), encoding="utf-8")
        return evaluate(contract.stack, copy, len(contract.hosts), copy / "fleet")


def impacts(old: Contract, new: Contract, nix: Path) -> dict[str, Impact]:
    """What a switch from one contract to the other does to each host of both; raises FleetError."""
    before, after = evaluated(old, nix), evaluated(new, nix)
    return {name: _impact(before[name], after[name]) for name in sorted(before.keys() & after.keys())}


def _impact(before: Evaluated, after: Evaluated) -> Impact:
    old, new = (Weight.model_validate_json(one.weight) for one in (before, after))
    return impact(old, new, changed=before.closure != after.closure)


def told(found: Mapping[str, Impact], graver: Mapping[str, str]) -> str:
    """One line per host; `graver`: those whose machine is restarted or that are installed, in words."""
    lines = [f"  {name}: {graver.get(name) or word.name.lower()}\n" for name, word in found.items()]
    return "".join(("what happens to each host (evaluated by Nix):\n", *lines))

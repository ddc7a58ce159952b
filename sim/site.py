"""A throwaway site: a stack document with keys of its own, its contract, and a stage to run it on.

Rehearsals and engine tests use it.
"""

from __future__ import annotations

import copy
import shlex
from typing import TYPE_CHECKING, Any

import yaml

from fleet import stackfile
from fleet.contract.facts import contract, render
from fleet.document import read, read_fleet
from fleet.files import read_text, write_whole
from fleet.keys.identities import Identities
from fleet.profiles import load_profiles
from operate.engine import ROOT
from sim.launch import forked
from sim.stage import Outcome, Stage
from sim.throwaway import PASSPHRASE, Ring, throwaway

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path


def config_of_stack(stack: str, root: Path = ROOT) -> dict[str, Any]:
    """The `config` of a stack file of the checkout."""
    path = stackfile.path_of(stack, root)
    return stackfile.config_of(path, read_text(path))


def lay_python(folder: Path, words: Sequence[str]) -> None:
    """Let what runs in a folder, and its tools, find these words as `python`: see components/commands.py."""
    for name in ("python", "python3"):
        path = folder / ".venv/bin" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        path.chmod(0o755)


class Site:
    """One stack in a folder of its own; `stage` has its world and its rack."""

    def __init__(self, base: Path, stack: str, config: Mapping[str, Any]) -> None:
        """Write the site into `base`; `config` is what a stack file has below `config:`, keys and secrets excepted."""
        self.folder = base / "site"
        self._contracts = base / "contracts"
        for folder in (self.folder, self._contracts):
            folder.mkdir(parents=True, exist_ok=True)
        project = (ROOT / "Pulumi.yaml").read_text(encoding="utf-8")
        (self.folder / "Pulumi.yaml").write_text(project, encoding="utf-8")
        lay_python(self.folder, forked())
        self.ring = Ring()
        self.stage = Stage(stack=stack, base=base, folder=self.folder, contracts=self._contracts, passphrase=PASSPHRASE)
        self.config = copy.deepcopy(dict(config))
        self.write()

    @classmethod
    def of_stack(cls, base: Path, stack: str) -> Site:
        """The site of a stack of the checkout, from its own file."""
        return cls(base, stack, config_of_stack(stack))

    @property
    def fleet(self) -> dict[str, Any]:
        """The fleet's document, as plain data."""
        fleet: dict[str, Any] = self.config[stackfile.FLEET_KEY]
        return fleet

    def change(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the fleet's document in place, and write stack file and contract anew."""
        change(self.fleet)
        self.write()

    def write(self) -> None:
        """Write stack file and contract; new hosts get keys."""
        stack = self.stage.stack
        document = throwaway(self.config, self.ring)
        text = yaml.safe_dump(document, sort_keys=False, width=4096)
        write_whole(self.stage.place.stack_file, text)
        profiles = load_profiles(ROOT)
        fleet = read_fleet(self.fleet, f"Pulumi.{stack}.yaml", profiles)
        identities = read(Identities, document["config"][stackfile.IDENTITIES_KEY], f"Pulumi.{stack}.yaml")
        write_whole(self._contracts / f"{stack}.json", render(contract(stack, fleet, identities, profiles)))

    def powered(self) -> AbstractContextManager[None]:
        """Keep the machines running between runs, to look at them or to save their start."""
        return self.stage.powered()

    def up(self) -> Outcome:
        """Bring the stack up."""
        return self.stage.run("up")

    def adopt(self) -> Outcome:
        """Bring the stack up, and take what its clouds have into the state."""
        return self.stage.run("up", adopting=True)

    def preview(self) -> Outcome:
        """Say what an up would do."""
        return self.stage.run("preview")

    def refresh(self) -> Outcome:
        """Compare the state with the clouds."""
        return self.stage.run("refresh")

    def destroy(self) -> Outcome:
        """Take the stack down."""
        return self.stage.run("destroy")

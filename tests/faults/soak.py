"""Kills a part of a run at a random moment, and judges what is left and whether the next runs heal it.

With every third kill a step fails as well. `make soak` plays many such rounds: see tools/soak.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.launch import ADDRESS
from sim.world import Fault
from tests.faults import judge, killer
from tests.faults.killer import TARGETS, Kill
from tests.faults.sites import Kept, shelf, site
from tests.faults.table import again, agents, tuned

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    from sim.site import Site

TRIES = 3
"""Runs that a killed one may need until everything is well."""

AGENTS = 2
EVENTS = {"install": 240, "update": 120, "update all": 160, "again": 300}
"""About how many events an undisturbed run of each kind makes; a moment is one of them."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """One kill, and what the run was about to do."""

    work: str
    kill: Kill
    fault: Fault | None

    def __str__(self) -> str:
        """For people."""
        more = f", and {self.fault.kind} at {self.fault.machine}: {self.fault.step}" if self.fault else ""
        return f"{self.work}: {self.kill}{more}"


def everything(fleet: dict[str, Any]) -> None:
    """Another closure for every host."""
    fleet["timezone"] = "Europe/Rome"


WORKS: dict[str, tuple[str, Callable[[dict[str, Any]], object], tuple[str, ...]]] = {
    "install": ("seed", agents(AGENTS), ("a1", "a2")),
    "update": ("agents", tuned, ()),
    "update all": ("agents", everything, ()),
    "again": ("agents", again, ("a1", "a2")),
}
"""What a run does: the site that it begins from, the change, and the hosts whose disks may change."""

STEPS = ("nixos-anywhere disko", "nixos-anywhere install", "nixos-rebuild copy", "activate", "ssh connect", "lsblk")


def drawn(chance: random.Random, number: int) -> Round:
    """A round."""
    work = chance.choice(sorted(WORKS))
    kill = Kill(target=chance.choice(TARGETS), events=chance.randint(1, EVENTS[work]))
    fault = None
    if number % 3 == 2:
        step, kind = chance.choice(STEPS), chance.choice(("fail", "disconnect", "slow"))
        fault = Fault(machine=chance.choice(("a1", "a2")), step=step, kind=kind)  # type: ignore[arg-type]  # three of them
    return Round(work=work, kill=kill, fault=fault)


class Soak:
    """The sites that rounds begin from."""

    def __init__(self, base: Path) -> None:
        """Bring them up, in a folder."""
        made = site(base / "s", shelf(1, 0))
        # Every process by itself, as on an operator's machine: a forked one has not the environment it is known by.
        made.stage.place.environment.pop(ADDRESS)  # type: ignore[attr-defined]  # a dict, and ours alone
        self._kept = {"seed": self._keep(made, "seed")}
        made.change(agents(AGENTS))
        self._kept["agents"] = self._keep(made, "agents")

    @staticmethod
    def _keep(made: Site, name: str) -> Kept:
        up = made.up()
        if not up.run.ok:
            raise RuntimeError("\n".join(up.run.errors))
        return Kept(made, name)

    def round(self, chosen: Round) -> list[str]:
        """Play one round; what broke a law."""
        name, edit, installs = WORKS[chosen.work]
        with self._kept[name].again(edit) as made:
            before = judge.look(made)
            if chosen.fault:
                made.stage.world.inject(chosen.fault)
            ended = killer.run(made, chosen.kill)
            found = [f"left behind: {command}" for command in killer.left_behind(made).values()]
            found += laws(before, made, ended, installs)
            made.stage.world.clear_faults()
            for _ in range(TRIES):
                killer.unlock(made)
                ended = killer.run(made)
                found += laws(before, made, ended, installs)
                if found or ended.ok:
                    break
            return found or ([] if ended.ok else [f"not well after {TRIES} runs: {error}" for error in ended.errors])


def laws(before: judge.Scene, made: Site, ended: killer.Ended, installs: tuple[str, ...]) -> list[str]:
    """What breaks a law."""
    after = judge.look(made)
    return [
        *judge.other_disks_untouched(before, after, installs),
        *judge.formatted_at_most_once(before, after, installs),
        *judge.one_cluster(before, after),
        *judge.one_leader(after),
        *judge.quorum_kept(before, after),
        *judge.truthful(ended.ok, after),
        *judge.silent((*ended.shown, *ended.errors), judge.secrets(made)),
    ]

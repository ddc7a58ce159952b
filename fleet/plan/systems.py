"""What Nix says of the systems on both sides of a plan: keys, how hard a switch is, and which packages differ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fleet.contract.evaluation import evaluated
from fleet.contract.impact import Impact, Weight, impact
from fleet.plan.effect import Effect
from fleet.plan.model import PackageChange

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fleet.contract.evaluation import Evaluated
    from fleet.plan.revision import Revision

EFFECTS = {
    Impact.NOTHING: Effect.NOTHING,
    Impact.UNITS: Effect.UNITS,
    Impact.K3S: Effect.K3S,
    Impact.REBOOT: Effect.REBOOT,
}
_INPUT = re.compile(r'\("(/[^"]+\.drv)",\[')
"""An input of a derivation: what it is built from is the second list of its file, in Nix's own notation."""

_STORE_NAME = re.compile(r"[0-9a-z]{32}-(?P<name>.+)\.drv")
_VERSIONED = re.compile(r"(?P<name>.+?)-(?P<version>[^a-zA-Z].*)")
"""A version begins behind the first dash that no letter follows (Nix: src/libstore/names.cc)."""

PACKAGES = "system-path"
"""The derivation whose inputs are the packages that a system has for people."""


@dataclass(frozen=True, kw_only=True)
class Systems:
    """The evaluated hosts of both sides."""

    before: Mapping[str, Evaluated]
    after: Mapping[str, Evaluated]

    def effect(self, host: str) -> Effect:
        """What a switch does to a host of both sides."""
        old, new = self.before[host], self.after[host]
        weights = (Weight.model_validate_json(one.weight) for one in (old, new))
        return EFFECTS[impact(*weights, changed=old.closure != new.closure)]

    def packages(self, host: str) -> tuple[PackageChange, ...] | None:
        """Packages of a host of both sides that differ; None where a derivation is not at hand."""
        sides = [packages_of(Path(side[host].closure)) for side in (self.before, self.after)]
        old, new = sides
        return None if old is None or new is None else tuple(_changes(old, new))


def evaluate_both(before: Revision | None, after: Revision) -> Systems:
    """Both sides by one evaluation each, each with its own tree and contract; raises FleetError with what Nix said."""
    return Systems(
        before=evaluated(before.side.contract, before.nix) if before else {},
        after=evaluated(after.side.contract, after.nix),
    )


def _inputs(derivation: Path) -> list[Path]:
    return [Path(path) for path in _INPUT.findall(derivation.read_text(encoding="utf-8", errors="replace"))]


def name_of(path: Path) -> tuple[str, str]:
    """Name and version of what a derivation makes; the version is empty where its name has none."""
    found = _STORE_NAME.fullmatch(path.name)
    text = found["name"] if found else path.name
    parts = _VERSIONED.fullmatch(text)
    return (parts["name"], parts["version"]) if parts else (text, "")


def packages_of(system: Path) -> dict[str, tuple[str, ...]] | None:
    """Versions by package of a system's derivation; None where it is not in a store that can be read here.

    Only the packages for people are compared: the graph of everything that takes part in a build is noise.
    """
    try:
        paths = [path for path in _inputs(system) if name_of(path)[0] == PACKAGES]
        found: dict[str, set[str]] = {}
        for path in paths:
            for name, version in map(name_of, _inputs(path)):
                found.setdefault(name, set()).add(version)
    except OSError:
        return None
    return {name: tuple(sorted(versions)) for name, versions in found.items()} if paths else None


def _changes(old: Mapping[str, tuple[str, ...]], new: Mapping[str, tuple[str, ...]]) -> Iterator[PackageChange]:
    for name in sorted({*old, *new}):
        before, after = old.get(name, ()), new.get(name, ())
        if before != after:
            yield PackageChange(name=name, before=before, after=after)

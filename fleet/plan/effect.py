"""What a change does to one host, in one word; and how that word is shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """What happens to a host, the mildest first."""

    NOTHING = "nothing"
    UNITS = "units"
    """It gets a new generation: units restart, k3s does not."""

    K3S = "k3s"
    """It is drained, and k3s restarts."""

    GENERATION = "generation"
    """It gets a new generation; how hard that is only Nix could say."""

    REBOOT = "reboot"
    """It is drained and reboots."""

    RESTARTED = "restarted"
    """It is drained, shut down, changed by its cloud, and starts again."""

    CREATED = "created"
    """It is new: a machine is made or found, and installed."""

    REJOINED = "rejoined"
    """It leaves the cluster and joins it again in its new role."""

    REINSTALLED = "reinstalled"
    """Its disk is formatted, and it is installed again."""

    REPLACED = "replaced"
    """Its machine is deleted with its disk, and another one takes its name."""

    REMOVED = "removed"
    """It leaves the cluster, and a machine of a cloud is deleted."""

    @property
    def gravity(self) -> int:
        """0 for nothing; the higher, the more is at stake."""
        return tuple(Effect).index(self)

    @property
    def sign(self) -> Sign:
        """How it is shown."""
        return SIGNS[self]


@dataclass(frozen=True, kw_only=True)
class Sign:
    """How an effect is shown: by a mark and words, so that no colour is needed to read it."""

    mark: str
    """One character that no other effect has."""

    words: str
    """What happens to the host, after its name."""

    tone: str
    """Name of a colour of the palette (palette.py)."""

    disrupts: bool = False
    """Whether its pods have to go elsewhere meanwhile."""

    formats: bool = False
    """Whether a disk is formatted or deleted."""


SIGNS: dict[Effect, Sign] = {
    Effect.NOTHING: Sign(mark="\u00b7", words="stays as it is", tone="quiet"),
    Effect.UNITS: Sign(mark="=", words="switches: units restart, k3s does not", tone="mild"),
    Effect.K3S: Sign(mark="k", words="is drained and switches: k3s restarts", tone="firm", disrupts=True),
    Effect.GENERATION: Sign(
        mark="?", words="switches to another generation; only Nix can say how hard", tone="firm", disrupts=True
    ),
    Effect.REBOOT: Sign(mark="!", words="is drained and reboots into the new generation", tone="firm", disrupts=True),
    Effect.RESTARTED: Sign(
        mark="%", words="is drained, shut down and changed by its cloud", tone="firm", disrupts=True
    ),
    Effect.CREATED: Sign(mark="+", words="is new: it is made and installed", tone="new"),
    Effect.REJOINED: Sign(
        mark="@", words="leaves the cluster and joins it in its new role", tone="grave", disrupts=True
    ),
    Effect.REINSTALLED: Sign(
        mark="#", words="is installed again: its system disk is formatted", tone="grave", disrupts=True, formats=True
    ),
    Effect.REPLACED: Sign(
        mark="x",
        words="is deleted with its disk, and another machine takes its name",
        tone="grave",
        disrupts=True,
        formats=True,
    ),
    Effect.REMOVED: Sign(mark="\u2212", words="leaves the cluster for good", tone="grave", disrupts=True, formats=True),
}
"""Every effect has one."""

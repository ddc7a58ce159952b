"""The phases of bringing a cluster up, and how long each lasted.

A phase's resources are told by their types and names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from operate.record import Operation

PHASES = ("network", "servers", "installs", "systems", "cluster", "add-ons")

MACHINES = ("Server", "Instance", "Volume", "VolumeAttachment", "ServerNetwork")
"""Types, without their package, that are machines or belong to one; everything else of a cloud is network."""

HOST_COMMANDS = {
    "install": "installs",
    "system": "systems",
    "mesh": "systems",
    "reboots": "systems",
    "latecomers": None,
}
"""Ends of the names of the commands that work on hosts. The last one comes after all phases, and has none."""


def phase_of(operation: Operation) -> str | None:
    """The phase an operation belongs to; None for components and providers, which do nothing themselves."""
    package, _, kind = operation.type.partition(":")
    noun = kind.rsplit(":", maxsplit=1)[-1]
    if package in {"hcloud", "ovh"}:
        return "servers" if noun in MACHINES else "network"
    if package == "command":
        return HOST_COMMANDS.get(operation.name.rsplit("-", maxsplit=1)[-1], "cluster")
    if package == "kubernetes":
        # Marks on nodes and credentials are the cluster's own; what is installed into it is an add-on.
        return "cluster" if noun in {"NodePatch", "ServiceAccount", "ClusterRole", "ClusterRoleBinding"} else "add-ons"
    return None


def durations(operations: tuple[Operation, ...]) -> dict[str, float]:
    """Seconds from the first to the last moment of each phase that changed something; phases may overlap."""
    spans: dict[str, tuple[float, float]] = {}
    for operation in operations:
        phase = phase_of(operation)
        if phase is None or not operation.changing:
            continue
        began, ended = spans.get(phase, (operation.began, operation.ended))
        spans[phase] = (min(began, operation.began), max(ended, operation.ended))
    return {phase: spans[phase][1] - spans[phase][0] for phase in PHASES if phase in spans}

"""How hard a change of the contract is for a host, where Nix cannot say: by the key that changed.

The keys are those that nix/modules/contract hands on to k3s, to the kernel, to neither, or to nobody: when a host may
reboot, for example, is read by hostops alone. Nix's own word (weight.nix) always goes before this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.model import Role
from fleet.plan.effect import Effect

if TYPE_CHECKING:
    from collections.abc import Iterable

_HOST = {
    # keep-sorted start
    "bootstrapKey": Effect.NOTHING,
    "hardware": Effect.REBOOT,
    "labels": Effect.K3S,
    "storageAddress": Effect.UNITS,
    "taints": Effect.K3S,
    "tuning.k3sMemoryMaxGib": Effect.K3S,
    "tuning.kernelParams": Effect.REBOOT,
    "tuning.mitigations": Effect.REBOOT,
    "wireguardKey": Effect.NOTHING,
    # keep-sorted end
}
"""Keys of a host's entry; every other one restarts units at most."""

_SERVERS = {
    # keep-sorted start
    "dnsAddress": Effect.K3S,
    "endpoint.address": Effect.K3S,
    "endpoint.name": Effect.K3S,
    "podRange": Effect.K3S,
    "serviceRange": Effect.K3S,
    # keep-sorted end
}
"""Keys of the cluster that are in a server's flags of k3s only."""

_EVERYWHERE = {
    # keep-sorted start
    "join": Effect.K3S,
    "k3sVersion": Effect.K3S,
    "mesh": Effect.K3S,
    "reboot": Effect.NOTHING,
    "rebootWindow": Effect.NOTHING,
    "rolloutProbes": Effect.NOTHING,
    "seed": Effect.K3S,
    "servers": Effect.K3S,
    "updates": Effect.NOTHING,
    "watchdogMinutes": Effect.NOTHING,
    # keep-sorted end
}
"""Keys of the cluster that are in every node's flags, package or unit, or in no system at all."""


def _found(key: str, table: dict[str, Effect]) -> Effect:
    return next((effect for name, effect in table.items() if key == name or key.startswith(f"{name}.")), Effect.UNITS)


def estimate(entry: Iterable[str], cluster: Iterable[str], role: Role) -> Effect:
    """The gravest of what these changed keys, of the host's entry and of the cluster, do to a host of that role."""
    everywhere = _EVERYWHERE | (_SERVERS if role is Role.SERVER else {})
    found = [_found(key, _HOST) for key in entry] + [_found(key, everywhere) for key in cluster]
    return max(found, key=lambda effect: effect.gravity, default=Effect.NOTHING)

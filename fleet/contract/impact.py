"""What a change of a host's system does to the host, from two sets of digests (nix/lib/weight.nix). Pure."""

from __future__ import annotations

from enum import IntEnum

from fleet.model import Model


class Weight(Model):
    """What of a system needs more than a restart of units, as digests."""

    k3s: str
    """Of k3s' own units."""

    boot: str
    """Of the kernel, its initrd, modules and parameters, and of what a running system cannot change."""


class Impact(IntEnum):
    """What a switch does, the gravest last."""

    NOTHING = 0
    UNITS = 1
    """Units other than k3s restart."""

    K3S = 2
    """The node is drained and k3s restarts."""

    REBOOT = 3
    """The node is drained and reboots."""


def impact(old: Weight, new: Weight, *, changed: bool) -> Impact:
    """What a switch from one system to the other does; `changed`: they are two systems."""
    if old.boot != new.boot:
        return Impact.REBOOT
    if old.k3s != new.k3s:
        return Impact.K3S
    return Impact.UNITS if changed else Impact.NOTHING

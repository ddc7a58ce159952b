"""Variants of the stacks that together use every component and every option."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.components.stacks import addon, recorded

if TYPE_CHECKING:
    from tests.components.plan import Plan


def attached_ovh(fleet: dict[str, Any]) -> None:
    """OVH's private network, with the instance on it; reboots at night only."""
    fleet["rollout"] = {"window": {"opens": "02:00", "closes": "04:00"}}
    fleet["providers"]["ovh"]["network"] = {"subnet": "10.21.0.0/24", "regions": ["GRA11"], "vlanId": 7}
    fleet["hosts"]["ovh-1"]["privateAddress"] = "10.21.0.41"


def path_policy(fleet: dict[str, Any]) -> None:
    """The policy that shows Longhorn NixOS' binaries."""
    addon(fleet, "kyverno", longhornPathPolicy=True)


VARIANTS = {
    "cloud": ("cloud", None),
    "lab": ("lab", path_policy),
    "ovh": ("sim", attached_ovh),
    "sim": ("sim", None),
}


def plan(variant: str) -> Plan:
    """The recorded plan of a variant."""
    return recorded(*VARIANTS[variant])

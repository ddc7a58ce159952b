"""Which Hetzner placement group a server is in. Pure; making the groups is components/clouds/hetzner's matter."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from fleet.model import Role

if TYPE_CHECKING:
    from fleet.hosts import HcloudHost

GROUP_SIZE = 10
"""Servers that one placement group of type `spread` takes (Hetzner's limit)."""


def placement_group(host: HcloudHost) -> str:
    """Name of the host's group, a function of that host alone: a host that comes or goes moves no other one.

    Servers of a location share a group, as losing two of them at once is what hurts; a quorum has fewer than ten.
    Agents share one by tens of cluster addresses: addresses are unique, so no group can overflow.
    """
    if host.role is Role.SERVER:
        return f"servers-{host.location}"
    first = IPv4Address(int(host.address) // GROUP_SIZE * GROUP_SIZE)
    return f"agents-{host.location}-{str(first).replace('.', '-')}"

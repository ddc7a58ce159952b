"""Who may reach Hetzner servers from outside. Private networks do not pass it: the hosts' own nftables sees to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from fleet.network import API_PORT, MeshNetwork

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleet.settings import Fleet

SSH_PORT = 22
EVERYWHERE = ("0.0.0.0/0", "::/0")


class Rule(TypedDict):
    """A rule of hcloud.Firewall."""

    direction: str
    protocol: str
    port: str
    source_ips: Sequence[str]
    description: str


def _inbound(protocol: str, port: int, sources: Sequence[str], description: str) -> Rule:
    return Rule(direction="in", protocol=protocol, port=str(port), source_ips=sources, description=description)


def firewall_rules(fleet: Fleet) -> list[Rule]:
    """Rules of the fleet's firewall; what no rule lets in is dropped."""
    admins = sorted(str(network) for network in fleet.firewall.admin_ranges)
    rules = [
        _inbound("tcp", SSH_PORT, admins, "SSH"),
        _inbound("tcp", API_PORT, admins, "Kubernetes API"),
    ]
    if isinstance(fleet.network, MeshNetwork):
        # Peers are anywhere, and WireGuard answers only to keys that it knows.
        rules.append(_inbound("udp", fleet.network.port, EVERYWHERE, "WireGuard mesh"))
    return rules

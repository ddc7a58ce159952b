"""Laws of address ranges: none overlaps another, each is big enough, and the admin ranges do not invite everyone."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import combinations
from typing import TYPE_CHECKING

from fleet.faults import Fault
from fleet.laws.law import EVERY_HOST, Profiles, law
from fleet.laws.subnets import used_profiles
from fleet.network import MeshNetwork

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.settings import Fleet

_NODE_PREFIX = 24
_SERVICE_PREFIXES = (12, 28)
_WIDEST_ADMIN_PREFIX = 8
_NOWHERE = tuple(IPv4Network(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"))
_PRIVATE = tuple(IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))


def _named(fleet: Fleet, profiles: Profiles) -> dict[str, IPv4Network]:
    """Ranges by path. A subnet within a provider's range is not listed: it overlaps its own range by nature."""
    found = {"cluster.podRange": fleet.cluster.pod_range, "cluster.serviceRange": fleet.cluster.service_range}
    if isinstance(fleet.network, MeshNetwork):
        found["network.range"] = fleet.network.range
    if fleet.providers.hcloud.network:
        found["providers.hcloud.network.range"] = fleet.providers.hcloud.network.range
    if fleet.providers.ovh and fleet.providers.ovh.network:
        found["providers.ovh.network.subnet"] = fleet.providers.ovh.network.subnet
    for name, profile in used_profiles(fleet, profiles).items():
        for word, lan in (("cluster", profile.cluster), ("storage", profile.storage)):
            # Two profiles may describe the same networks: hosts with other ports on one LAN.
            if lan and lan.subnet not in found.values():
                found[f"profile {name}.{word}.subnet"] = lan.subnet
    return found


@law("cluster", "network", "providers", "hosts")
def ranges_are_apart(fleet: Fleet, profiles: Profiles) -> Iterator[Fault]:
    """No two ranges share an address, since a packet could not know which it is for."""
    for (first, one), (second, other) in combinations(_named(fleet, profiles).items(), 2):
        if one.overlaps(other):
            yield Fault(
                path=second,
                value=str(other),
                law=f"it shares addresses with {first} ({one}), and no packet would know which is meant",
                cure="choose a range of its own",
            )


@law("cluster")
def ranges_are_usable(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """Pods and services live in ordinary unicast ranges, and the service range has a tenth address, for DNS."""
    least, most = _SERVICE_PREFIXES
    for path, network in (
        ("cluster.podRange", fleet.cluster.pod_range),
        ("cluster.serviceRange", fleet.cluster.service_range),
    ):
        if any(network.overlaps(nowhere) for nowhere in _NOWHERE):
            yield Fault(
                path=path,
                value=str(network),
                law="these addresses are for loopback, link-local or multicast traffic",
                cure="use a private range, as 10.42.0.0/16",
            )
    if not least <= fleet.cluster.service_range.prefixlen <= most:
        yield Fault(
            path="cluster.serviceRange",
            value=str(fleet.cluster.service_range),
            law=f"Kubernetes takes none wider than /{least}, and narrower than /{most} has no tenth address for DNS",
            cure=f"use a range between /{least} and /{most}",
        )


@law("cluster", "hosts", EVERY_HOST)
def pods_have_room(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """Every node takes a /24 of the pod range."""
    prefix = fleet.cluster.pod_range.prefixlen
    room = 2 ** (_NODE_PREFIX - prefix) if prefix <= _NODE_PREFIX else 0
    if room < len(fleet.hosts):
        yield Fault(
            path="cluster.podRange",
            value=str(fleet.cluster.pod_range),
            law=f"every node takes a /{_NODE_PREFIX} of it, and it has {room} of them for {len(fleet.hosts)} hosts",
            cure="use a wider range, as 10.42.0.0/16",
        )


@law("providers")
def provider_networks_are_whole(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """Hetzner's subnet lies in its network, and the network is private."""
    network = fleet.providers.hcloud.network
    if network is None:
        return
    if not network.subnet.subnet_of(network.range):
        yield Fault(
            path="providers.hcloud.network.subnet",
            value=str(network.subnet),
            law=f"a subnet lies in its network's range, {network.range}",
            cure="choose a part of that range",
        )
    if not any(network.range.subnet_of(private) for private in _PRIVATE):
        yield Fault(
            path="providers.hcloud.network.range",
            value=str(network.range),
            law="Hetzner takes private ranges only: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or parts of them",
            cure="choose a part of these",
        )


@law("firewall")
def admins_are_not_everyone(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """Admin ranges are narrower than a /8 and listed once."""
    ranges = fleet.firewall.admin_ranges
    for place, network in enumerate(ranges):
        if network.prefixlen < _WIDEST_ADMIN_PREFIX and not fleet.firewall.allow_everyone:
            yield Fault(
                path=f"firewall.adminRanges.{place}",
                value=str(network),
                law="SSH and the Kubernetes API are for admins, not for everyone",
                cure="name your own ranges, or set firewall.allowEveryone",
            )
        if network in ranges[:place]:
            yield Fault(
                path=f"firewall.adminRanges.{place}",
                value=str(network),
                law="a range is listed once",
                cure="remove this one",
            )

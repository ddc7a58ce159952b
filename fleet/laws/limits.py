"""Laws of what a provider takes of one thing, as in data/hcloud.json: more would be refused in the middle of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.catalog import HCLOUD
from fleet.faults import Fault
from fleet.hosts import HcloudHost
from fleet.laws.law import EVERY_HOST, Profiles, law
from fleet.network import LoadBalancerEndpoint, MeshNetwork, ProviderNetwork
from fleet.placement import placement_group

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.settings import Fleet


def _attached(fleet: Fleet) -> int:
    """Servers and load balancers on Hetzner's private network."""
    network = fleet.network
    everyone = isinstance(network, ProviderNetwork) and network.provider == "hcloud"
    servers = [host for host in fleet.hosts.values() if isinstance(host, HcloudHost)]
    return sum(everyone or host.private_address is not None for host in servers) + isinstance(
        fleet.endpoint, LoadBalancerEndpoint
    )


@law("endpoint", "network", "providers", "hosts", EVERY_HOST)
def the_private_network_has_room(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """Hetzner attaches a limited number of servers and load balancers to one network."""
    limit, attached = HCLOUD.limits.attachments_per_network, _attached(fleet)
    if fleet.providers.hcloud.network is None or attached <= limit:
        return
    cure = (
        "leave privateAddress out of agents: on a mesh only what the load balancer reaches needs it"
        if isinstance(fleet.network, MeshNetwork)
        else "use a cluster network of kind mesh, where agents need no private address"
    )
    yield Fault(
        path="providers.hcloud.network",
        value=f"{attached} attachments",
        law=f"Hetzner attaches at most {limit} servers and load balancers to one network",
        cure=cure,
    )


@law("hosts", EVERY_HOST)
def placement_groups_are_few(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """Hetzner's projects have a limited number of placement groups."""
    limit = HCLOUD.limits.placement_groups
    groups = {placement_group(host) for host in fleet.hosts.values() if isinstance(host, HcloudHost)}
    if len(groups) > limit:
        yield Fault(
            path="hosts",
            value=f"{len(groups)} placement groups",
            law=f"a project of Hetzner has at most {limit}, and agents of one location share one by tens of addresses",
            cure="give agents of a location addresses next to one another, or use a second stack in another project",
        )


@law("firewall")
def admin_ranges_fit_a_rule(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """A rule of Hetzner's firewall takes a limited number of ranges."""
    limit, count = HCLOUD.limits.ranges_per_rule, len(fleet.firewall.admin_ranges)
    if count > limit:
        yield Fault(
            path="firewall.adminRanges",
            value=f"{count} ranges",
            law=f"a firewall rule of Hetzner takes at most {limit}",
            cure="merge neighbours into wider ranges",
        )

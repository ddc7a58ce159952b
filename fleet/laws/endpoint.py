"""Laws of the API endpoint: a load balancer reaches its servers, a virtual IP has a LAN. Addresses: addresses.py."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fleet.catalog import HCLOUD
from fleet.faults import Fault
from fleet.hosts import HcloudHost
from fleet.laws.law import EVERY_HOST, Profiles, law
from fleet.model import Role
from fleet.network import LoadBalancerEndpoint, MeshNetwork, ProviderNetwork, VirtualIpEndpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.settings import Fleet

_DNS_NAME = re.compile(r"^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$")


@law("endpoint")
def the_name_is_a_dns_name(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """Certificates and kubeconfigs name the endpoint, so it is a full DNS name."""
    if not _DNS_NAME.match(fleet.endpoint.name):
        yield Fault(
            path="endpoint.name",
            value=fleet.endpoint.name,
            law="certificates and kubeconfigs hold it, so it is a full DNS name in lower case",
            cure="write one, as api.example.net",
        )


@law("endpoint", "providers")
def the_load_balancer_exists(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """Its type and location are Hetzner's, and its private network is in its zone."""
    endpoint = fleet.endpoint
    if not isinstance(endpoint, LoadBalancerEndpoint):
        return
    if endpoint.type not in HCLOUD.load_balancer_types:
        yield Fault(
            path="endpoint.type",
            value=endpoint.type,
            law="Hetzner has no such load balancer",
            cure=f"use one of {', '.join(sorted(HCLOUD.load_balancer_types))}",
        )
    place, network = HCLOUD.locations.get(endpoint.location), fleet.providers.hcloud.network
    if place is None:
        yield Fault(
            path="endpoint.location",
            value=endpoint.location,
            law="Hetzner has no such location",
            cure=f"use one of {', '.join(sorted(HCLOUD.locations))}",
        )
    elif network and place.zone != network.zone:
        yield Fault(
            path="endpoint.location",
            value=endpoint.location,
            law=f"it lies in zone {place.zone}, and the private network in {network.zone}",
            cure="use a location of that zone",
        )


@law("endpoint")
def who_reaches_the_load_balancer_is_accepted(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """Nothing of Hetzner's filters who reaches a load balancer, and servers see its address instead of the caller's."""
    endpoint = fleet.endpoint
    if isinstance(endpoint, LoadBalancerEndpoint) and not endpoint.allow_everyone:
        yield Fault(
            path="endpoint.allowEveryone",
            value="false",
            law="Hetzner filters nothing before a load balancer, so firewall.adminRanges do not hold for the API there",
            cure="set it to true to accept that, or use an endpoint of kind virtualIp on a LAN",
        )


@law("endpoint", "network", "hosts")
def the_load_balancer_reaches_the_servers(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """Its targets are Hetzner servers on its private network: no firewall lets it in at public addresses."""
    endpoint = fleet.endpoint
    if not isinstance(endpoint, LoadBalancerEndpoint):
        return
    servers = fleet.of_role(Role.SERVER)
    for name in servers:
        host = fleet.hosts[name]
        if not isinstance(host, HcloudHost):
            yield Fault(
                path=f"hosts.{name}.role",
                value="server",
                law="a load balancer of Hetzner reaches Hetzner's servers only",
                cure="make it an agent, or use an endpoint of kind virtualIp",
            )
        elif not _on_private_network(fleet, host):
            yield Fault(
                path=f"hosts.{name}.privateAddress",
                value="absent",
                law="the load balancer reaches servers over the private network, and this one is not on it",
                cure="give it an address of providers.hcloud.network.subnet",
            )


@law("endpoint", "hosts", EVERY_HOST)
def the_load_balancer_has_room(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """It has as many targets as there are servers."""
    endpoint = fleet.endpoint
    kind = HCLOUD.load_balancer_types.get(endpoint.type) if isinstance(endpoint, LoadBalancerEndpoint) else None
    count = len(fleet.of_role(Role.SERVER))
    if kind and count > kind.max_targets:
        yield Fault(
            path="endpoint.type",
            value=getattr(endpoint, "type", ""),
            law=f"it takes {kind.max_targets} targets, and there are {count} servers",
            cure="use a bigger type",
        )


def _on_private_network(fleet: Fleet, host: HcloudHost) -> bool:
    network = fleet.network
    return host.private_address is not None or (isinstance(network, ProviderNetwork) and network.provider == "hcloud")


@law("endpoint", "network")
def the_virtual_ip_has_a_lan(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """Servers hand the virtual IP over by VRRP, which needs a network that floods frames."""
    network = fleet.network
    routed = isinstance(network, MeshNetwork) or (isinstance(network, ProviderNetwork) and network.provider == "hcloud")
    if isinstance(fleet.endpoint, VirtualIpEndpoint) and routed:
        what = "a WireGuard mesh" if isinstance(network, MeshNetwork) else "Hetzner's private network"
        yield Fault(
            path="endpoint.kind",
            value="virtualIp",
            law=f"servers hand the address over by VRRP, which {what} does not carry",
            cure="use an endpoint of kind loadBalancer, or a cluster network that is a LAN",
        )

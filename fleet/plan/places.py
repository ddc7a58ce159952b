"""Where a host stands and what it is, in words; and the networks and the endpoint that the picture shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.hosts import BareMetalHost, HcloudHost, OvhDedicatedHost, OvhInstanceHost
from fleet.network import LoadBalancerEndpoint, MeshNetwork, ProfileNetwork, ProviderNetwork
from fleet.plan.model import EndpointPlan, NetworkPlan, Topology

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.hosts import Host
    from fleet.plan.revision import Revision
    from fleet.settings import Fleet


def site_of(host: Host) -> str:
    """Where it stands."""
    match host:
        case HcloudHost():
            return f"Hetzner Cloud {host.location}"
        case OvhInstanceHost():
            return f"OVH Public Cloud {host.region}"
        case OvhDedicatedHost():
            return "OVH dedicated"
        case BareMetalHost():
            return "Bare metal"
        case _:
            return str(getattr(host, "kind"))  # noqa: B009 - every registered kind has it, the base class does not


def machine_of(host: Host) -> str:
    """Type of the server, or hardware of the board."""
    match host:
        case HcloudHost():
            return host.server_type
        case OvhInstanceHost():
            return f"flavor {host.flavor_id[:8]}"
        case _:
            return host.hardware


def _networks(revision: Revision) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Name, range and hosts of each network, the cluster's own first."""
    fleet, hosts = revision.fleet, revision.fleet.hosts
    match fleet.network:
        case MeshNetwork():
            name = "WireGuard mesh"
        case ProviderNetwork():
            name = f"Private network ({fleet.network.provider})"
        case ProfileNetwork():
            name = f"LAN (profile {fleet.network.profile})"
    yield f"{name}: the cluster's", str(revision.side.contract.cluster.cluster_range), tuple(sorted(hosts))
    yield from _private(fleet)
    storage = tuple(sorted(name for name, host in hosts.items() if host.storage_address))
    if storage:
        profiles = (entry.profile for entry in revision.side.contract.hosts.values())
        ranges = sorted({str(profile.storage.subnet) for profile in profiles if profile and profile.storage})
        yield "Storage network", ", ".join(ranges), storage


def _private(fleet: Fleet) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The providers' private networks, where they are not the cluster's own."""
    hcloud, ovh = fleet.providers.hcloud.network, fleet.providers.ovh.network if fleet.providers.ovh else None
    of = {
        kind: tuple(sorted(name for name, host in fleet.hosts.items() if isinstance(host, kind)))
        for kind in (HcloudHost, OvhInstanceHost)
    }
    own = fleet.network.provider if isinstance(fleet.network, ProviderNetwork) else ""
    if hcloud and own != "hcloud":
        yield "Private network of Hetzner", str(hcloud.subnet), of[HcloudHost]
    if ovh and own != "ovh":
        yield "Private network of OVH", str(ovh.subnet), of[OvhInstanceHost]


def _endpoint(fleet: Fleet) -> tuple[str, str, str]:
    endpoint = fleet.endpoint
    if isinstance(endpoint, LoadBalancerEndpoint):
        return endpoint.name, f"load balancer {endpoint.type} in {endpoint.location}", str(endpoint.private_address)
    return endpoint.name, "virtual IP of the servers", str(endpoint.address)


def topology(before: Revision | None, after: Revision) -> Topology:
    """Networks and endpoint as they will be, each with whether it changes."""
    old = {name: text for name, text, _ in _networks(before)} if before else {}
    name, words, address = _endpoint(after.fleet)
    return Topology(
        endpoint=EndpointPlan(
            name=name,
            words=words,
            address=address,
            changed=before is None or _endpoint(before.fleet) != (name, words, address),
        ),
        networks=tuple(
            NetworkPlan(name=name, range=text, hosts=hosts, changed=old.get(name) != text)
            for name, text, hosts in _networks(after)
        ),
    )

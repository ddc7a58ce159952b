"""Laws of single addresses: each inside its range, nobody else's, and one that a host can have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.contract.facts import ssh_address
from fleet.faults import Fault
from fleet.hosts import HcloudHost, Host, OvhInstanceHost
from fleet.laws.law import Profiles, law
from fleet.laws.subnets import cluster_range, gateways, profile_of
from fleet.network import LoadBalancerEndpoint, ProviderNetwork, VirtualIpEndpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from ipaddress import IPv4Address, IPv4Network

    from fleet.settings import Fleet

Located = tuple[str, "IPv4Address"]


def _fault(path: str, value: object, law: str, cure: str) -> Fault:
    return Fault(path=path, value=str(value), law=law, cure=cure)


def outside(path: str, address: IPv4Address, subnet: IPv4Network, taken: dict[IPv4Address, str]) -> Iterator[Fault]:
    """Faults of an address that should be usable by a host on `subnet`; `taken` are routers' addresses."""
    if address not in subnet:
        yield _fault(path, address, f"it must lie in {subnet}", "choose a free address of that range")
    elif address in (subnet.network_address, subnet.broadcast_address):
        yield _fault(
            path, address, f"the first and the last address of {subnet} belong to no host", "choose another one"
        )
    elif address in taken:
        yield _fault(path, address, f"it is {taken[address]}", "choose a free address")


def shared(addresses: Iterable[Located]) -> Iterator[Fault]:
    """Faults of addresses that stand twice."""
    seen: dict[IPv4Address, str] = {}
    for path, address in addresses:
        if address in seen:
            yield _fault(path, address, f"it is {seen[address]} already", "choose a free address")
        seen.setdefault(address, path)


@law("network", "providers", "hosts")
def cluster_addresses_are_on_the_cluster_network(fleet: Fleet, profiles: Profiles) -> Iterator[Fault]:
    """Every cluster address is a host's own, inside the cluster network."""
    subnet = cluster_range(fleet, profiles)
    taken = gateways(fleet, profiles)
    located = [(f"hosts.{name}.address", fleet.hosts[name].address) for name in sorted(fleet.hosts)]
    yield from shared(located)
    for path, address in located:
        if subnet is not None:
            yield from outside(path, address, subnet, taken)


@law("network", "hosts")
def storage_addresses_are_on_the_storage_network(fleet: Fleet, profiles: Profiles) -> Iterator[Fault]:
    """A storage address is a host's own, inside the profile's storage network, and needs one."""
    located: list[Located] = []
    for name in sorted(fleet.hosts):
        address = fleet.hosts[name].storage_address
        if address is None:
            continue
        path = f"hosts.{name}.storageAddress"
        profile = profile_of(fleet, profiles, name)
        located.append((path, address))
        if profile and profile.storage:
            taken = (
                {profile.storage.gateway: f"the gateway of profile {profile.name}"} if profile.storage.gateway else {}
            )
            yield from outside(path, address, profile.storage.subnet, taken)
        elif profile or not profiles_missing(fleet, profiles, name):
            yield _fault(
                path, address, "a storage address needs a network profile that has a storage network", "remove it"
            )
    yield from shared(located)


def profiles_missing(fleet: Fleet, profiles: Profiles, host: str) -> bool:
    """Whether the host's profile is named and does not exist, which another law reports."""
    named = fleet.hosts[host].profile or getattr(fleet.network, "profile", None)
    return named is not None and named not in profiles


def _private(host: Host) -> IPv4Address | None:
    return host.private_address if isinstance(host, (HcloudHost, OvhInstanceHost)) else None


@law("network", "providers", "hosts")
def private_addresses_are_on_the_providers_network(fleet: Fleet, profiles: Profiles) -> Iterator[Fault]:
    """A private address lies in the subnet of its provider's section, which must be there."""
    taken = gateways(fleet, profiles)
    located: dict[str, list[Located]] = {"hcloud": [], "ovh": []}
    ovh = fleet.providers.ovh.network if fleet.providers.ovh else None
    hcloud = fleet.providers.hcloud.network
    for name in sorted(fleet.hosts):
        host, address = fleet.hosts[name], _private(fleet.hosts[name])
        if address is None:
            continue
        path = f"hosts.{name}.privateAddress"
        provider = "hcloud" if isinstance(host, HcloudHost) else "ovh"
        subnet = (hcloud.subnet if hcloud else None) if provider == "hcloud" else (ovh.subnet if ovh else None)
        located[provider].append((path, address))
        if subnet is None:
            yield _fault(
                path,
                address,
                f"a private address needs providers.{provider}.network",
                "describe it, or remove this address",
            )
        elif (
            isinstance(fleet.network, ProviderNetwork)
            and fleet.network.provider == provider
            and address != host.address
        ):
            yield _fault(
                path,
                address,
                f"the provider's network is the cluster's, so {host.address} is the private address",
                "remove this one",
            )
        else:
            yield from outside(path, address, subnet, taken)
    for each in located.values():
        yield from shared(each)


@law("cluster", "hosts")
def ssh_addresses_are_reachable(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """Records answer SSH at addresses of their own, outside the ranges that only the cluster routes."""
    inner = (("cluster.podRange", fleet.cluster.pod_range), ("cluster.serviceRange", fleet.cluster.service_range))
    located: list[Located] = []
    for name in sorted(fleet.hosts):
        address = ssh_address(fleet.hosts[name])
        if address is None or address == fleet.hosts[name].address:
            continue
        path = f"hosts.{name}.sshAddress"
        located.append((path, address))
        for where, network in inner:
            if address in network:
                yield _fault(
                    path,
                    address,
                    f"addresses of {where} ({network}) lead into the cluster",
                    "name the machine's own address",
                )
    yield from shared(located)


@law("network", "endpoint", "providers", "hosts")
def the_endpoint_has_an_address_of_its_own(fleet: Fleet, profiles: Profiles) -> Iterator[Fault]:
    """The virtual IP, or the load balancer's private address, is inside its range and no host's."""
    endpoint, taken = fleet.endpoint, gateways(fleet, profiles)
    if isinstance(endpoint, VirtualIpEndpoint):
        path, address, subnet = "endpoint.address", endpoint.address, cluster_range(fleet, profiles)
        others = [(f"hosts.{name}.address", fleet.hosts[name].address) for name in sorted(fleet.hosts)]
    elif isinstance(endpoint, LoadBalancerEndpoint):
        network = fleet.providers.hcloud.network
        path, address, subnet = "endpoint.privateAddress", endpoint.private_address, network.subnet if network else None
        others = [
            (f"hosts.{name}.privateAddress", private)
            for name in sorted(fleet.hosts)
            if isinstance(fleet.hosts[name], HcloudHost) and (private := _private(fleet.hosts[name]))
        ]
        if network is None:
            yield _fault(path, address, "a load balancer needs providers.hcloud.network", "describe it")
    else:
        return
    if subnet is not None:
        yield from outside(path, address, subnet, taken)
    for whose, other in others:
        if other == address:
            yield _fault(path, address, f"it is {whose} already", "choose a free address")


@law("network", "endpoint")
def the_virtual_ip_is_not_handed_out(fleet: Fleet, profiles: Profiles) -> Iterator[Fault]:
    """No DHCP server of a profile may give the virtual IP to anyone."""
    profile = profiles.get(getattr(fleet.network, "profile", ""))
    if isinstance(fleet.endpoint, VirtualIpEndpoint) and profile and profile.dhcp:
        first, last = profile.dhcp.first, profile.dhcp.last
        if first <= fleet.endpoint.address <= last:
            yield _fault(
                "endpoint.address",
                fleet.endpoint.address,
                f"the DHCP server of profile {profile.name} hands out {first} to {last}",
                "choose an address outside",
            )

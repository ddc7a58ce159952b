"""What a fleet has at Hetzner: type and name of every resource there, as `components/clouds/hetzner` registers them.

What is found there is told apart by it: what is wanted, what is known, and what is neither.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from fleet.hosts import HcloudHost, OvhInstanceHost
from fleet.model import Role
from fleet.network import LoadBalancerEndpoint, ProviderNetwork
from fleet.placement import placement_group

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ipaddress import IPv4Address

    from fleet.settings import Fleet

FIREWALL = "hcloud:index/firewall:Firewall"
GROUP = "hcloud:index/placementGroup:PlacementGroup"
KEY = "hcloud:index/sshKey:SshKey"
NETWORK = "hcloud:index/network:Network"
SUBNET = "hcloud:index/networkSubnet:NetworkSubnet"
SERVER = "hcloud:index/server:Server"
SERVER_NETWORK = "hcloud:index/serverNetwork:ServerNetwork"
VOLUME = "hcloud:index/volume:Volume"
VOLUME_ATTACHMENT = "hcloud:index/volumeAttachment:VolumeAttachment"
BALANCER = "hcloud:index/loadBalancer:LoadBalancer"
BALANCER_NETWORK = "hcloud:index/loadBalancerNetwork:LoadBalancerNetwork"
BALANCER_SERVICE = "hcloud:index/loadBalancerService:LoadBalancerService"
BALANCER_TARGET = "hcloud:index/loadBalancerTarget:LoadBalancerTarget"

INSTANCE = "ovh:CloudProject/instance:Instance"

Resource = tuple[str, str]
"""Type token and name of a resource in the program."""


def key_fingerprint(key: str) -> str:
    """Twelve digits that tell a public key from others; its comment does not count."""
    return hashlib.sha256(key.split()[1].encode()).hexdigest()[:12]


def image_keys(fleet: Fleet, deploy_key: str) -> dict[str, str]:
    """Keys that a cloud image lets in, each once, with the label of the first who has it."""
    users = {
        key: f"{user}-{device}"
        for user, settings in sorted(fleet.users.items(), reverse=True)
        for device, key in sorted(settings.keys.items(), reverse=True)
    }
    return {**users, deploy_key: "deploy"}


def private_address(fleet: Fleet, host: HcloudHost | OvhInstanceHost) -> IPv4Address | None:
    """The host's address on its cloud's private network: the cluster address where that network is the cluster's."""
    is_hetzner = isinstance(host, HcloudHost)
    settings = fleet.providers.hcloud if is_hetzner else fleet.providers.ovh
    if settings is None or settings.network is None:
        return None
    network = fleet.network
    if isinstance(network, ProviderNetwork) and network.provider == ("hcloud" if is_hetzner else "ovh"):
        return host.address
    return host.private_address


def hetzner_resources(fleet: Fleet, deploy_key: str) -> frozenset[Resource]:
    """All that a fleet has at Hetzner."""
    hosts = {name: host for name, host in fleet.hosts.items() if isinstance(host, HcloudHost)}
    return frozenset(_hetzner(fleet, hosts, deploy_key)) if hosts else frozenset()


def _hetzner(fleet: Fleet, hosts: dict[str, HcloudHost], deploy_key: str) -> Iterator[Resource]:
    yield FIREWALL, "hetzner-firewall"
    if fleet.providers.hcloud.network:
        yield NETWORK, "hetzner-private-network"
        yield SUBNET, "hetzner-private-subnet"
    yield from ((KEY, f"hetzner-key-{key_fingerprint(key)}") for key in image_keys(fleet, deploy_key))
    yield from ((GROUP, f"hetzner-group-{placement_group(host)}") for host in hosts.values())
    for name, host in hosts.items():
        yield SERVER, f"{name}-server"
        if private_address(fleet, host):
            yield SERVER_NETWORK, f"{name}-attachment"
        if host.volume:
            yield VOLUME, f"{name}-volume"
            yield VOLUME_ATTACHMENT, f"{name}-volume-attachment"
    if isinstance(fleet.endpoint, LoadBalancerEndpoint):
        yield BALANCER, "hetzner-api-balancer"
        yield BALANCER_NETWORK, "hetzner-api-attachment"
        yield BALANCER_SERVICE, "hetzner-api-service"
        yield from (
            (BALANCER_TARGET, f"hetzner-api-target-{name}") for name in hosts if hosts[name].role is Role.SERVER
        )


def ovh_resources(fleet: Fleet) -> frozenset[Resource]:
    """The instances that a fleet has at OVH: what there would be a second one of, as names are not unique there."""
    return frozenset(
        (INSTANCE, f"{name}-instance") for name, host in fleet.hosts.items() if isinstance(host, OvhInstanceHost)
    )

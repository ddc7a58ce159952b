"""The cluster network and the network profiles. How a profile becomes networkd units is nix/lib/network's matter."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Annotated, Literal

from pydantic import Field

from fleet.model import HostNetwork, MacAddress, Model, Name

Mtu = Annotated[int, Field(ge=576, le=9216)]
VlanId = Annotated[int, Field(ge=1, le=4094)]


class Bond(Model):
    """Several ports that act as one."""

    name: str = "bond0"
    members: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of the profile's ports."""

    mode: Literal["active-backup", "802.3ad", "balance-alb", "balance-rr", "balance-tlb", "balance-xor", "broadcast"]
    primary: str | None = None
    """Preferred member, for `active-backup`."""

    miimon_ms: Annotated[int, Field(ge=0)] = 100
    """How often the links are looked at, in milliseconds."""


class Lan(Model):
    """One subnet that hosts have an address on."""

    link: str
    """Port or bond that carries it."""

    vlan: VlanId | None = None
    """VLAN id; None: untagged."""

    subnet: HostNetwork
    gateway: IPv4Address | None = None
    dns: tuple[IPv4Address, ...] = ()
    mtu: Mtu = 1500
    subnet6: IPv6Network | None = None
    """IPv6 prefix; a host's address in it ends as its IPv4 address does."""

    gateway6: IPv6Address | None = None


class ProfileNode(Model):
    """One node of a profile's own example topology, as test machines use it."""

    cluster: IPv4Address
    storage: IPv4Address | None = None
    vlans: dict[Literal["cluster", "storage"], VlanId] = {}
    """VLAN ids where this node differs: always a fault, and here so that it can be found."""

    mac: MacAddress | None = None


class DhcpServer(Model):
    """A server that hands out the profile's addresses by reservation."""

    address: IPv4Address
    first: IPv4Address
    last: IPv4Address
    lease_hours: int = 12
    mac: MacAddress | None = None


class Profile(Model):
    """A network topology as pure data: one document, several renderers."""

    name: Name
    description: str
    addressing: Literal["static", "dhcp"] = "static"
    ports: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of the physical ports; a host may give each its hardware address."""

    bond: Bond | None = None
    cluster: Lan
    storage: Lan | None = None
    nodes: dict[Name, ProfileNode] = {}
    dhcp: DhcpServer | None = None


class ProfileNetwork(Model):
    """The cluster network is a LAN that a network profile describes."""

    kind: Literal["profile"]
    profile: Name
    """Default profile: `nix/network/profiles/<name>.json`."""


class ProviderNetwork(Model):
    """The cluster network is a provider's private network; all hosts are of that provider."""

    kind: Literal["provider"]
    provider: Literal["hcloud", "ovh"]


class MeshNetwork(Model):
    """The cluster network is a WireGuard mesh between the hosts, as soon as a cluster spans sites or providers."""

    kind: Literal["mesh"]
    range: HostNetwork
    port: Annotated[int, Field(ge=1, le=65535)] = 51820
    mtu: Mtu = 1380


Network = Annotated[ProfileNetwork | ProviderNetwork | MeshNetwork, Field(discriminator="kind")]


class LoadBalancerEndpoint(Model):
    """The API answers at a Hetzner load balancer."""

    kind: Literal["loadBalancer"]
    name: str
    """DNS name of the API; make it point at the address that the stack exports."""

    type: str = "lb11"
    location: str
    """Hetzner location."""

    private_address: IPv4Address
    """Address on Hetzner's private network: the servers let only it and the admins in, so it is not left to chance."""

    allow_everyone: bool = False
    """Accept that everybody reaches the API's port: Hetzner filters nothing before a load balancer, so admin ranges
    hold at the servers' own addresses only."""


class VirtualIpEndpoint(Model):
    """The API answers at an address that the servers hand to one another (keepalived)."""

    kind: Literal["virtualIp"]
    name: str
    """DNS name of the API."""

    address: IPv4Address
    """On the cluster network."""

    router_id: Annotated[int, Field(ge=1, le=255)] = 51
    """VRRP id, unique on the LAN."""


Endpoint = Annotated[LoadBalancerEndpoint | VirtualIpEndpoint, Field(discriminator="kind")]
API_PORT = 6443

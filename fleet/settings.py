"""The root model: one document is the whole configuration language. Reading it is document.py's matter."""

from __future__ import annotations

from decimal import Decimal
from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import Field

from fleet.cluster import Addons, Cluster, Rollout
from fleet.consumers import Consumers
from fleet.hosts import AnyHost
from fleet.model import HostNetwork, Model, Name, Role, SshPublicKey, TimeZone
from fleet.network import Endpoint, Network
from fleet.updates import Updates
from fleet.version import LANGUAGE


class HcloudNetwork(Model):
    """Hetzner's private network."""

    range: HostNetwork
    """Range of the whole network."""

    subnet: HostNetwork
    """Range the hosts are in."""

    zone: Literal["eu-central", "us-east", "us-west", "ap-southeast"] = "eu-central"


class Hcloud(Model):
    """What all Hetzner hosts share."""

    network: HcloudNetwork | None = None


class OvhNetwork(Model):
    """OVH's private network (the project needs a vRack)."""

    subnet: HostNetwork
    vlan_id: Annotated[int, Field(ge=0, le=4000)] = 0
    regions: Annotated[tuple[str, ...], Field(min_length=1)]


class Ovh(Model):
    """What all OVH instances share."""

    service_name: str
    """The Public Cloud project's id."""

    allow_everyone: bool = False
    """Accept that OVH filters nothing before instances: until one is installed, its image answers everybody by SSH
    (with keys only), and from then on the host's own firewall holds the admin ranges."""

    network: OvhNetwork | None = None


class Providers(Model):
    """Settings per cloud; credentials are provider config, never here."""

    hcloud: Hcloud = Hcloud()
    ovh: Ovh | None = None


class Firewall(Model):
    """Who may reach the fleet from outside; everything else is dropped."""

    admin_ranges: Annotated[tuple[IPv4Network, ...], Field(min_length=1)]
    """Ranges that may use SSH and the Kubernetes API."""

    allow_everyone: bool = False
    """Accept admin ranges wider than /8, up to the whole internet."""


class User(Model):
    """A person with an account on every host."""

    keys: Annotated[dict[Name, SshPublicKey], Field(min_length=1)]
    """Public keys by the name of the device that holds them."""

    admin: bool = True
    """May use sudo."""


class Fleet(Model):
    """One stack: the machines, the cluster on them, and how they may change."""

    version: Annotated[int, Field(ge=1, le=LANGUAGE)] = LANGUAGE
    """Version of this language that the document is written in."""

    cluster: Cluster
    endpoint: Endpoint
    network: Network
    providers: Providers = Providers()
    firewall: Firewall
    users: Annotated[dict[Name, User], Field(min_length=1)]
    hosts: Annotated[dict[Name, AnyHost], Field(min_length=1)]
    addons: Addons = Addons()
    consumers: Consumers = Consumers()
    rollout: Rollout = Rollout()
    updates: Updates = Updates()
    admin_sudo: Literal["key", "password"] = "key"
    """What sudo asks administrators for: the key that they log in with (`ssh -A`), or a password, whose hash is the
    secret `password-<user>` of the stack's encrypted `nix/secrets/<stack>/shared.yaml`."""

    protection: bool = True
    """Servers and volumes cannot be deleted or rebuilt until this is False: by Pulumi and by the provider."""

    monthly_ceiling_eur: Annotated[Decimal, Field(gt=0)] | None = None
    """What the clouds may cost a month, net and by the program's own table of prices; None: any."""

    timezone: TimeZone = "UTC"
    """Name in the time zone database, for example `Europe/Berlin`."""

    def of_role(self, role: Role) -> tuple[str, ...]:
        """Names of the hosts with that role, sorted."""
        return tuple(sorted(name for name, host in self.hosts.items() if host.role is role))

    @property
    def formation(self) -> tuple[str, ...]:
        """Servers in the order in which they form the cluster: the seed, then the others by name."""
        others = tuple(name for name in self.of_role(Role.SERVER) if name != self.cluster.seed)
        return (self.cluster.seed, *others)

    @property
    def storage_hosts(self) -> tuple[str, ...]:
        """Names of the hosts that keep Longhorn replicas, sorted."""
        return tuple(sorted(name for name, host in self.hosts.items() if host.storage))

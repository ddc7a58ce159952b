"""What a cloud is to the rest of the program, and which one makes hosts of which kind. Each has a module of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pulumi

    from fleet.hosts import Host
    from fleet.keys.identities import Identities
    from fleet.settings import Fleet


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A computer that can be installed, wherever it comes from."""

    identity: pulumi.Input[str]
    """Changes exactly when it is another machine: a cloud's server id, or a disk's serial."""

    address: pulumi.Input[str]
    """Where SSH answers."""

    ready: tuple[pulumi.Resource, ...] = ()
    """What has to be there before the machine is worked on."""


class Cloud(Protocol):
    """A source of machines."""

    @property
    def machines(self) -> Mapping[str, Machine]:
        """Machines by host name."""

    @property
    def api_address(self) -> pulumi.Input[str] | None:
        """Address of the load balancer that it made for the Kubernetes API."""

    @property
    def ends(self) -> tuple[pulumi.Resource, ...]:
        """What it made beside machines and that nothing else depends on."""

    def serve(self, members: Mapping[str, pulumi.CustomResource]) -> Mapping[str, pulumi.Resource]:
        """Put servers behind that load balancer; by host, what has to be gone before its member goes.

        `members`: what ends when a host leaves the cluster, by host name.
        """


@dataclass(frozen=True, kw_only=True)
class CloudArgs:
    """What a cloud needs to know to make its machines."""

    stack: str
    """Name of the stack."""

    fleet: Fleet
    """The whole fleet: networks, firewall, users."""

    identities: Identities
    """Public halves of all keys."""

    hosts: Mapping[str, Host]
    """The hosts of this cloud, by name, sorted."""

    user_data: Mapping[str, pulumi.Output[str]] = field(repr=False)
    """First-boot document of each host, a secret."""

    deploy_secret: pulumi.Output[str] = field(repr=False)
    """The key to log in to hosts with as JSON, a secret."""

    everyone: Callable[[], Mapping[str, Machine]] = dict
    """All machines of the fleet by host, those of other clouds too, once all clouds have registered theirs."""

    lawful: pulumi.Resource
    """There when the change may be made: what every provider waits for."""

    def labels(self, name: str) -> dict[str, str]:
        """Labels of everything in a cloud, so that what a broken run left behind can be found."""
        return {"stack": self.stack, "cluster": self.fleet.cluster.name, "name": name}


CloudFactory = Callable[[CloudArgs], Cloud]

CLOUDS: dict[str, CloudFactory] = {}
"""Factories by the kind of host."""


def register_cloud(factory: CloudFactory, *kinds: str) -> None:
    """Make hosts of these kinds with `factory`: what a further cloud calls from its module."""
    CLOUDS.update(dict.fromkeys(kinds, factory))


def kind_of(host: Host) -> str:
    """The word that stands in the host's `kind`."""
    return str(getattr(host, "kind"))  # noqa: B009 - every registered kind has it, the base class does not


def hosts_by_cloud(fleet: Fleet) -> dict[CloudFactory, dict[str, Host]]:
    """The fleet's hosts, each with the cloud that makes it; a cloud without hosts does not appear."""
    groups: dict[CloudFactory, dict[str, Host]] = {}
    for name, host in sorted(fleet.hosts.items()):
        groups.setdefault(CLOUDS[kind_of(host)], {})[name] = host
    return groups

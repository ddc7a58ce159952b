"""What is remembered of a fleet from one run to the next: what the laws of a step compare, and nothing else.

It stands in the state in clear, so nothing secret may be in it; and a field that changes often would show as an update
in every preview.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from fleet.catalog import HCLOUD
from fleet.hosts import HcloudHost
from fleet.model import Model, Name, Role
from fleet.network import LoadBalancerEndpoint

if TYPE_CHECKING:
    from fleet.hosts import Host
    from fleet.settings import Fleet

MACHINE_FIELDS = ("flavor_id", "location", "region", "service_name")
"""Fields of a host that mean another machine when they change, as its cloud cannot change them."""

FIXED_ADDRESS = ("ovh-instance",)
"""Kinds whose private address, too, cannot change (every input of OVH's instance replaces it)."""


class Installed(Model):
    """What a host's last installation that succeeded fixed; by the state of that installation, never by the file."""

    address: str = ""
    """Address on the cluster network; empty: an older program did not note it."""

    layout: str = ""
    """Layout of its disk."""

    reinstall: str = ""
    """The token that it was done with; empty: none."""


class HostPrecedent(Model):
    """One host."""

    role: Role
    machine: str = ""
    """What it was made from: another text is another machine."""

    created: bool = False
    """Whether a cloud made it for us."""

    address: IPv4Address | None = None
    """Address on the cluster network."""

    device: str = ""
    """Path of the disk."""

    layout: str = ""
    """Layout of the disk."""

    serial: str | None = None
    """Serial number of the disk."""

    storage: bool = False
    """Whether Longhorn keeps replicas there."""

    server_type: str = ""
    """Hetzner's name of what it is; empty elsewhere."""

    disk_gib: int = 0
    """Size of the disk; 0: not remembered."""

    offered_gib: int = 0
    """Size of the disk that a new server of its type has; 0: of no type that is known."""

    grow_disk: bool = False
    """Whether a larger type lets the disk grow."""

    volume: bool = False
    """Whether they lie on a volume of the cloud."""

    reinstall: str | None = None
    """One-shot token."""

    installed: Installed | None = None
    """None where only the file is known: what was wanted last may never have been installed."""

    k3s_version: str = ""
    """What its node ran after its last switch that ended well; by the state, never by the file. Empty: not known."""


class Precedent(Model):
    """One fleet."""

    hosts: dict[Name, HostPrecedent]
    cluster: str = ""
    """Its name."""

    balancer: str = ""
    """What the load balancer of the API was made from; empty: none."""

    k3s_version: str = ""
    """What was wanted; the hosts may not have got there."""

    longhorn_version: str | None = None
    """What was wanted, or what its release has where the state knows it. None: switched off."""

    protection: bool = False


def _machine(host: Host) -> str:
    kind = getattr(host, "kind")  # noqa: B009 - every registered kind has it, the base class does not
    made = [str(getattr(host, name)) for name in MACHINE_FIELDS if hasattr(host, name)]
    if kind in FIXED_ADDRESS:
        made += [str(address) for address in [getattr(host, "private_address", None)] if address]
    # A machine that exists without us is known by its disk, like its installation (components/clouds/records.py).
    return " ".join([kind, *made, *([] if host.created else [host.disk.serial or host.disk.device])])


def _size(host: Host) -> dict[str, Any]:
    if not isinstance(host, HcloudHost):
        return {}
    known = HCLOUD.server_types.get(host.server_type)
    return {
        "server_type": host.server_type,
        "disk_gib": host.disk.size_gib,
        "offered_gib": known.disk_gb if known else 0,
        "grow_disk": host.grow_disk,
    }


def precedent(fleet: Fleet) -> Precedent:
    """What is remembered of a fleet."""
    longhorn, endpoint = fleet.addons.longhorn, fleet.endpoint
    return Precedent(
        hosts={
            name: HostPrecedent(
                role=host.role,
                machine=_machine(host),
                created=host.created,
                address=host.address,
                device=host.disk.device,
                layout=host.disk.layout,
                serial=host.disk.serial,
                storage=host.storage,
                **_size(host),
                volume=getattr(host, "volume", None) is not None,
                reinstall=host.reinstall,
            )
            for name, host in sorted(fleet.hosts.items())
        },
        cluster=fleet.cluster.name,
        balancer=endpoint.location if isinstance(endpoint, LoadBalancerEndpoint) else "",
        k3s_version=fleet.cluster.k3s_version,
        longhorn_version=longhorn.version if longhorn.enabled else None,
        protection=fleet.protection,
    )

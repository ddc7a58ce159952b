"""Laws of machines: hardware, kind, architecture, ports. What Hetzner sells is in data/hcloud.json."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.catalog import HCLOUD
from fleet.faults import Fault
from fleet.hosts import HcloudHost, OvhInstanceHost
from fleet.laws.law import Profiles, law

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.hosts import Layout
    from fleet.settings import Fleet

LAYOUTS: dict[str, tuple[Layout, ...]] = {
    "hcloud-arm": ("hetzner-cloud",),
    "hcloud-x86": ("hetzner-cloud",),
    "jetson-orin-nano": ("n100-standard",),
    "n100": ("n100-standard", "n100-zfs", "zfs-server"),
    "ovh": ("ovh-cloud", "zfs-server"),
    "qemu": ("n100-standard", "n100-zfs", "vm-test", "zfs-server"),
}
"""Disk layouts that boot on each hardware module."""

_LEAST_MEMORY_GB = 4
_TOLERANCE = 0.1


def _fault(path: str, value: object, law: str, cure: str) -> Fault:
    return Fault(path=path, value=str(value), law=law, cure=cure)


@law("hosts")
def hardware_fits_the_kind(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """A kind of machine is one of its own hardware modules, and a layout boots on it."""
    for name, host in fleet.hosts.items():
        if host.hardware_choices and host.hardware not in host.hardware_choices:
            kind = getattr(host, "kind", "")
            yield _fault(
                f"hosts.{name}.hardware",
                host.hardware,
                f"a host of kind {kind} is not this hardware",
                f"use {' or '.join(host.hardware_choices)}, or another kind",
            )
        elif host.disk.layout not in LAYOUTS[host.hardware]:
            yield _fault(
                f"hosts.{name}.disk.layout",
                host.disk.layout,
                f"{host.hardware} does not boot from it",
                f"use {' or '.join(LAYOUTS[host.hardware])}",
            )


def _server_type(name: str, host: HcloudHost) -> Iterator[Fault]:
    known = HCLOUD.server_types.get(host.server_type)
    path = f"hosts.{name}.serverType"
    alike = ", ".join(
        sorted(
            word
            for word, other in HCLOUD.server_types.items()
            if other.sold and other.arch is host.arch and other.memory_gb >= _LEAST_MEMORY_GB
        )
    )
    if known is None:
        yield _fault(
            path,
            host.server_type,
            "Hetzner has no such server type",
            f"use one of {alike}, or add it to fleet/data/hcloud.json",
        )
        return
    if not known.sold:
        yield _fault(path, host.server_type, "Hetzner makes no new servers of this type", f"use one of {alike}")
    if known.arch is not host.arch:
        yield _fault(
            path,
            host.server_type,
            f"its processor is {known.arch.value}, and {host.hardware} is {host.arch.value}",
            f"use one of {alike}",
        )
    if known.memory_gb < _LEAST_MEMORY_GB:
        yield _fault(
            path,
            host.server_type,
            f"the installer runs from memory and needs {_LEAST_MEMORY_GB} GB, and this type has {known.memory_gb}",
            f"use one of {alike}",
        )
    yield from _disk_of_type(name, host, known.disk_gb)
    limit = host.tuning.k3s_memory_max_gib
    if limit is not None and limit >= known.memory_gb:
        yield _fault(
            f"hosts.{name}.tuning.k3sMemoryMaxGib",
            limit,
            f"{host.server_type} has {known.memory_gb} GB, and a limit that leaves nothing is none",
            "write less, or remove it",
        )


def _disk_of_type(name: str, host: HcloudHost, offered: int) -> Iterator[Fault]:
    """A disk may be smaller than its type's, as a larger type keeps it; Hetzner makes none smaller."""
    path, size = f"hosts.{name}.disk.sizeGib", host.disk.size_gib
    if size > offered * (1 + _TOLERANCE):
        yield _fault(
            path,
            size,
            f"the disk of {host.server_type} has {offered} GB, and a disk never shrinks",
            f"use a type with a disk of {size} GB or more; of a new server, write {offered}",
        )
    elif host.grow_disk and size < offered * (1 - _TOLERANCE):
        yield _fault(
            path,
            size,
            f"growDisk lets it grow to the {offered} GB of {host.server_type}, and the install guard compares",
            f"write {offered}, or remove growDisk",
        )


@law("hosts")
def server_types_are_sold(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """A Hetzner server's type exists, is still sold, has the hardware's processor, and holds the entry's disk."""
    for name, host in fleet.hosts.items():
        if isinstance(host, HcloudHost):
            yield from _server_type(name, host)


@law("providers", "hosts")
def locations_exist(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """A Hetzner location exists, and lies in the zone of the private network that its host is on."""
    network = fleet.providers.hcloud.network
    for name, host in fleet.hosts.items():
        if not isinstance(host, HcloudHost):
            continue
        place = HCLOUD.locations.get(host.location)
        if place is None:
            yield _fault(
                f"hosts.{name}.location",
                host.location,
                "Hetzner has no such location",
                f"use one of {', '.join(sorted(HCLOUD.locations))}",
            )
        elif network and place.zone != network.zone:
            yield _fault(
                f"hosts.{name}.location",
                host.location,
                f"it lies in zone {place.zone}, and the private network in {network.zone}",
                "use a location of that zone, or another providers.hcloud.network.zone",
            )


@law("providers", "hosts")
def who_reaches_instances_is_accepted(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """What guards an OVH instance is its image's sshd until it is installed, and the host's own firewall from then on.

    The plugin's security groups are for another resource, which wipes the disk when its image changes.
    """
    settings = fleet.providers.ovh
    instances = sorted(name for name, host in fleet.hosts.items() if isinstance(host, OvhInstanceHost))
    if settings and instances and not settings.allow_everyone:
        yield _fault(
            "providers.ovh.allowEveryone",
            "false",
            f"OVH filters nothing before {', '.join(instances)}: until they are installed, their image answers "
            "everybody by SSH, with keys only; from then on the hosts' own firewall holds firewall.adminRanges",
            "set it to true to accept that",
        )


@law("hosts")
def hardware_addresses_are_one_ports(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """A hardware address is one port's, and no group's."""
    seen: dict[str, str] = {}
    for name in sorted(fleet.hosts):
        for port, mac in sorted(fleet.hosts[name].ports.items()):
            path = f"hosts.{name}.ports.{port}"
            if mac in seen:
                yield _fault(path, mac, f"it is {seen[mac]} already", "correct one of the two")
            seen.setdefault(mac, path)
            if int(mac[:2], 16) & 1 or mac == "00:00:00:00:00:00":
                yield _fault(
                    path,
                    mac,
                    "an address with an odd first octet, or all zero, is no port's",
                    "read it from the machine: ip -br link",
                )

"""Laws of disks: each is known for certain, has room for its layout, and is no other host's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fleet.faults import Fault
from fleet.laws.law import Profiles, law

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.hosts import DataLayout, Disk, Drive, Host, Layout
    from fleet.settings import Fleet

ROOM_GIB: dict[Layout, tuple[int, int]] = {
    "hetzner-cloud": (16, 60),
    "n100-standard": (232, 232),
    "n100-zfs": (140, 140),
    "ovh-cloud": (18, 62),
    "vm-test": (8, 12),
    "zfs-server": (32, 132),
}
"""Least disk for each layout, and with Longhorn's directory on it: the sum of its partitions and some growth."""

DATA_ROOM_GIB: dict[DataLayout, int] = {"tank": 110}
"""Least further disk for each of its layouts: what is kept back, and some growth."""

DATA_NEEDS: dict[DataLayout, tuple[Layout, ...]] = {"tank": ("n100-zfs", "zfs-server")}
"""Layouts of the system disk whose systems can use a further one: a pool needs ZFS."""

_PARTITION = re.compile(r"(-part\d+|/nvme\d+n\d+p\d+|/[shv]d[a-z]+\d+)$")
_BY_ID = "/dev/disk/by-id/"
_BY_PATH = "/dev/disk/by-path/"
_HCLOUD_DISK = "/dev/disk/by-path/pci-0000:06:00.0-scsi-0:0:0:0"
"""The disk that a Hetzner server of an x86 type has itself; volumes have other numbers on the same controller."""


def _fault(path: str, value: object, law: str, cure: str) -> Fault:
    return Fault(path=path, value=str(value), law=law, cure=cure)


@law("hosts")
def layouts_fit_the_disk(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """The disk has room for the layout's partitions, and for Longhorn's directory where that lies on it."""
    for name, host in fleet.hosts.items():
        inside = host.storage and getattr(host, "volume", None) is None
        least = ROOM_GIB[host.disk.layout][inside]
        if host.disk.size_gib < least:
            what = f"{host.disk.layout} with Longhorn's directory on it" if inside else host.disk.layout
            yield _fault(
                f"hosts.{name}.disk.sizeGib",
                host.disk.size_gib,
                f"the partitions of layout {what} need {least} GiB",
                "use a bigger disk or another layout",
            )


def _whole(path: str, drive: Drive, what: str) -> Iterator[Fault]:
    if _PARTITION.search(drive.device):
        yield _fault(
            f"{path}.device", drive.device, f"{what} takes a whole disk, and this is a partition", "name the disk"
        )


def _serial(path: str, drive: Drive) -> Iterator[Fault]:
    if drive.serial is None:
        yield _fault(
            f"{path}.serial",
            "absent",
            "the install guard knows a machine's disk by its serial number before it writes",
            "add it: lsblk -o NAME,SERIAL,SIZE shows it",
        )


def _system_disk(name: str, host: Host) -> Iterator[Fault]:
    path, disk = f"hosts.{name}.disk", host.disk
    # A cloud attaches its own disk to one slot; in a board's slot may be another disk tomorrow.
    stable = disk.device.startswith((_BY_ID, _BY_PATH) if host.created else _BY_ID)
    if not stable and not disk.unstable_path:
        yield _fault(
            f"{path}.device",
            disk.device,
            "this name may mean another disk after the next boot",
            "use /dev/disk/by-id/..., or set disk.unstablePath where the machine has one disk",
        )
    if stable and disk.unstable_path:
        kind = "id" if disk.device.startswith(_BY_ID) else "slot"
        yield _fault(f"{path}.unstablePath", "true", f"a path by {kind} is stable", "remove it")
    has_volume = host.hardware == "hcloud-x86" and getattr(host, "volume", None) is not None
    if has_volume and disk.unstable_path and not stable:
        law = "after a restart this may be the volume (the kernel names both as they answer), and GRUB is written to it"
        yield _fault(f"{path}.device", disk.device, law, f"use {_HCLOUD_DISK} without unstablePath")
    yield from _whole(path, disk, "the system")
    if not host.created:
        yield from _serial(path, disk)


def _data_disk(name: str, disk: Disk, host: Host) -> Iterator[Fault]:
    path, data = f"hosts.{name}.dataDisk", host.data_disk
    if data is None:
        return
    if not data.device.startswith(_BY_ID):
        law = "with two disks this name may mean the other one after the next boot"
        yield _fault(f"{path}.device", data.device, law, "use /dev/disk/by-id/...")
    if disk.unstable_path:
        law = "the machine has two disks, and this path may mean either"
        yield _fault(f"hosts.{name}.disk.unstablePath", "true", law, "use /dev/disk/by-id/... for both")
    yield from _whole(path, data, f"layout {data.layout}")
    yield from _serial(path, data)
    if disk.layout not in DATA_NEEDS[data.layout]:
        layouts = " or ".join(DATA_NEEDS[data.layout])
        law = f"layout {data.layout} is a pool of ZFS, and a system of layout {disk.layout} has none"
        yield _fault(f"{path}.layout", data.layout, law, f"use layout {layouts} for the system disk, or remove it")
    least = DATA_ROOM_GIB[data.layout]
    if data.size_gib < least:
        law = f"layout {data.layout} needs {least} GiB"
        yield _fault(f"{path}.sizeGib", data.size_gib, law, "use a bigger disk, or remove it")


@law("hosts")
def disks_are_known_for_certain(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """A disk is whole, on a stable path, with its serial number where no cloud makes it."""
    for name in sorted(fleet.hosts):
        host = fleet.hosts[name]
        yield from _system_disk(name, host)
        yield from _data_disk(name, host.disk, host)


@law("hosts")
def a_disk_is_one_hosts(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """No two entries name one disk, be it of two hosts or of one."""
    serials: dict[str, str] = {}
    devices: dict[str, str] = {}
    for name in sorted(fleet.hosts):
        for key, drive in fleet.hosts[name].drives.items():
            path = f"hosts.{name}.{key}"
            for field, value, seen in (("serial", drive.serial, serials), ("device", drive.device, devices)):
                # Every cloud server's disk has the same path; only one by id is one disk's.
                if value is None or (field == "device" and "/by-id/" not in value):
                    continue
                if seen.setdefault(value, path) != path:
                    yield _fault(f"{path}.{field}", value, f"{seen[value]} is this disk", "correct one of the two")

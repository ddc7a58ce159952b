"""What the disk layouts of nix/disko make: names of partitions and their labels. Sizes and mounts are Nix's matter."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fleet.hosts import DataDisk, DataLayout, Disk, Layout

LABEL_LIMIT = 36
"""Characters of a GPT partition's name (UEFI specification 2.10, table 5.6: 72 bytes of UTF-16)."""

OWN_PREFIX = "nf."
SHARED_PREFIX = "nixfleet-"
"""Begins the labels that all hosts of all stacks shared in earlier releases."""

OUR_PREFIXES = (OWN_PREFIX, SHARED_PREFIX, "disk-main-")
"""How labels of ours begin: of any host, of an earlier release, and disko's own of a disk `main`."""

LONGHORN = "longhorn"
"""The partition of Longhorn's directory."""

PARTITIONS: dict[Layout, frozenset[str]] = {
    "hetzner-cloud": frozenset({"bios", "esp", "root"}),
    "n100-standard": frozenset({"esp", "boot", "swap", "root", "var", "tmp", "containerd", LONGHORN}),
    "n100-zfs": frozenset({"esp", "boot", "swap", LONGHORN, "zfs"}),
    "ovh-cloud": frozenset({"bios", "esp", "boot", "root"}),
    "vm-test": frozenset({"esp", "swap", "root"}),
    "zfs-server": frozenset({"esp", "zfs"}),
}
"""Partitions that a layout always has."""

WITH_LONGHORN: frozenset[Layout] = frozenset({"hetzner-cloud", "ovh-cloud", "zfs-server"})
"""Layouts that have a partition for Longhorn only where it keeps replicas on the system disk."""

DATA_PARTITIONS: dict[DataLayout, frozenset[str]] = {"tank": frozenset({"tank"})}
"""Partitions of the layouts of further disks."""

_LONGEST = max(len(part) for parts in (*PARTITIONS.values(), *DATA_PARTITIONS.values()) for part in parts)
_ROOM = LABEL_LIMIT - len(OWN_PREFIX) - len(".") - _LONGEST
_DIGEST = 8


def label_prefix(stack: str, host: str, disk: Disk) -> str:
    """How the labels of a host's partitions begin: by stack and host, so that no link leads to another host's disk.

    A pair of names that is too long is cut, behind a digest of the whole; `_` is in no name, so that no cut form
    is another host's whole one.
    """
    if disk.labels == "shared":
        return SHARED_PREFIX
    owner = f"{stack}.{host}"
    if len(owner) > _ROOM:
        digest = hashlib.sha256(owner.encode()).hexdigest()[:_DIGEST]
        owner = f"{digest}_{owner[_DIGEST + 1 - _ROOM :].lstrip('.-')}"
    return f"{OWN_PREFIX}{owner}."


def partitions(disk: Disk, data: DataDisk | None, *, longhorn_inside: bool) -> frozenset[str]:
    """Names of all partitions that a host's system looks for."""
    found = PARTITIONS[disk.layout]
    if longhorn_inside and disk.layout in WITH_LONGHORN:
        found |= {LONGHORN}
    return found | (DATA_PARTITIONS[data.layout] if data else frozenset())

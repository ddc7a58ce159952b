"""Partitions that the disk layouts of nix/disko make, as far as a guard can see them. Sizes are not simulated."""

from __future__ import annotations

from typing import Any

LAYOUTS: dict[str, tuple[tuple[str, str, str], ...]] = {
    # keep-sorted start block=yes
    "hetzner-cloud": (("bios", "", ""), ("esp", "vfat", "/boot"), ("root", "btrfs", "/")),
    "n100-standard": (
        ("esp", "vfat", "/efi"),
        ("boot", "vfat", "/boot"),
        ("swap", "swap", ""),
        ("root", "ext4", "/"),
        ("var", "ext4", "/var"),
        ("tmp", "ext4", "/tmp"),  # noqa: S108 - a mount point of the simulated machine
        ("containerd", "ext4", "/var/lib/rancher"),
        ("longhorn", "ext4", "/var/lib/longhorn"),
    ),
    "n100-zfs": (
        ("esp", "vfat", "/efi"),
        ("boot", "vfat", "/boot"),
        ("swap", "swap", ""),
        ("longhorn", "ext4", "/var/lib/longhorn"),
        ("zfs", "zfs_member", "/"),
    ),
    "ovh-cloud": (("bios", "", ""), ("esp", "vfat", "/boot/efi"), ("boot", "ext4", "/boot"), ("root", "btrfs", "/")),
    "vm-test": (("esp", "vfat", "/boot"), ("swap", "swap", ""), ("root", "ext4", "/")),
    "zfs-server": (("esp", "vfat", "/boot"), ("zfs", "zfs_member", "/")),
    # keep-sorted end
}
"""Name, file system and mount point of each partition, in disko's order. A pool's mount point is that of its root."""

DATA_LAYOUTS = {"tank": (("tank", "zfs_member", "/srv"),)}
"""The same of a further disk."""

LONGHORN = ("longhorn", "ext4", "/var/lib/longhorn")
WITH_LONGHORN = ("hetzner-cloud", "ovh-cloud", "zfs-server")
"""Layouts that have its partition only where the host keeps replicas on its system disk."""


def partitions(entry: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """A host's partitions as `LABEL:TYPE:MOUNT`, by disk; raises LookupError for an unknown layout."""
    system, data, prefix = entry["disk"], entry.get("dataDisk"), entry["labelPrefix"]
    name = system["layout"]
    if name not in LAYOUTS:
        raise LookupError(f"error: attribute '{name}' missing in diskoConfigurations ({', '.join(sorted(LAYOUTS))})")
    own = LAYOUTS[name]
    if name in WITH_LONGHORN and entry.get("storage") and not entry.get("volumeSizeGib"):
        own = (*own, LONGHORN)
    found = {system["device"]: own}
    if data:
        found[data["device"]] = DATA_LAYOUTS[data["layout"]]
    return {
        device: tuple(f"{prefix}{part}:{kind}:{mount}" for part, kind, mount in parts)
        for device, parts in found.items()
    }


def labels(entry: dict[str, Any]) -> frozenset[str]:
    """Labels by which a host's system looks for its partitions."""
    return frozenset(part.partition(":")[0] for parts in partitions(entry).values() for part in parts)

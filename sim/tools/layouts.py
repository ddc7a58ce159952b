"""Partitions that the disk layouts of nix/disko make, as far as a guard can see them. Sizes are not simulated."""

from __future__ import annotations

from typing import Any

LABEL = "nixfleet-"
"""What every partition label of the fleet begins with."""

LAYOUTS: dict[str, tuple[tuple[str, str, str], ...]] = {
    # keep-sorted start block=yes
    "hetzner-cloud": (("bios", "", ""), ("esp", "vfat", "/boot"), ("root", "btrfs", "/")),
    "luks-btrfs": (("esp", "vfat", "/boot"), ("crypt", "crypto_LUKS", "")),
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
"""Name, file system and mount point of each partition, in disko's order."""


def partitions(entry: dict[str, Any]) -> tuple[str, ...]:
    """A host's partitions as `LABEL:TYPE:MOUNT`; raises LookupError for an unknown layout."""
    name = entry["disk"]["layout"]
    if name not in LAYOUTS:
        raise LookupError(f"error: attribute '{name}' missing in diskoConfigurations ({', '.join(sorted(LAYOUTS))})")
    own = LAYOUTS[name]
    if name.endswith("-cloud") and entry.get("storage") and not entry.get("volumeSizeGib"):
        own = (*own, ("longhorn", "ext4", "/var/lib/longhorn"))
    return tuple(f"{LABEL}{part}:{kind}:{mount}" for part, kind, mount in own)

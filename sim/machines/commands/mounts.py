"""Mounting partitions, so that an installer can look into an installed disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sim.machines import closure, systems
from sim.machines import machine as machines
from sim.machines.commands.block import find
from sim.machines.commands.call import Reply

if TYPE_CHECKING:
    from sim.machines.commands.block import Device
    from sim.machines.commands.call import Call

MOUNTABLE = ("btrfs", "ext4", "vfat", "xfs")


async def mount(call: Call) -> Reply:
    """Mount a partition of an installed disk: [-o OPTIONS] PARTITION FOLDER; a remount changes nothing."""
    words = [word for word in call.argv if not word.startswith("-")]
    if call.argv[:1] == ("-o",):
        if "remount" in words[0]:
            return Reply()
        words = words[1:]
    device, folder = find(call.host, words[0]), _point(call, words[1])
    where = _folder(call, device)
    if not folder.is_dir() or where is None:
        return Reply(32, err=f"mount: {words[1]}: wrong fs type, bad option, bad superblock on {words[0]}.\n")
    if device.columns["MOUNTPOINT"]:
        # Read-only beside a mount that may write: the kernel has one state per file system.
        return Reply(32, err=f"mount: {words[1]}: {words[0]} already mounted or mount point busy.\n")
    folder.rmdir()
    closure.point(folder, where)
    with machines.edit(call.host.site.world, call.host.id) as machine:
        machine.mounts[device.device] = closure.outside(call.host.root, folder)
    return Reply()


def _point(call: Call, word: str) -> Path:
    """The mount point that a word means, seen from where the command runs."""
    return closure.inside(call.host.root, word) if word.startswith("/") else Path(call.cwd) / word


def _folder(call: Call, device: Device) -> Path | None:
    """Where the files of a partition are; None for one without a file system that can be mounted."""
    number = int(device.device.removeprefix(device.disk.device).lstrip("p") or 0)
    if device.columns["FSTYPE"] not in MOUNTABLE:
        return None
    mounts = device.disk.partition_mounts
    # What nobody said the use of has files of its own, and none of them is simulated.
    name = mounts[number - 1].lstrip("/") if number <= len(mounts) else f".partition-{number}"
    files = systems.disk_files(call.host.site.world, call.host.load(), device.disk.serial) / name
    files.mkdir(parents=True, exist_ok=True)
    return files


async def umount(call: Call) -> Reply:
    """Unmount what `mount` mounted."""
    folder = _point(call, call.argv[-1])
    if not folder.is_symlink():
        return Reply(32, err=f"umount: {call.argv[-1]}: not mounted.\n")
    folder.unlink()
    folder.mkdir()
    point = closure.outside(call.host.root, folder)
    with machines.edit(call.host.site.world, call.host.id) as machine:
        machine.mounts = {device: where for device, where in machine.mounts.items() if where != point}
    return Reply()

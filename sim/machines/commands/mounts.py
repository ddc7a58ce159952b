"""Commands about mounts: the root of the running system, and partitions that an installer looks into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.machines import closure, systems
from sim.machines.commands.block import Device, find
from sim.machines.commands.call import Call, Reply

if TYPE_CHECKING:
    from pathlib import Path


async def findmnt(call: Call) -> Reply:
    """Say what is mounted at /: the disk of the running system, or memory."""
    machine = call.host.load()
    target = next((word for word in call.argv if word.startswith("/")), "/")
    if closure.outside(call.host.root, target).rstrip("/") not in ("", call.host.root.as_posix()):
        return Reply(1)
    disk = next((disk for disk in machine.disks if disk.serial == machine.system_disk), None)
    source = systems.partition_device(disk.device, len(disk.partition_labels) or 1) if disk else "tmpfs"
    return Reply(
        out=f"{source}\n" if "SOURCE" in " ".join(call.argv) else f"/ {source} {'ext4' if disk else 'tmpfs'} rw\n"
    )


async def mount(call: Call) -> Reply:
    """Mount a partition of an installed disk: [-o OPTIONS] PARTITION FOLDER; a remount changes nothing."""
    words = [word for word in call.argv if not word.startswith("-")]
    if call.argv[:1] == ("-o",):
        if "remount" in words[0]:
            return Reply()
        words = words[1:]
    device, folder = find(call.host, words[0]), closure.inside(call.host.root, words[1])
    where = _installed_folder(call, device)
    if not folder.is_dir() or where is None:
        return Reply(32, err=f"mount: {words[1]}: wrong fs type, bad option, bad superblock on {words[0]}.\n")
    folder.rmdir()
    closure.point(folder, where)
    return Reply()


def _installed_folder(call: Call, device: Device) -> Path | None:
    """Where the files of a partition are; None for one whose use is unknown."""
    number = int(device.device.removeprefix(device.disk.device).lstrip("p") or 0)
    mounts = device.disk.partition_mounts
    if not 0 < number <= len(mounts) or not mounts[number - 1]:
        return None
    files = systems.disk_files(call.host.site.world, call.host.load(), device.disk.serial) / mounts[number - 1].lstrip(
        "/"
    )
    files.mkdir(parents=True, exist_ok=True)
    return files


async def umount(call: Call) -> Reply:
    """Unmount what `mount` mounted."""
    folder = closure.inside(call.host.root, call.argv[-1])
    if not folder.is_symlink():
        return Reply(32, err=f"umount: {call.argv[-1]}: not mounted.\n")
    folder.unlink()
    folder.mkdir()
    return Reply()

"""What an installation does on a machine: the tools of sim/tools call these where the real ones upload programs."""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

from sim.machines import closure, door, loader, systems
from sim.machines import machine as machines
from sim.machines.commands import block
from sim.machines.commands.call import Call, Reply

if TYPE_CHECKING:
    from sim.machines.machine import Disk, Machine


async def kexec(call: Call) -> Reply:
    """Start the installer over the running system: it keeps the host key and the accounts' authorized keys."""
    host = call.host
    memory = host.load().spec.memory_gib
    if memory < systems.INSTALLER_MEMORY_GIB:
        return Reply(
            1, err=f"kexec: {memory:g} GiB of memory, {systems.INSTALLER_MEMORY_GIB:g} GiB are needed: out of memory\n"
        )
    keys = {
        line: None for user in ("root", "deploy", host.login_user) for line in door.authorized_lines(host.root, user)
    }
    with machines.edit(host.site.world, host.id) as machine:
        machine.kexec_keys = {
            "host_key": (host.root / systems.HOST_KEY).read_text(),
            "authorized_keys": "".join(f"{line}\n" for line in keys),
        }
    host.site.world.record(host.name, "kexec")
    return Reply(out="machine will boot into nixos in 6s...\n", reboots=True)


async def disko(call: Call) -> Reply:
    """Format the disks that the layout names, all of them: new partitions, new content. DEVICE LABEL:TYPE:MOUNT..."""
    host = call.host
    wanted: dict[str, list[str]] = {}
    for word in call.argv:
        if word.startswith("/dev/"):
            wanted[word] = []
        else:
            list(wanted.values())[-1].append(word)
    for device in wanted:
        try:
            block.find(host, device)
        except LookupError:
            return Reply(1, err=f"disko: Device {device} does not exist\n")
    # The system's disk is the first; it ends up mounted.
    for device, partitions in reversed(wanted.items()):
        _format(call, block.find(host, device).disk, partitions)
    return Reply()


def _format(call: Call, disk: Disk, partitions: list[str]) -> None:
    host = call.host
    with machines.edit(host.site.world, host.id) as machine:
        labels, types, mounts = zip(*(part.split(":") for part in partitions), strict=True)
        formatted = replace(
            disk,
            file_system="",
            partition_labels=labels,
            partition_types=types,
            partition_mounts=mounts,
            content=f"disko-{uuid4()}",
        )
        machine.replace_disk(formatted)
        machine.full = False
        systems.mount_all(machine, formatted, "/mnt")
        files = systems.disk_files(host.site.world, machine, disk.serial)
    host.full = False
    shutil.rmtree(files, ignore_errors=True)
    files.mkdir(parents=True)
    for mount in filter(None, mounts):
        (files / mount.lstrip("/")).mkdir(parents=True, exist_ok=True)
    host.site.world.record(host.name, "format", f"{disk.serial} {formatted.content}")
    _mount(call, machine, disk.serial)


def _mount(call: Call, machine: Machine, serial: str) -> None:
    systems.lay_devices(call.host.root, machine)
    target = call.host.root / "mnt"
    if target.is_dir() and not target.is_symlink():
        target.rmdir()
    closure.point(target, systems.disk_files(call.host.site.world, machine, serial))


async def receive(call: Call) -> Reply:
    """Take a closure into a store: ROOT PATH DOCUMENT, the last one as base64 of JSON."""
    where, path, document = call.argv
    root = closure.inside(call.host.root, where).resolve()
    closure.receive(root, path, json.loads(base64.b64decode(document)), call.host.site.shims / "nixos")
    call.host.site.world.record(call.host.name, "closure received", path)
    return Reply()


async def nixos_install(call: Call) -> Reply:
    """Make the system PATH, mounted at /mnt, bootable: first generation, boot entry."""
    mounted, path = call.host.root / "mnt", call.argv[0]
    if not mounted.is_symlink():
        return Reply(1, err="mount point /mnt doesn't exist\n")
    root = mounted.resolve()
    closure.add_generation(root, path)
    loader.install_menu(root, path)
    call.host.site.world.record(call.host.name, "install", path)
    return Reply(out="installation finished!\n")

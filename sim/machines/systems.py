"""Booting: which system starts, and the files it finds or makes. Nothing runs here; that is the daemon's."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import yaml

from sim import layouts
from sim.machines import closure, hostkeys, loader, persistence
from sim.machines.machine import folder
from sim.machines.userdata import parse_user_data

if TYPE_CHECKING:
    from pathlib import Path

    from sim.machines.machine import Disk, Machine
    from sim.world import World

HOST_KEY = "etc/ssh/ssh_host_ed25519_key"
INSTALLER_MEMORY_GIB = 1.5
"""Below this the kexec installer finds no room (nixos-anywhere's documentation)."""


def ram(world: World, machine: Machine) -> Path:
    """Files of a system that lives in memory."""
    return folder(world, machine.spec.id) / "ram"


def disk_files(world: World, machine: Machine, serial: str) -> Path:
    """Files of the system on a disk."""
    return folder(world, machine.spec.id) / "disks" / hashlib.sha256(serial.encode()).hexdigest()[:12]


def running_root(world: World, machine: Machine) -> Path:
    """Root folder of the running system."""
    if machine.system_disk is None:
        return ram(world, machine)
    return disk_files(world, machine, machine.system_disk)


def boot(world: World, machine: Machine, shims: Path) -> None:
    """Decide what boots and lay its files; changes `machine`, which its caller saves."""
    machine.boots_done = machine.boots_wanted
    machine.units.clear()
    machine.mounts.clear()
    shutil.rmtree(ram(world, machine), ignore_errors=True)
    carried, machine.kexec_keys = machine.kexec_keys, None
    installed = next(
        (disk for disk in machine.disks if loader.default_boot(disk_files(world, machine, disk.serial))), None
    )
    lost = installed is not None and not _finds_partitions(world, machine, installed)
    machine.system, machine.system_disk = "none", None
    if carried is not None:
        _boot_installer(world, machine, carried)
    elif lost:
        # Its initrd waits for partitions that are not there: an emergency shell, and no network.
        pass
    elif installed:
        machine.system, machine.system_disk = "nixos", installed.serial
        _boot_nixos(world, machine)
    elif machine.spec.medium == "cloud-image" and machine.disks and _has_image(machine.disks[0]):
        _boot_cloud_image(world, machine, machine.disks[0])
    elif machine.spec.medium == "installer":
        _boot_installer(
            world,
            machine,
            {
                "host_key": machine.spec.host_key or hostkeys.new_key(),
                "authorized_keys": "".join(f"{key}\n" for key in machine.spec.authorized_keys),
            },
        )
    if machine.system != "none":
        machine.boot_id = str(uuid.uuid4())
        _lay_kernel_files(world, machine, shims)


def _finds_partitions(world: World, machine: Machine, disk: Disk) -> bool:
    """Whether the partitions are there that the system on this disk mounts, by the labels that it was built with."""
    root = disk_files(world, machine, disk.serial)
    path = loader.default_boot(root)
    assert path is not None, root  # noqa: S101 - for the type checker: the disk was chosen because it has one
    there = {label for one in machine.disks for label in one.partition_labels}
    return layouts.labels(closure.Closure.read(root, path).entry) <= there


def mount_all(machine: Machine, disk: Disk, where: str) -> None:
    """Note that a disk's partitions are mounted below a folder, as far as they have file systems of their own."""
    for number, (kind, mount) in enumerate(zip(disk.partition_types, disk.partition_mounts, strict=True), start=1):
        if mount and kind != "zfs_member":
            machine.mounts[partition_device(disk.device, number)] = f"{where}{mount}".rstrip("/") or "/"


def _has_image(disk: Disk) -> bool:
    return disk.content == "blank" or disk.content.startswith("cloud-image")


def _boot_installer(world: World, machine: Machine, carried: dict[str, str]) -> None:
    machine.system = "installer"
    root = ram(world, machine)
    write(root / "etc/os-release", 'ID=nixos\nNAME=NixOS\nVARIANT_ID=installer\nPRETTY_NAME="NixOS installer"\n')
    write(root / "etc/hostname", "nixos-installer\n")
    write(root / "root/.ssh/authorized_keys", carried["authorized_keys"], 0o600)
    write(root / HOST_KEY, carried["host_key"], 0o600)
    (root / "nix/.rw-store").mkdir(parents=True)


def _boot_cloud_image(world: World, machine: Machine, disk: Disk) -> None:
    if not disk.content.startswith("cloud-image"):
        disk = replace(
            disk, content=f"cloud-image-{uuid.uuid4()}", partition_labels=("", ""), partition_types=("ext4", "vfat")
        )
        machine.replace_disk(disk)
    machine.system, machine.system_disk = "cloud-image", disk.serial
    shutil.rmtree(running_root(world, machine) / "run", ignore_errors=True)
    if machine.cloud_init_done == disk.content:
        return
    machine.cloud_init_done = disk.content
    data, root = parse_user_data(machine.spec.user_data), disk_files(world, machine, disk.serial)
    user = machine.spec.login_user
    home = "root" if user == "root" else f"home/{user}"
    keys = (*machine.spec.authorized_keys, *data.authorized_keys)
    release = "ubuntu" if user == "ubuntu" else "debian"
    write(root / "etc/os-release", f'ID={release}\nNAME="{release.title()}"\nPRETTY_NAME="{release.title()}"\n')
    write(root / "etc/hostname", f"{machine.spec.name}\n")
    write(root / home / ".ssh/authorized_keys", "".join(f"{key}\n" for key in keys), 0o600)
    # An image's own key would be the same on every server; cloud-init deletes it unless told otherwise.
    key = data.host_key or (hostkeys.new_key() if data.delete_keys else _image_key(world))
    write(root / HOST_KEY, key, 0o600)


def _image_key(world: World) -> str:
    with world.edit("image-key") as document:
        key: str = document.setdefault("key", hostkeys.new_key())
    return key


def _boot_nixos(world: World, machine: Machine) -> None:
    root = running_root(world, machine)
    path = loader.next_boot(root)
    assert path is not None, root  # noqa: S101 - for the type checker: boot() chose this disk because it has one
    shutil.rmtree(root / "run", ignore_errors=True)
    assert machine.system_disk is not None  # noqa: S101 - for the type checker: boot() has set it
    mount_all(machine, machine.disk(machine.system_disk), "")
    if closure.Closure.read(root, path).entry["disk"]["layout"] == "zfs-server":
        persistence.go_back(root)
    for name in ("current-system", "booted-system"):
        closure.point(root / "run" / name, closure.inside(root, path))
    lay_nixos_files(root, closure.Closure.read(root, path))


def lay_nixos_files(root: Path, system: closure.Closure) -> None:
    """What an activation makes in /etc; a host key that is there stays."""
    write(root / "etc/os-release", 'ID=nixos\nNAME=NixOS\nPRETTY_NAME="NixOS"\n')
    write(root / "etc/hostname", f"{system.host}\n")
    (root / "etc/NIXOS").touch()
    deploy, users = system.cluster.get("deployKey"), system.cluster.get("users", {})
    (root / "etc/ssh/authorized_keys.d/root").unlink(missing_ok=True)
    write(root / "etc/ssh/authorized_keys.d/deploy", f"{deploy}\n" if deploy else "")
    for name, user in users.items():
        write(root / f"etc/ssh/authorized_keys.d/{name}", "".join(f"{key}\n" for key in user["keys"]))
    write(root / "etc/rancher/k3s/config.yaml", yaml.safe_dump(k3s_config(system)), 0o600)
    if not (root / HOST_KEY).exists():
        write(root / HOST_KEY, hostkeys.new_key(), 0o600)


def k3s_config(system: closure.Closure) -> dict[str, Any]:
    """k3s' configuration as nix/modules/k3s writes it, as far as it is looked at here."""
    seed, bucket = system.host == system.cluster["seed"], system.cluster.get("snapshotBucket")
    join = {"cluster-init": True} if seed else {"server": f"https://{system.cluster['join']}:6443"}
    role = system.entry["role"]
    snapshots = {"etcd-s3": True, "etcd-s3-config-secret": bucket["secret"]} if bucket and role == "server" else {}
    return {"node-name": system.host, "token-file": f"/etc/nixfleet/secrets/{role}-token", **join, **snapshots}


def _lay_kernel_files(world: World, machine: Machine, shims: Path) -> None:
    root = running_root(world, machine)
    write(root / "proc/sys/kernel/random/boot_id", f"{machine.boot_id}\n")
    write(root / "proc/sys/kernel/hostname", (root / "etc/hostname").read_text())
    write(root / "proc/sys/vm/drop_caches", "0\n")
    # It counts from this computer's boot: what matters is that it never goes back.
    (root / "proc/uptime").unlink(missing_ok=True)
    (root / "proc/uptime").symlink_to("/proc/uptime")
    memory = int(machine.spec.memory_gib * 1024 * 1024)
    write(root / "proc/meminfo", f"MemTotal: {memory} kB\nMemAvailable: {memory * 4 // 5} kB\n")
    for name in ("root", "tmp", "run/systemd/system", "mnt", "var/lib", "etc"):
        (root / name).mkdir(parents=True, exist_ok=True)
    if machine.system == "installer":
        closure.point(root / "run/current-system/sw/bin", shims / machine.system)
    lay_devices(root, machine)
    closure.point(folder(world, machine.spec.id) / "root", root)


def lay_troubles(root: Path, machine: Machine) -> None:
    """Let `date` know how wrong the machine's clock is, and `sync` that its disk is full."""
    for name, trouble in (("clock", machine.clock_seconds), ("full", int(machine.full))):
        path = root / "proc" / name
        if trouble:
            write(path, f"{trouble}\n")
        else:
            path.unlink(missing_ok=True)


def lay_devices(root: Path, machine: Machine) -> None:
    """Device nodes and the links that udev makes, for the disks that are there now."""
    shutil.rmtree(root / "dev", ignore_errors=True)
    for disk in machine.disks:
        write(root / disk.device.lstrip("/"), "")
        if disk.by_id:
            closure.point(root / "dev/disk/by-id" / disk.by_id, root / disk.device.lstrip("/"))
        if disk.by_path:
            closure.point(root / "dev/disk/by-path" / disk.by_path, root / disk.device.lstrip("/"))
        for number, label in enumerate(disk.partition_labels, start=1):
            node = partition_device(disk.device, number)
            write(root / node.lstrip("/"), "")
            if disk.by_id:
                closure.point(root / "dev/disk/by-id" / f"{disk.by_id}-part{number}", root / node.lstrip("/"))
            if label:
                closure.point(root / "dev/disk/by-partlabel" / label, root / node.lstrip("/"))


def partition_device(device: str, number: int) -> str:
    """The kernel's name of a partition."""
    return f"{device}{'p' if device[-1].isdigit() else ''}{number}"


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file of a machine, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(mode)

"""QEMU's command line for a machine, and what this computer can run it with."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

QEMU = "qemu-system-x86_64"
FIRMWARE = Path("/usr/share/OVMF")
PROBE_SECONDS = 30
"""A kernel without a root file system has panicked long before, where guests run at all."""


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A disk of a machine."""

    serial: str
    gib: int = 20
    bus: str = "scsi"
    """`scsi` (/dev/sdX, as in clouds) or `nvme`."""


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """What a machine is made of, apart from the medium that each has."""

    disks: tuple[Disk, ...]
    memory_mib: int = 1024
    cpus: int = 1


def missing() -> str:
    """What this computer lacks for a machine, with the Debian package; empty if nothing."""
    wanted = {
        QEMU: "qemu-system-x86",
        "qemu-img": "qemu-utils",
        "mmdebstrap": "mmdebstrap",
        "apt-get": "apt",
        "mformat": "mtools",
        "sfdisk": "fdisk",
        "mke2fs": "e2fsprogs",
        "nix": "nix-bin",
    }
    # Not every user's own path has the programs of administrators.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    absent = [package for program, package in wanted.items() if shutil.which(program, path=path) is None]
    if not (FIRMWARE / "OVMF_CODE_4M.fd").exists():
        absent.append("ovmf")
    return ", ".join(absent)


def accelerator(kernel: Path) -> str:
    """`kvm` where a kernel really starts under it, else `tcg`: the device alone says nothing."""
    if not Path("/dev/kvm").exists():
        return "tcg"
    argv = [
        *(QEMU, "-accel", "kvm", "-cpu", "host", "-m", "256", "-display", "none", "-nodefaults", "-no-reboot"),
        *("-serial", "stdio", "-kernel", str(kernel), "-append", "console=ttyS0 panic=-1"),
    ]
    try:
        ended = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=PROBE_SECONDS, text=True
        )
    except subprocess.TimeoutExpired:
        return "tcg"
    return "kvm" if ended.returncode == 0 and "Kernel panic" in ended.stdout else "tcg"


def command(  # noqa: PLR0913 - what a machine consists of
    hardware: Hardware, folder: Path, medium: Path, *, accel: str, port: int, resumes: bool
) -> list[str]:
    """The command line; disks and the firmware's variables lie in `folder`."""
    cpu = "host" if accel == "kvm" else "Nehalem"
    argv = [
        # It ends with the tests, however they end.
        *("setpriv", "--pdeathsig", "KILL", QEMU, "-nodefaults", "-display", "none", "-no-user-config"),
        *("-machine", "pc", "-accel", accel if accel == "kvm" else "tcg,thread=multi,tb-size=256"),
        *("-cpu", f"{cpu},+rdrand" if accel == "tcg" else cpu),
        *("-smp", str(hardware.cpus), "-m", str(hardware.memory_mib)),
        *("-rtc", "base=utc,clock=host"),
        *("-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={FIRMWARE}/OVMF_CODE_4M.fd"),
        *("-drive", f"if=pflash,format=qcow2,unit=1,file={folder}/variables.qcow2"),
        *("-chardev", f"file,id=console,path={folder}/console.log,append=on", "-serial", "chardev:console"),
        *("-chardev", f"socket,id=qmp,path={folder}/qmp", "-mon", "chardev=qmp,mode=control"),
        *("-chardev", f"socket,id=driver,path={folder}/driver"),
        *("-device", "virtio-serial-pci", "-device", "virtserialport,chardev=driver,name=driver"),
        *("-device", "virtio-rng-pci"),
        *("-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22"),
        *("-device", "virtio-net-pci,netdev=net,id=nic,romfile="),
        *("-drive", f"if=none,id=medium,format=raw,readonly=on,file={medium}"),
        *("-device", "virtio-blk-pci,drive=medium,serial=MEDIUM,bootindex=9"),
        *("-device", "virtio-scsi-pci,id=scsi"),
    ]
    for number, disk in enumerate(hardware.disks):
        argv += ["-blockdev", blockdev(disk, folder), "-device", f"{device(disk)},bootindex={number + 1}"]
    return [*argv, *(("-incoming", "defer") if resumes else ())]


def image(disk: Disk, folder: Path) -> Path:
    """Where a disk's content lies."""
    return folder / f"disk-{disk.serial}.qcow2"


def blockdev(disk: Disk, folder: Path) -> str:
    """The content of a disk. The host's cache survives a power cut of the guest, as a disk's platters do."""
    return (
        f"driver=qcow2,node-name=node-{disk.serial},discard=unmap,"
        f"file.driver=file,file.filename={image(disk, folder)},cache.no-flush=on"
    )


def device(disk: Disk) -> str:
    """The device that shows a disk to the guest."""
    kind = "nvme" if disk.bus == "nvme" else "scsi-hd,bus=scsi.0"
    return f"{kind},drive=node-{disk.serial},id=disk-{disk.serial},serial={disk.serial}"

"""Disks and boots under the tools' doubles: what is formatted, what boots, and what a second run finds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.machines import hostkeys
from sim.machines import machine as machines
from sim.machines.machine import Disk
from sim.world import Fault
from tests.sim.machines.lab import Lab, entry


def test_a_formatted_disk_has_a_new_content_and_the_layouts_labels(lab: Lab) -> None:
    lab.add("s1")
    before = lab.disk("s1")
    lab.install("s1")
    after = lab.disk("s1")
    assert after.content not in ("blank", before.content)
    assert after.partition_labels == tuple(f"nf.test.10.0.0.1.{part}" for part in ("esp", "swap", "root"))
    assert lab.formats("s1") == 1
    lab.ok("s1", "test -e $NIXFLEET_ROOT/dev/disk/by-partlabel/nf.test.10.0.0.1.root")
    assert lab.ok("s1", "lsblk -nro PARTLABEL,FSTYPE /dev/sda1") == "nf.test.10.0.0.1.esp vfat"


def test_kexec_and_install_do_not_format(lab: Lab) -> None:
    lab.add("s1")
    lab.anywhere("s1", "kexec")
    assert lab.formats("s1") == 0
    lab.anywhere("s1", "disko")
    lab.anywhere("s1", "install")
    assert lab.formats("s1") == 1


def test_only_the_named_disk_is_formatted(lab: Lab) -> None:
    data = Disk(
        serial="data",
        size_gib=500,
        device="/dev/nvme0n1",
        by_id="nvme-data",
        partition_labels=("mine",),
        content="precious",
    )
    slot = "pci-0000:06:00.0-scsi-0:0:0:0"
    lab.contract["hosts"]["s1"] = entry("10.0.0.1", device=f"/dev/disk/by-path/{slot}")
    root = Disk(serial="root", size_gib=80, device="/dev/sda", by_path=slot)
    lab.add("s1", disks=(root, data))
    lab.install("s1")
    machine = lab.rack.get("id-s1")
    assert machine.disk("data") == data
    assert machine.disk("root").content.startswith("disko-")


def test_a_layout_for_an_absent_disk_fails_and_formats_nothing(lab: Lab) -> None:
    lab.contract["hosts"]["s1"] = entry("10.0.0.1", device="/dev/disk/by-id/other")
    lab.add("s1")
    lab.anywhere("s1", "kexec")
    ended = lab.anywhere("s1", "disko")
    assert ended.returncode == 1
    assert "disko: Device /dev/disk/by-id/other does not exist" in ended.stderr
    assert lab.formats("s1") == 0


def test_disko_on_a_system_that_is_no_installer_is_refused(lab: Lab) -> None:
    lab.add("s1")
    ended = lab.anywhere("s1", "disko")
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == "ERROR: the target is no installer: run phase kexec first"


def test_a_formatted_disk_without_a_system_boots_nothing(lab: Lab) -> None:
    spec = lab.add("s1")
    lab.anywhere("s1", "kexec,disko")
    lab.rack.reboot(spec.id)
    assert lab.rack.get(spec.id).system == "none"
    assert "Connection refused" in lab.ssh("s1", "true").stderr


def test_a_board_boots_its_installer_again_until_it_is_installed(lab: Lab) -> None:
    spec = lab.add("a1", medium="installer", host_key=lab.boot_key)
    lab.anywhere("a1", "disko")
    lab.rack.reboot(spec.id)
    assert lab.rack.get(spec.id).system == "installer"
    lab.anywhere("a1", "disko,install,reboot")
    lab.rack.settle()
    assert lab.rack.get(spec.id).system == "nixos"


def test_too_little_memory_stops_kexec(lab: Lab) -> None:
    lab.add("s1", memory_gib=1)
    ended = lab.anywhere("s1", "kexec")
    assert ended.returncode == 1
    assert "kexec: 1 GiB of memory, 1.5 GiB are needed: out of memory" in ended.stderr
    assert lab.rack.get("id-s1").system == "cloud-image"


def test_a_fault_stops_the_phase_and_a_second_run_succeeds(lab: Lab) -> None:
    lab.add("s1")
    lab.world.inject(Fault(machine="s1", step="nixos-anywhere install", kind="fail"))
    ended = lab.anywhere("s1", "kexec,disko,install,reboot")
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == "nixos-anywhere install: simulated fault"
    assert lab.rack.get("id-s1").system == "installer"
    assert lab.anywhere("s1", "install,reboot").returncode == 0
    assert lab.formats("s1") == 1


def test_a_moved_disk_takes_its_content_along(lab: Lab) -> None:
    lab.add("s1")
    lab.add("s2")
    volume = Disk(serial="vol", size_gib=10, device="/dev/sdb", partition_labels=("x",), content="data-1")
    lab.rack.attach_disk("id-s1", volume)
    assert lab.ok("s1", "lsblk -dnro SERIAL,SIZE") == "disk-s1 80G\nvol 10G"
    lab.rack.attach_disk("id-s2", lab.rack.detach_disk("id-s1", "vol"))
    assert lab.ok("s1", "lsblk -dnro SERIAL") == "disk-s1"
    assert lab.rack.get("id-s2").disk("vol") == volume


def test_a_second_machine_under_an_identity_is_refused(lab: Lab) -> None:
    spec = lab.add("s1")
    with pytest.raises(ValueError, match=r"^machine id-s1 is in the rack already; remove it first$"):
        lab.rack.add(spec)


def test_an_installer_reads_the_boot_partition_of_an_installed_disk(lab: Lab) -> None:
    lab.add("s1")
    lab.anywhere("s1", "kexec")
    look = "mkdir -p look; mount -o ro {} look && ls look; umount look"
    assert lab.ok("s1", look.format("/dev/sda2")) == ""
    lab.anywhere("s1", "disko,install")
    lab.ok("s1", "echo seen >$NIXFLEET_ROOT/mnt/boot/note")
    refused = lab.ssh("s1", "mount -o ro /dev/sda1 look")
    assert (refused.returncode, refused.stderr) == (
        32,
        "mount: look: /dev/sda1 already mounted or mount point busy.\n",
    )
    assert lab.ok("s1", "lsblk -dnro MOUNTPOINT /dev/sda1") == "/mnt/boot"
    # The next boot is the installer's again.
    with machines.edit(lab.world, "id-s1") as machine:
        machine.kexec_keys = {"host_key": lab.boot_key, "authorized_keys": f"{hostkeys.public_half(lab.key)}\n"}
    lab.rack.reboot("id-s1")
    assert lab.ok("s1", look.format("/dev/sda1")).split() == ["loader", "note"]
    refused = lab.ssh("s1", "mount -o ro /dev/sda2 look")
    assert refused.returncode == 32
    assert refused.stderr == "mount: look: wrong fs type, bad option, bad superblock on /dev/sda2.\n"


def test_a_system_boots_only_from_partitions_with_its_own_labels(lab: Lab) -> None:
    lab.add("s1")
    lab.install("s1")
    disk = lab.disk("s1")
    with machines.edit(lab.world, "id-s1") as machine:
        machine.replace_disk(replace(disk, partition_labels=("esp", "swap", "root")))
    lab.rack.reboot("id-s1")
    assert lab.rack.get("id-s1").system == "none"


def test_all_disks_of_a_host_are_formatted_and_no_other(lab: Lab) -> None:
    tank = {"device": "/dev/disk/by-id/ata-tank", "layout": "tank", "serial": "tank", "sizeGib": 200}
    lab.contract["hosts"]["s1"] = entry("10.0.0.1", layout="zfs-server") | {"dataDisk": tank}
    more = tuple(
        Disk(serial=name, size_gib=200, device=f"/dev/{device}", by_id=f"ata-{name}")
        for name, device in (("tank", "sdb"), ("mine", "sdc"))
    )
    lab.add("s1", disks=(Disk(serial="disk-s1", size_gib=80), *more))
    lab.install("s1")
    found = {disk.serial: disk.partition_labels for disk in lab.rack.get("id-s1").disks}
    assert found == {
        "disk-s1": ("nf.test.10.0.0.1.esp", "nf.test.10.0.0.1.zfs"),
        "mine": (),
        "tank": ("nf.test.10.0.0.1.tank",),
    }


def test_a_file_system_on_the_whole_disk_is_told_and_wiped(lab: Lab) -> None:
    lab.add("s1", disks=(Disk(serial="disk-s1", size_gib=80), Disk(serial="v", size_gib=80, device="/dev/sdb")))
    with machines.edit(lab.world, "id-s1") as machine:
        machine.replace_disk(replace(machine.disk("v"), file_system="ext4"))
    assert lab.ok("s1", "lsblk -dno FSTYPE /dev/sdb") == "ext4"
    lab.ok("s1", "wipefs -a /dev/sdb")
    assert lab.ok("s1", "lsblk -dno FSTYPE /dev/sdb") == ""


def test_an_empty_root_keeps_only_what_lies_on_persist(lab: Lab) -> None:
    lab.contract["hosts"]["s1"] = entry("10.0.0.1", layout="zfs-server")
    lab.add("s1")
    lab.anywhere("s1", "kexec")
    lab.anywhere("s1", "disko,install")
    mnt = "$NIXFLEET_ROOT/mnt"
    lab.ok("s1", f"mkdir -p {mnt}/etc/nixfleet {mnt}/persist/etc/nixfleet {mnt}/persist/etc/ssh {mnt}/etc/ssh")
    lab.ok("s1", f"echo gone >{mnt}/etc/nixfleet/lost; echo kept >{mnt}/persist/etc/nixfleet/found")
    key = f"{mnt}/persist/etc/ssh/ssh_host_ed25519_key"
    lab.ok("s1", f"cp $NIXFLEET_ROOT/etc/ssh/ssh_host_ed25519_key {key}")
    lab.anywhere("s1", "reboot")
    lab.rack.settle()
    assert lab.ok("s1", "ls $NIXFLEET_ROOT/etc/nixfleet").split() == ["found"]

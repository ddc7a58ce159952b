"""Installation on real disks: what may be formatted, and what is never touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.machines.host import assert_at_rest, state
from tests.machines.qemu import Disk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.machines.points import Points, Site

TOKEN, USED = "hcloud-1@new", "hcloud-1@used"
BY_ID = "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_MAIN"
LABELS = "nf.sim.hcloud-1."

PARTITION = (
    "printf 'label: gpt\\nsize=64MiB, type=uefi, name={0}esp\\ntype=linux, name={0}root\\n' | sfdisk -q /dev/sda"
)
OURS = f"{PARTITION.format(LABELS)}; udevadm settle; mkfs.vfat /dev/sda1 >/dev/null"
NOTE = "mkdir -p /tmp/esp; mount /dev/sda1 /tmp/esp; echo '{}' >/tmp/esp/nixfleet-installs; umount /tmp/esp"
FOREIGN = (
    "printf 'label: gpt\\nsize=64MiB, name=other-luks\\nsize=64MiB, name=other-zfs\\nname=other-root\\n' | "
    "sfdisk -q /dev/sda; udevadm settle; "
    "echo secret | cryptsetup luksFormat --batch-mode --pbkdf pbkdf2 --pbkdf-force-iterations 1000 /dev/sda1 -; "
    # Uberblocks of a pool's first label: what tells ZFS, by their magic number.
    "for block in 128 129 130 131 132 133; do "
    "printf '\\014\\261\\272\\000' | dd of=/dev/sda2 bs=1024 seek=$block conv=notrunc status=none; done; "
    "mkfs.ext4 -q -F /dev/sda3 100M; udevadm trigger --settle /dev/sda*"
)
SIGNATURES = "lsblk -nro FSTYPE /dev/sda | tr '\\n' ' '"
WHAT = f"an installation of ours is on the disk /dev/sda ({LABELS}esp, {LABELS}root)"
HOW = "to format the disk, set reinstall: hcloud-1@<anything new> on this host"


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A disk that is not formatted."""

    name: str
    prepare: str
    token: str = ""
    text: str


REFUSED = (
    Refused(
        name="ours",
        prepare=OURS,
        text=f"{WHAT}; if it should run, remove the installer medium or correct the boot order; {HOW}",
    ),
    Refused(
        name="ours, with a token that was used",
        prepare=f"{OURS}; {NOTE.format(USED)}",
        token=USED,
        text=f"{WHAT}, made with the token {USED!r}, which is used up; "
        "a new installation needs a new token, for example hcloud-1@<date>",
    ),
    Refused(
        name="ours, with a boot partition that cannot be read",
        # The signature stands, what it describes is gone.
        prepare=f"{OURS}; dd if=/dev/zero of=/dev/sda1 bs=1 seek=11 count=25 conv=notrunc status=none; udevadm settle",
        token=TOKEN,
        text=f"{WHAT}, and a boot partition cannot be read; look at it, and wipe the disk by hand: wipefs -a",
    ),
    Refused(
        name="a volume without partitions",
        prepare="mkfs.ext4 -q -F /dev/sda 100M; udevadm trigger --settle /dev/sda",
        text="the disk /dev/sda has no partitions, and ext4 on the whole of it: it may be a volume with somebody's "
        "data; correct disk.device; the disks there are: sda 80G MAIN;vda 1000M MEDIUM;; if nothing on it is needed, "
        "wipe it on that machine: wipefs -a /dev/sda",
    ),
    Refused(
        name="another host's",
        prepare=PARTITION.format("nf.other.n100-9."),
        text="an installation of ours is on the disk /dev/sda (nf.other.n100-9.esp, nf.other.n100-9.root); "
        f"if it should run, remove the installer medium or correct the boot order; {HOW}",
    ),
)


def _print(site: Site) -> str:
    """What is on the disk, in one sum: nobody may write to it."""
    return site.machine.tell(
        "sync; echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/sda bs=1M count=80 status=none | sha256sum"
    )


@pytest.fixture(scope="module")
def blank(points: Points) -> Iterator[Site]:
    """One machine for all the disks that must stay as they are."""
    with points.at("installer") as site:
        yield site


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_a_disk_that_must_not_be_formatted_is_left_as_it_is(case: Refused, blank: Site) -> None:
    blank.machine.tell(f"wipefs -q -a /dev/sda* || :; {case.prepare}; udevadm settle")
    before = _print(blank)
    ended = blank.run("install", NIXFLEET_REINSTALL=case.token)
    assert (ended.code, ended.last) == (3, f"hostops: hcloud-1: guard: failed: {case.text}"), ended.err
    assert _print(blank) == before


def test_a_further_disk_of_ours_stops_an_installation(blank: Site) -> None:
    blank.machine.tell("wipefs -q -a /dev/sda* || :; udevadm settle")
    blank.machine.plug_disk(Disk(serial="OTHER", gib=10))
    blank.machine.tell(PARTITION.format("nf.sim.n100-1.").replace("/dev/sda", "/dev/sdb"))
    blank.machine.tell("udevadm settle")
    before = _print(blank)
    ended = blank.run("install")
    text = (
        "the stack file does not name the disk /dev/sdb, and it carries partitions of ours "
        "(nf.sim.n100-1.esp, nf.sim.n100-1.root); unplug it, or name the disk that is meant; "
        "if nothing on it is needed, wipe it on that machine: wipefs -a /dev/sdb"
    )
    assert (ended.code, ended.last) == (3, f"hostops: hcloud-1: guard: failed: {text}"), ended.err
    assert _print(blank) == before


def test_a_foreign_disk_is_formatted_and_one_that_vanishes_meanwhile_is_by_the_next_run(installer: Site) -> None:
    """Of encrypted partitions and pools of others too; the disk is named by its link."""
    entry = installer.operator.fleet["hosts"][installer.host]
    entry["disk"] |= {"device": BY_ID, "serial": "MAIN"}
    entry["disk"].pop("unstablePath")
    installer.operator.write()
    installer.machine.tell(FOREIGN)
    assert installer.machine.tell(SIGNATURES).split() == ["crypto_LUKS", "zfs_member", "ext4"]
    run = installer.operator.start("install", installer.host)
    run.until("### install ###")
    installer.machine.unplug_disk("MAIN")
    failed = run.end()
    assert failed.code == 6, failed.err
    installer.machine.plug_again("MAIN")
    ended = installer.run("install")
    assert ended.code == 0, ended.err
    installer.machine.await_up()
    assert_at_rest(installer.machine, installer.operator.wanted(installer.host))


def test_an_installed_host_is_never_formatted_again(installed: Site) -> None:
    before = state(installed.machine)
    ended = installed.run("install")
    assert (ended.code, ended.phases) == (0, ["contact", "guard", "ready"]), ended.err
    assert state(installed.machine) == before


def test_an_installation_without_its_seal_is_sealed_by_the_next_run(installed: Site) -> None:
    note = installed.machine.tell("cat /boot/nixfleet-installs; rm /boot/nixfleet-installs")
    assert note
    ended = installed.run("install")
    assert (ended.code, ended.phases) == (0, ["contact", "guard", "seal", "ready"]), ended.err
    assert installed.machine.tell("cat /boot/nixfleet-installs") == note

"""Installation on real disks: what may be formatted, and what is never touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.machines.host import assert_at_rest, state
from tests.machines.qemu import Disk

if TYPE_CHECKING:
    from tests.machines.points import Site

TOKEN, USED = "hcloud-1@new", "hcloud-1@used"
LABELS = "nf.sim.hcloud-1."

PARTITION = (
    "printf 'label: gpt\\nsize=64MiB, type=uefi, name={0}esp\\ntype=linux, name={0}root\\n' | sfdisk -q /dev/sda"
)
OURS = f"{PARTITION.format(LABELS)}; udevadm settle; mkfs.vfat /dev/sda1 >/dev/null"
NOTE = "mkdir -p /tmp/esp; mount /dev/sda1 /tmp/esp; echo '{}' >/tmp/esp/nixfleet-installs; umount /tmp/esp"
LUKS = (
    "printf 'label: gpt\\ntype=linux\\n' | sfdisk -q /dev/sda; udevadm settle; "
    "echo secret | cryptsetup luksFormat --batch-mode --pbkdf pbkdf2 --pbkdf-force-iterations 1000 /dev/sda1 -"
)
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


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_a_disk_that_must_not_be_formatted_is_left_as_it_is(case: Refused, installer: Site) -> None:
    installer.machine.tell(case.prepare)
    installer.machine.tell("udevadm settle")
    before = _print(installer)
    ended = installer.operator.run("install", installer.host, NIXFLEET_REINSTALL=case.token)
    assert (ended.code, ended.last) == (3, f"hostops: hcloud-1: guard: failed: {case.text}"), ended.err
    assert _print(installer) == before


@pytest.mark.parametrize(
    "prepare",
    [
        "true",
        PARTITION.format("other-"),
        LUKS,
    ],
    ids=["blank", "foreign", "LUKS"],
)
def test_a_disk_without_anything_of_ours_is_installed(prepare: str, installer: Site) -> None:
    installer.machine.tell(prepare)
    ended = installer.operator.run("install", installer.host)
    assert ended.code == 0, ended.err
    installer.machine.await_up()
    assert_at_rest(installer.machine, installer.operator.wanted(installer.host))


def test_a_further_disk_of_ours_stops_an_installation(installer: Site) -> None:
    installer.machine.plug_disk(Disk(serial="OTHER", gib=10))
    installer.machine.tell(PARTITION.format("nf.sim.n100-1.").replace("/dev/sda", "/dev/sdb"))
    installer.machine.tell("udevadm settle")
    before = _print(installer)
    ended = installer.operator.run("install", installer.host)
    text = (
        "the stack file does not name the disk /dev/sdb, and it carries partitions of ours "
        "(nf.sim.n100-1.esp, nf.sim.n100-1.root); unplug it, or name the disk that is meant; "
        "if nothing on it is needed, wipe it on that machine: wipefs -a /dev/sdb"
    )
    assert (ended.code, ended.last) == (3, f"hostops: hcloud-1: guard: failed: {text}"), ended.err
    assert _print(installer) == before


def test_an_installed_host_is_never_formatted_again(installed: Site) -> None:
    before = state(installed.machine)
    ended = installed.operator.run("install", installed.host)
    assert (ended.code, ended.phases) == (0, ["contact", "guard", "ready"]), ended.err
    assert state(installed.machine) == before


def test_a_disk_that_vanishes_while_it_is_formatted_fails_and_the_next_run_goes_on(installer: Site) -> None:
    run = installer.operator.start("install", installer.host)
    run.until("### install ###")
    installer.machine.unplug_disk("MAIN")
    failed = run.end()
    assert failed.code == 6, failed.err
    installer.machine.plug_again("MAIN")
    ended = installer.operator.run("install", installer.host)
    assert ended.code == 0, ended.err


def test_an_installation_that_was_stopped_goes_on_with_its_own_token_and_with_no_other(installer: Site) -> None:
    run = installer.operator.start("install", installer.host, NIXFLEET_REINSTALL=TOKEN)
    run.until("### install ###")
    run.kill()
    other = installer.operator.run("install", installer.host, NIXFLEET_REINSTALL="hcloud-1@another")
    assert (other.code, WHAT in other.last) == (3, True), other.err
    ended = installer.operator.run("install", installer.host, NIXFLEET_REINSTALL=TOKEN)
    assert ended.code == 0, ended.err
    installer.machine.await_up()
    assert_at_rest(installer.machine, installer.operator.wanted(installer.host))

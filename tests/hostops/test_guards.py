"""What an installation may do: every state of a machine with every token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fleet.hosts import DataDisk
from fleet.model import Role
from hostops.drives import GIB, Drives
from hostops.failure import Code, Failure
from hostops.guards import Way, check_disks, check_token, missing_seal, way
from hostops.look import Identity, Look
from hostops.task import load_contract

if TYPE_CHECKING:
    from fleet.contract.facts import HostFacts

ENTRY = load_contract("sim", {}).hosts["n100-1"]
ENTRY = ENTRY.model_copy(
    update={"disk": ENTRY.disk.model_copy(update={"device": "/dev/sda", "serial": "SER1", "size_gib": 100})}
)
DATA = DataDisk(device="/dev/disk/by-id/data", serial="SER9", size_gib=200, layout="tank")
BOTH = ENTRY.model_copy(update={"data_disk": DATA})
HERE = {"claimed": "/dev/sda=SER1"}
"""A claim for the disk of the entry."""

NEW, USED = "a@new", "a@used"


def look(
    state: str, *, key: str = "final", stack: str = "s", host: str = "a", install_id: str = USED, **facts: str
) -> Look:
    identity = Identity(stack=stack, host=host, install_id=install_id, machine_id="m") if state == "installed" else None
    return Look(key=key, user="root", state=state, facts={"os_id": "nixos", **facts}, identity=identity)  # type: ignore[arg-type]  # words of a table


def refusal(seen: Look, token: str, entry: HostFacts = ENTRY) -> str:
    with pytest.raises(Failure) as caught:
        way("s", "a", entry, seen, token)
    assert (caught.value.code, caught.value.phase) == (Code.REFUSED, "guard")
    return caught.value.text


@pytest.mark.parametrize(
    ("seen", "token", "expected"),
    [
        (look("cloud-image", key="bootstrap"), "", Way.KEXEC),
        (look("cloud-image", key="bootstrap"), NEW, Way.KEXEC),
        (look("installed"), "", Way.DONE),
        (look("installed"), USED, Way.DONE),
        (look("installed", install_id="some-uuid"), "", Way.DONE),
        (look("installed"), NEW, Way.KEXEC),
        (look("foreign-nixos"), NEW, Way.KEXEC),
        (look("installer", key="bootstrap"), "", Way.DISK),
        (look("installer", claim="first:1"), "", Way.DISK),
        (look("installer", claim="first:1", sealed="1", **HERE), "", Way.REBOOT),
        (look("installer", claim=NEW, sealed=NEW, **HERE), NEW, Way.REBOOT),
        # What was sealed is on a disk that the entry does not name any more.
        (look("installer", claim="first:1", sealed="1", claimed="/dev/sda=SER0"), "", Way.DISK),
        (look("installer", claim="first:1", sealed="1", claimed="/dev/sdb=SER1"), "", Way.DISK),
        (look("installer", claim="first:1", sealed="1"), "", Way.DISK),
        # What was installed with a token that is gone, or before a newer one came, is not what is wanted now.
        (look("installer", claim=NEW, sealed=NEW, **HERE), "", Way.DISK),
        (look("installer", claim="first:1", sealed="1", **HERE), NEW, Way.DISK),
    ],
)
def test_an_installation_goes_on_from_where_the_machine_stands(seen: Look, token: str, expected: Way) -> None:
    assert way("s", "a", ENTRY, seen, token) is expected


REFUSED: list[tuple[str, Look, str, str]] = [
    (
        "another host's machine",
        look("installed", host="b"),
        NEW,
        (
            "the machine there is host 'b' of stack 's', not 'a' of 's'; "
            "correct the address, or remove the machine from the other stack and wipe it there"
        ),
    ),
    (
        "another stack's machine",
        look("installed", stack="t"),
        "",
        (
            "the machine there is host 'a' of stack 't', not 'a' of 's'; "
            "correct the address, or remove the machine from the other stack and wipe it there"
        ),
    ),
    (
        "an installed system that answers with the bootstrap key",
        look("installed", key="bootstrap"),
        "",
        (
            "the installed system answers with the bootstrap key instead of its own; "
            "put the host key of the stack's secrets into /etc/ssh/ssh_host_ed25519_key there and restart sshd"
        ),
    ),
    (
        "a token of an installation before the last one",
        look("installed", install_id="a@newest", boot_installs="a@used a@newest"),
        USED,
        "the token 'a@used' was used for an earlier installation; a new one needs a new token",
    ),
    (
        "a NixOS that is not ours",
        look("foreign-nixos"),
        "",
        (
            "a NixOS that is not of this fleet runs there (no /etc/nixfleet/identity); "
            "to format it all the same, set reinstall: a@<anything new> on this host"
        ),
    ),
]


@pytest.mark.parametrize(("seen", "token", "text"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_machine_that_must_not_be_touched_is_refused(seen: Look, token: str, text: str) -> None:
    assert refusal(seen, token) == text


def test_a_board_on_which_kexec_hangs_is_refused() -> None:
    jetson = ENTRY.model_copy(update={"hardware": "jetson-orin-nano"})
    assert refusal(look("installed"), NEW, jetson) == (
        "kexec does not work on jetson-orin-nano (it runs nixos); boot our installer medium on it and run again"
    )


@pytest.mark.parametrize("token", ["b@1", "a@", "a", "a@1 2"])
def test_a_token_is_for_its_host_only(token: str) -> None:
    with pytest.raises(Failure) as caught:
        check_token("a", token)
    law = "the form is a@ and anything new without blanks, for example a@2026-01-31"
    assert (caught.value.code, caught.value.text) == (Code.USAGE, f"the reinstall token is {token!r}; {law}")


def told(number: int, name: str, serial: str, gib: int, changes: dict[str, str]) -> dict[str, str]:
    """What remote/disk.sh says of a disk."""
    plain = {"found": name, "serial": serial, "bytes": str(gib * GIB), "labels": "", "installs": ""}
    return {f"{fact}_{number}": value for fact, value in (plain | changes).items()}


def disk(**changes: str) -> dict[str, str]:
    """The system disk."""
    return told(0, "sda", "SER1", 100, changes)


def data(**changes: str) -> dict[str, str]:
    """The further disk of `BOTH`."""
    return told(1, "sdb", "SER9", 200, changes)


OURS = {"labels": " nf.s.a.esp nf.s.a.root "}
SHARED = {"labels": " nixfleet-esp nixfleet-root "}
INSTALLER = look("installer", key="bootstrap")


@pytest.mark.parametrize(
    ("seen", "found", "token"),
    [
        (INSTALLER, disk(), ""),
        (INSTALLER, disk(bytes=str(91 * GIB)), ""),
        (INSTALLER, disk(bytes=str(109 * GIB)), ""),
        (INSTALLER, disk(labels=" EFI root"), ""),
        (INSTALLER, disk() | {"other_sdb": " EFI root "}, ""),
        # This installation had begun, and the installer still knows.
        (look("installer", claim="first:1", **HERE), disk(**OURS), ""),
        (look("installer", claim=NEW, **HERE), disk(**OURS, installs=USED), NEW),
        (INSTALLER, disk(**OURS, installs=USED), NEW),
        # A disk that was never finished names no installation.
        (INSTALLER, disk(**OURS), NEW),
    ],
)
def test_a_disk_may_be_formatted(seen: Look, found: dict[str, str], token: str) -> None:
    check_disks("a", ENTRY, seen, Drives.parse(ENTRY, found), token)


ON_IT = "an installation of ours is on the disk /dev/sda (nf.s.a.esp, nf.s.a.root)"
UNASKED = (
    "; if it should run, remove the installer medium or correct the boot order; "
    "to format the disk, set reinstall: a@<anything new> on this host"
)
USED_UP = ", made with the token 'a@used', which is used up; a new installation needs a new token, for example a@<date>"
SPARED: list[tuple[str, Look, dict[str, str], str, str]] = [
    (
        "no such disk",
        INSTALLER,
        {"disks": "sdb 1T X;"},
        "",
        "there is no disk /dev/sda; correct disk.device; the disks there are: sdb 1T X;",
    ),
    (
        "another serial",
        INSTALLER,
        disk(serial="SER2"),
        NEW,
        (
            "the disk /dev/sda has serial 'SER2', expected is 'SER1'; "
            "if the disk was replaced, correct disk.serial and disk.device; nothing was written"
        ),
    ),
    (
        "another size",
        INSTALLER,
        disk(bytes=str(111 * GIB)),
        NEW,
        (
            "the disk /dev/sda has 111 GiB, expected are 100 GiB, with a tenth of tolerance; "
            "correct disk.sizeGib or disk.device"
        ),
    ),
    (
        "a volume whose name was the system disk's before the last boot",
        INSTALLER,
        disk(files="ext4") | {"disks": "sda 80G 1;sdb 80G 2;"},
        NEW,
        (
            "the disk /dev/sda has no partitions, and ext4 on the whole of it: it may be a volume with somebody's "
            "data; correct disk.device; the disks there are: sda 80G 1;sdb 80G 2;; "
            "if nothing on it is needed, wipe it on that machine: wipefs -a /dev/sda"
        ),
    ),
    ("ours, no token", INSTALLER, disk(**OURS), "", ON_IT + UNASKED),
    (
        "labels of an earlier release, no token",
        INSTALLER,
        disk(**SHARED),
        "",
        "an installation of ours is on the disk /dev/sda (nixfleet-esp, nixfleet-root)" + UNASKED,
    ),
    (
        "another host's disk, no token",
        INSTALLER,
        disk(labels="nf.s.b.root"),
        "",
        "an installation of ours is on the disk /dev/sda (nf.s.b.root)" + UNASKED,
    ),
    (
        "disko's own labels, no token",
        INSTALLER,
        disk(labels="disk-main-root"),
        "",
        "an installation of ours is on the disk /dev/sda (disk-main-root)" + UNASKED,
    ),
    ("a used token", INSTALLER, disk(**OURS, installs="x a@used"), USED, ON_IT + USED_UP),
    (
        "a used token that only the installer's memory knows",
        look("installer", installs="a@used"),
        disk(**OURS),
        USED,
        ON_IT + USED_UP,
    ),
    ("a claim by a token that was withdrawn", look("installer", claim=NEW, **HERE), disk(**OURS), "", ON_IT + UNASKED),
    (
        "a claim for another disk",
        look("installer", claim="first:1", claimed="/dev/sda=SER0"),
        disk(**OURS),
        "",
        ON_IT + UNASKED,
    ),
    ("a claim that names no disk", look("installer", claim="first:1"), disk(**OURS), "", ON_IT + UNASKED),
    (
        "a boot partition that cannot be read",
        INSTALLER,
        disk(**OURS, installs="unreadable"),
        NEW,
        ON_IT + ", and a boot partition cannot be read; look at it, and wipe the disk by hand: wipefs -a",
    ),
    (
        "the old disk beside a new one",
        INSTALLER,
        disk() | {"other_sdb": " nf.s.a.esp nf.s.a.root "},
        NEW,
        (
            "the stack file does not name the disk /dev/sdb, "
            "and it carries partitions of ours (nf.s.a.esp, nf.s.a.root); "
            "unplug it, or name the disk that is meant; if nothing on it is needed, wipe it on that machine: "
            "wipefs -a /dev/sdb"
        ),
    ),
    (
        "a disk that another host left",
        look("installer", claim="first:1", **HERE),
        disk() | {"other_nvme0n1": "nixfleet-root"},
        "",
        (
            "the stack file does not name the disk /dev/nvme0n1, and it carries partitions of ours (nixfleet-root); "
            "unplug it, or name the disk that is meant; if nothing on it is needed, wipe it on that machine: "
            "wipefs -a /dev/nvme0n1"
        ),
    ),
]


@pytest.mark.parametrize(
    ("seen", "found", "token", "text"), [row[1:] for row in SPARED], ids=[row[0] for row in SPARED]
)
def test_a_disk_is_spared(seen: Look, found: dict[str, str], token: str, text: str) -> None:
    assert spared(ENTRY, seen, found, token) == text


def spared(entry: HostFacts, seen: Look, found: dict[str, str], token: str) -> str:
    with pytest.raises(Failure) as caught:
        check_disks("a", entry, seen, Drives.parse(entry, found), token)
    assert (caught.value.code, caught.value.phase) == (Code.REFUSED, "guard")
    return caught.value.text


TANK = {"labels": "nf.s.a.tank"}


def test_a_new_system_disk_is_no_leave_to_wipe_the_data_disk() -> None:
    assert spared(BOTH, INSTALLER, disk() | data(**TANK), "") == (
        "an installation of ours is on the disk /dev/disk/by-id/data (nf.s.a.tank); "
        "if it should run, remove the installer medium or correct the boot order; "
        "to keep what is on it, remove dataDisk from the entry and unplug the disk while the host is installed; "
        "to format /dev/sda and /dev/disk/by-id/data, set reinstall: a@<anything new> on this host"
    )
    check_disks("a", BOTH, INSTALLER, Drives.parse(BOTH, disk() | data(**TANK)), NEW)


def test_the_data_disk_is_held_to_its_entry_with_a_token_too() -> None:
    assert spared(BOTH, INSTALLER, disk() | data(serial="SER8"), NEW) == (
        "the disk /dev/disk/by-id/data has serial 'SER8', expected is 'SER9'; "
        "if the disk was replaced, correct dataDisk.serial and dataDisk.device; nothing was written"
    )
    assert spared(BOTH, INSTALLER, disk(), NEW) == (
        "there is no disk /dev/disk/by-id/data; correct dataDisk.device; the disks there are: unknown"
    )


def test_two_paths_of_one_disk_are_refused() -> None:
    entry = BOTH.model_copy(update={"data_disk": DATA.model_copy(update={"serial": None, "size_gib": 100})})
    both = disk() | {name.replace("_0", "_1"): value for name, value in disk().items()}
    text = "disk and dataDisk are one disk (sda); correct the device of one of the two"
    assert spared(entry, INSTALLER, both, NEW) == text


def test_a_claim_is_for_all_disks_of_the_entry() -> None:
    drives = Drives.parse(BOTH, disk(serial=" SER1 ", **OURS) | data(serial="SER 9", **TANK))
    assert drives.claim == "/dev/sda=SER1;/dev/disk/by-id/data=SER_9"
    entry = BOTH.model_copy(update={"data_disk": DATA.model_copy(update={"serial": "SER 9"})})
    check_disks("a", entry, look("installer", claim="first:1", claimed=drives.claim), drives, "")
    assert way("s", "a", entry, look("installer", claim=NEW, sealed="1", claimed=drives.claim), NEW) is Way.REBOOT
    assert way("s", "a", entry, look("installer", claim=NEW, sealed="1", **HERE), NEW) is Way.DISK


@pytest.mark.parametrize(
    ("facts", "missing"),
    [
        ({"boot_installs": USED}, ()),
        ({"boot_installs": f"a@0 {USED}", "earlier_installs": "a@0"}, ()),
        ({}, (USED,)),
        ({"boot_installs": USED, "earlier_installs": "a@0"}, ("a@0", USED)),
        ({"earlier_installs": "a@0"}, ("a@0", USED)),
        ({"boot_installs": "a@0"}, ("a@0", USED)),
        ({"boot_installs": f"{USED} a@0"}, ()),
    ],
)
def test_a_seal_tells_of_every_installation_or_is_made_good(facts: dict[str, str], missing: tuple[str, ...]) -> None:
    assert missing_seal(look("installed", **facts)) == missing


@pytest.mark.parametrize(
    ("facts", "complaint"),
    [
        ({}, ""),
        ({"k3s": "activating"}, "k3s is activating"),
        ({"address": "down"}, f"its cluster address {ENTRY.address} is on no interface"),
        ({"node": "False v1"}, "its node is not Ready (False v1)"),
        ({"node": "The connection was refused"}, "its node is not Ready (The connection was refused)"),
        ({"node": "True v0"}, "its node runs v0, wanted is v1"),
        ({"etcd": "[-]etcd failed"}, "etcd is not healthy ([-]etcd failed)"),
    ],
)
def test_a_server_is_healthy_or_says_why_not(facts: dict[str, str], complaint: str) -> None:
    good: dict[str, Any] = {"k3s": "active", "address": "up", "node": "True v1", "etcd": "ok"}
    server = ENTRY.model_copy(update={"role": Role.SERVER})
    assert look("installed", **{**good, **facts}).complaint(server, "v1") == complaint


def test_an_agent_needs_no_etcd() -> None:
    assert look("installed", k3s="active", address="up", node="True v1").complaint(ENTRY, "v1") == ""

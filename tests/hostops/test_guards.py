"""What an installation may do: every state of a machine with every token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fleet.model import Role
from hostops.failure import Code, Failure
from hostops.guards import GIB, Way, check_disk, check_token, way
from hostops.look import Identity, Look
from hostops.task import load_contract

if TYPE_CHECKING:
    from fleet.contract import HostFacts

ENTRY = load_contract("sim", {}).hosts["n100-1"]
ENTRY = ENTRY.model_copy(
    update={"disk": ENTRY.disk.model_copy(update={"device": "/dev/sda", "serial": "SER1", "size_gib": 100})}
)
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
        (look("installer", claim="first:1", sealed="1"), "", Way.REBOOT),
        (look("installer", claim=NEW, sealed=NEW), NEW, Way.REBOOT),
        # What was installed with a token that is gone, or before a newer one came, is not what is wanted now.
        (look("installer", claim=NEW, sealed=NEW), "", Way.DISK),
        (look("installer", claim="first:1", sealed="1"), NEW, Way.DISK),
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


def disk(**changes: str) -> dict[str, str]:
    return {"found": "yes", "serial": "SER1", "bytes": str(100 * GIB), "labels": "", "disk_installs": "", **changes}


OURS = {"labels": " nixfleet-esp nixfleet-root "}
INSTALLER = look("installer", key="bootstrap")


@pytest.mark.parametrize(
    ("seen", "found", "token"),
    [
        (INSTALLER, disk(), ""),
        (INSTALLER, disk(bytes=str(91 * GIB)), ""),
        (INSTALLER, disk(bytes=str(109 * GIB)), ""),
        (INSTALLER, disk(labels=" EFI root"), ""),
        # This installation had begun, and the installer still knows.
        (look("installer", claim="first:1"), disk(**OURS), ""),
        (look("installer", claim=NEW), disk(**OURS, disk_installs=USED), NEW),
        (INSTALLER, disk(**OURS, disk_installs=USED), NEW),
        # A disk that was never finished names no installation.
        (INSTALLER, disk(**OURS), NEW),
    ],
)
def test_a_disk_may_be_formatted(seen: Look, found: dict[str, str], token: str) -> None:
    check_disk("a", ENTRY, seen, found, token)


SPARED: list[tuple[str, Look, dict[str, str], str, str]] = [
    (
        "no such disk",
        INSTALLER,
        {"found": "no", "disks": "sdb 1T X;"},
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
        "ours, no token",
        INSTALLER,
        disk(**OURS),
        "",
        (
            "the disk carries an installation of ours (partitions nixfleet-esp, nixfleet-root); "
            "if it should run, remove the installer medium or correct the boot order; "
            "to format the disk, set reinstall: a@<anything new> on this host"
        ),
    ),
    (
        "disko's own labels, no token",
        INSTALLER,
        disk(labels="disk-main-root"),
        "",
        (
            "the disk carries an installation of ours (partitions disk-main-root); "
            "if it should run, remove the installer medium or correct the boot order; "
            "to format the disk, set reinstall: a@<anything new> on this host"
        ),
    ),
    (
        "a used token",
        INSTALLER,
        disk(**OURS, disk_installs="x a@used"),
        USED,
        (
            "the disk carries an installation of ours (partitions nixfleet-esp, nixfleet-root) made with the token "
            "'a@used', which is used up; a new installation needs a new token, for example a@<date>"
        ),
    ),
    (
        "a used token that only the installer's memory knows",
        look("installer", installs="a@used"),
        disk(**OURS),
        USED,
        (
            "the disk carries an installation of ours (partitions nixfleet-esp, nixfleet-root) made with the token "
            "'a@used', which is used up; a new installation needs a new token, for example a@<date>"
        ),
    ),
    (
        "a claim by a token that was withdrawn",
        look("installer", claim=NEW),
        disk(**OURS),
        "",
        (
            "the disk carries an installation of ours (partitions nixfleet-esp, nixfleet-root); "
            "if it should run, remove the installer medium or correct the boot order; "
            "to format the disk, set reinstall: a@<anything new> on this host"
        ),
    ),
    (
        "a boot partition that cannot be read",
        INSTALLER,
        disk(**OURS, disk_installs="unreadable"),
        NEW,
        (
            "the disk carries an installation of ours (partitions nixfleet-esp, nixfleet-root) and its boot partition "
            "cannot be read; look at it, and wipe it by hand: wipefs -a"
        ),
    ),
]


@pytest.mark.parametrize(
    ("seen", "found", "token", "text"), [row[1:] for row in SPARED], ids=[row[0] for row in SPARED]
)
def test_a_disk_is_spared(seen: Look, found: dict[str, str], token: str, text: str) -> None:
    with pytest.raises(Failure) as caught:
        check_disk("a", ENTRY, seen, found, token)
    assert (caught.value.code, caught.value.phase, caught.value.text) == (Code.REFUSED, "guard", text)


@pytest.mark.parametrize(
    ("facts", "complaint"),
    [
        ({}, ""),
        ({"k3s": "activating"}, "k3s is activating"),
        ({"node": "False v1"}, "its node is not Ready (False v1)"),
        ({"node": "The connection was refused"}, "its node is not Ready (The connection was refused)"),
        ({"node": "True v0"}, "its node runs v0, wanted is v1"),
        ({"etcd": "[-]etcd failed"}, "etcd is not healthy ([-]etcd failed)"),
    ],
)
def test_a_server_is_healthy_or_says_why_not(facts: dict[str, str], complaint: str) -> None:
    good: dict[str, Any] = {"k3s": "active", "node": "True v1", "etcd": "ok"}
    server = ENTRY.model_copy(update={"role": Role.SERVER})
    assert look("installed", **{**good, **facts}).complaint(server, "v1") == complaint


def test_an_agent_needs_no_etcd() -> None:
    assert look("installed", k3s="active", node="True v1").complaint(ENTRY, "v1") == ""

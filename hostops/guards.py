"""What an installation may do to a machine, by what the machine says. Pure: nothing is asked or changed here."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from hostops.failure import Code, Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.contract import HostFacts
    from hostops.look import Look

OUR_LABELS = ("nixfleet-", "disk-main-")
"""How labels of our partitions begin: those of nix/disko, and disko's own of a disk `main`."""

SIZE_TOLERANCE = 0.1
"""Makers count in powers of ten, firmware keeps some for itself."""

GIB = 1024**3
FIRST = "first:"
"""Begins the claim of an installation without a token: of a disk that had none of our labels."""


class Way(StrEnum):
    """How an installation goes on from where the machine stands."""

    DONE = "done"
    KEXEC = "kexec"
    DISK = "disk"
    REBOOT = "reboot"


def check_token(host: str, token: str) -> None:
    """A reinstall token names its host, so that it cannot act on another one."""
    if token and (not token.startswith(f"{host}@") or len(token.split()) != 1 or token == f"{host}@"):
        law = f"the form is {host}@ and anything new without blanks, for example {host}@2026-01-31"
        raise Failure(Code.USAGE, "guard", f"the reinstall token is {token!r}; {law}")


def way(stack: str, host: str, entry: HostFacts, seen: Look, token: str) -> Way:
    """How to go on; raises Failure where nothing may be changed."""
    if seen.state == "installer":
        return _way_of_installer(seen, token)
    if seen.state == "installed":
        _check_owner(stack, host, seen)
        if not token or token in seen.used_ids:
            return _already_installed(seen, token)
    if seen.state == "foreign-nixos" and not token:
        cure = f"to format it all the same, set reinstall: {host}@<anything new> on this host"
        raise _refused(f"a NixOS that is not of this fleet runs there (no /etc/nixfleet/identity); {cure}")
    if entry.hardware.startswith("jetson"):
        cure = "boot our installer medium on it and run again"
        runs = seen["os_id"] or "an unknown system"
        raise _refused(f"kexec does not work on {entry.hardware} (it runs {runs}); {cure}")
    return Way.KEXEC


def _check_owner(stack: str, host: str, seen: Look) -> None:
    found = seen.identity
    if found and (found.stack, found.host) != (stack, host):
        raise _refused(
            f"the machine there is host {found.host!r} of stack {found.stack!r}, not {host!r} of {stack!r}; "
            "correct the address, or remove the machine from the other stack and wipe it there"
        )


def _already_installed(seen: Look, token: str) -> Way:
    if seen.key != "final":
        raise _refused(
            f"the installed system answers with the {seen.key} key instead of its own; "
            "put the host key of the stack's secrets into /etc/ssh/ssh_host_ed25519_key there and restart sshd"
        )
    newest = seen.identity.install_id if seen.identity else ""
    if token and token != newest:
        raise _refused(f"the token {token!r} was used for an earlier installation; a new one needs a new token")
    return Way.DONE


def _way_of_installer(seen: Look, token: str) -> Way:
    return Way.REBOOT if seen["sealed"] and _is_ours(seen["claim"], token) else Way.DISK


def _is_ours(claim: str, token: str) -> bool:
    """Whether a claim in the installer's memory is of the installation that is wanted now."""
    return claim == token if token else claim.startswith(FIRST)


def check_disk(host: str, entry: HostFacts, seen: Look, disk: Mapping[str, str], token: str) -> None:
    """Whether disko may run; raises Failure where it may not."""
    device, expected = entry.disk.device, entry.disk
    if disk.get("found") != "yes":
        cure = f"correct disk.device; the disks there are: {disk.get('disks', 'unknown')}"
        raise _refused(f"there is no disk {device}; {cure}")
    serial = disk.get("serial", "").strip()
    if expected.serial and serial != expected.serial:
        cure = "if the disk was replaced, correct disk.serial and disk.device; nothing was written"
        raise _refused(f"the disk {device} has serial {serial!r}, expected is {expected.serial!r}; {cure}")
    size = int(disk.get("bytes") or 0) / GIB
    if abs(size - expected.size_gib) > SIZE_TOLERANCE * expected.size_gib:
        law = f"expected are {expected.size_gib} GiB, with a tenth of tolerance"
        raise _refused(f"the disk {device} has {size:.0f} GiB, {law}; correct disk.sizeGib or disk.device")
    _check_labels(host, seen, disk, token)


def _check_labels(host: str, seen: Look, disk: Mapping[str, str], token: str) -> None:
    ours = [label for label in disk.get("labels", "").split() if label.startswith(OUR_LABELS)]
    if not ours or (seen["claim"] and _is_ours(seen["claim"], token)):
        return
    what = f"the disk carries an installation of ours (partitions {', '.join(ours)})"
    if not token:
        raise _refused(
            f"{what}; if it should run, remove the installer medium or correct the boot order; "
            f"to format the disk, set reinstall: {host}@<anything new> on this host"
        )
    told = disk.get("disk_installs", "").split()
    if "unreadable" in told:
        raise _refused(f"{what} and its boot partition cannot be read; look at it, and wipe it by hand: wipefs -a")
    if token in (*told, *seen.used_ids):
        cure = f"a new installation needs a new token, for example {host}@<date>"
        raise _refused(f"{what} made with the token {token!r}, which is used up; {cure}")


def _refused(text: str) -> Failure:
    return Failure(Code.REFUSED, "guard", text)

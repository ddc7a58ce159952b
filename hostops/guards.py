"""What an installation may do to a machine, by what the machine says. Pure: nothing is asked or changed here."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from fleet.layouts import LONGHORN
from hostops.drives import UNREADABLE, check_drives, claims, refused
from hostops.failure import Code, Failure

if TYPE_CHECKING:
    from fleet.contract.facts import HostFacts
    from hostops.drives import Drives, Found
    from hostops.look import Look

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
        return _way_of_installer(entry, seen, token)
    if seen.state == "installed":
        _check_owner(stack, host, seen, token)
        if not token or token in seen.used_ids:
            return _already_installed(seen, token)
    if seen.state == "foreign-nixos" and not token:
        cure = f"to format it all the same, set reinstall: {host}@<anything new> on this host"
        raise refused(f"a NixOS that is not of this fleet runs there (no /etc/nixfleet/identity); {cure}")
    if entry.hardware.startswith("jetson"):
        cure = "boot our installer medium on it and run again"
        runs = seen["os_id"] or "an unknown system"
        raise refused(f"kexec does not work on {entry.hardware} (it runs {runs}); {cure}")
    return Way.KEXEC


def _check_owner(stack: str, host: str, seen: Look, token: str) -> None:
    found = seen.identity
    if found is None or (found.stack, found.host) == (stack, host):
        return
    what = f"the machine there is host {found.host!r} of stack {found.stack!r}, not {host!r} of {stack!r}"
    if seen["released"] != "yes":
        cure = "correct the address, or remove the machine from the other stack and wipe it there"
        raise refused(f"{what}; {cure}")
    if not token:
        raise refused(f"{what}; it has left its cluster: to format it, set reinstall: {host}@<anything new> there")


def _already_installed(seen: Look, token: str) -> Way:
    if seen.key != "final":
        raise refused(
            f"the installed system answers with the {seen.key} key instead of its own; "
            "put the host key of the stack's secrets into /etc/ssh/ssh_host_ed25519_key there and restart sshd"
        )
    newest = seen.identity.install_id if seen.identity else ""
    if token and token != newest:
        raise refused(f"the token {token!r} was used for an earlier installation; a new one needs a new token")
    return Way.DONE


def _way_of_installer(entry: HostFacts, seen: Look, token: str) -> Way:
    finished = seen["sealed"] and _is_ours(seen["claim"], token) and claims(seen["claimed"], entry)
    return Way.REBOOT if finished else Way.DISK


def _is_ours(claim: str, token: str) -> bool:
    """Whether a claim in the installer's memory is of the installation that is wanted now."""
    return bool(claim) and (claim == token if token else claim.startswith(FIRST))


def missing_seal(seen: Look) -> tuple[str, ...]:
    """Ids that the boot partition of an installed system should tell of and does not; all of them, the newest last."""
    newest = seen.identity.install_id if seen.identity else ""
    known = (*(name for name in seen.used_ids if name != newest), newest)
    return () if set(known) <= set(seen["boot_installs"].split()) else known


def check_disks(host: str, entry: HostFacts, seen: Look, drives: Drives, token: str) -> None:
    """Whether disko may run; raises Failure where it may not."""
    check_drives(entry, drives)
    labelled = [found for found in drives.named if found.labels]
    if not labelled or (_is_ours(seen["claim"], token) and seen["claimed"] == drives.claim):
        return
    one = "; ".join(f"the disk {found.device} ({', '.join(found.labels)})" for found in labelled)
    what = f"an installation of ours is on {one}"
    if not token:
        raise refused(
            f"{what}; if it should run, remove the installer medium or correct the boot order; "
            f"{_keep(labelled)}to format {_all(drives)}, set reinstall: {host}@<anything new> on this host"
        )
    told = drives.installs
    if UNREADABLE in told:
        raise refused(f"{what}, and a boot partition cannot be read; look at it, and wipe the disk by hand: wipefs -a")
    if token in (*told, *seen.used_ids):
        cure = f"a new installation needs a new token, for example {host}@<date>"
        raise refused(f"{what}, made with the token {token!r}, which is used up; {cure}")


def keeps_copies(entry: HostFacts, seen: Look, drives: Drives) -> bool:
    """Whether Longhorn's replicas may be on the disks: not where they are blank, or were formatted by this claim."""
    formatted = seen["claimed"] == drives.claim and not drives.installs
    return not formatted and any(entry.storage or label.endswith(LONGHORN) for label in drives.labels)


def _all(drives: Drives) -> str:
    return "the disk" if len(drives.named) == 1 else " and ".join(found.device for found in drives.named)


def _keep(labelled: list[Found]) -> str:
    """What to do where only a further disk has something: a new system disk is no reason to lose it."""
    if any(found.key == "disk" for found in labelled):
        return ""
    return "to keep what is on it, remove dataDisk from the entry and unplug the disk while the host is installed; "

"""The disks of a machine, as remote/disk.sh tells of them, against those that its entry names. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet.layouts import OUR_PREFIXES
from hostops.failure import Code, Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.contract.facts import HostFacts
    from fleet.hosts import Drive

SIZE_TOLERANCE = 0.1
"""Makers count in powers of ten, firmware keeps some for itself."""

GIB = 1024**3
UNREADABLE = "unreadable"
"""Stands for the installations of a boot partition that cannot be read."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A disk that the entry names, as the machine has it."""

    key: str
    """Its key in the stack file."""

    device: str
    name: str
    """The kernel's name; empty: there is no such disk."""

    serial: str
    files: str
    """File system of the whole disk; empty where it is blank or has partitions."""

    size_gib: float
    labels: tuple[str, ...]
    """Labels of ours."""

    installs: tuple[str, ...]
    """Ids of the installations that its boot partitions tell of."""


@dataclass(frozen=True, kw_only=True)
class Drives:
    """All disks of a machine."""

    named: tuple[Found, ...]
    others: Mapping[str, tuple[str, ...]]
    """Labels of ours on disks that the entry does not name, by the kernel's name."""

    known: str
    """All disks, for people."""

    @classmethod
    def parse(cls, entry: HostFacts, facts: Mapping[str, str]) -> Drives:
        """From the script's answer; the devices were asked in the order of the entry's drives."""
        named = tuple(_found(number, key, drive, facts) for number, (key, drive) in enumerate(entry.drives.items()))
        others = {
            name.removeprefix("other_"): labels
            for name, text in facts.items()
            if name.startswith("other_") and (labels := ours(text))
        }
        return cls(named=named, others=others, known=facts.get("disks") or "unknown")

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of ours on the named disks."""
        return tuple(label for found in self.named for label in found.labels)

    @property
    def installs(self) -> tuple[str, ...]:
        """Ids of the installations that they tell of."""
        return tuple(name for found in self.named for name in found.installs)

    @property
    def claim(self) -> str:
        """The disks as a claim names them: it is for these and for no others."""
        return claim_of({found.device: found.serial for found in self.named})


def claim_of(serials: Mapping[str, str]) -> str:
    """How a claim names disks, by device and serial number."""
    return ";".join(f"{device}={'_'.join(serial.split())}" for device, serial in serials.items())


def claims(claimed: str, entry: HostFacts) -> bool:
    """Whether a claim that names these disks is for the entry's; a serial that no one stated may be any."""
    pairs = dict(pair.split("=", 1) for pair in claimed.split(";") if "=" in pair)
    return set(pairs) == {drive.device for drive in entry.drives.values()} and all(
        drive.serial is None or pairs[drive.device] == "_".join(drive.serial.split()) for drive in entry.drives.values()
    )


def ours(text: str) -> tuple[str, ...]:
    """The labels among these words that are the fleet's: of any host, and of any release."""
    return tuple(label for label in text.split() if label.startswith(OUR_PREFIXES))


def _found(number: int, key: str, drive: Drive, facts: Mapping[str, str]) -> Found:
    return Found(
        key=key,
        device=drive.device,
        name=facts.get(f"found_{number}", ""),
        serial=facts.get(f"serial_{number}", "").strip(),
        files=facts.get(f"files_{number}", "").strip(),
        size_gib=int(facts.get(f"bytes_{number}") or 0) / GIB,
        labels=ours(facts.get(f"labels_{number}", "")),
        installs=tuple(facts.get(f"installs_{number}", "").split()),
    )


def check_drives(entry: HostFacts, drives: Drives) -> None:
    """Whether the machine has the disks that are named, and no other one of ours; raises Failure."""
    for found, wanted in zip(drives.named, entry.drives.values(), strict=True):
        _check_drive(found, wanted, drives.known)
    names = [found.name for found in drives.named]
    if len(set(names)) != len(names):
        raise refused(f"disk and dataDisk are one disk ({names[0]}); correct the device of one of the two")
    for name, labels in sorted(drives.others.items()):
        raise refused(
            f"the stack file does not name the disk /dev/{name}, "
            f"and it carries partitions of ours ({', '.join(labels)}); "
            "unplug it, or name the disk that is meant; if nothing on it is needed, wipe it on that machine: "
            f"wipefs -a /dev/{name}"
        )


def _check_drive(found: Found, wanted: Drive, known: str) -> None:
    key, device = found.key, found.device
    if not found.name:
        raise refused(f"there is no disk {device}; correct {key}.device; the disks there are: {known}")
    if wanted.serial and found.serial != wanted.serial:
        cure = f"if the disk was replaced, correct {key}.serial and {key}.device; nothing was written"
        raise refused(f"the disk {device} has serial {found.serial!r}, expected is {wanted.serial!r}; {cure}")
    if found.files:
        raise refused(
            f"the disk {device} has no partitions, and {found.files} on the whole of it: it may be a volume with "
            f"somebody's data; correct {key}.device; the disks there are: {known}; "
            f"if nothing on it is needed, wipe it on that machine: wipefs -a {device}"
        )
    if abs(found.size_gib - wanted.size_gib) > SIZE_TOLERANCE * wanted.size_gib:
        law = f"expected are {wanted.size_gib} GiB, with a tenth of tolerance"
        cure = f"correct {key}.sizeGib or {key}.device"
        raise refused(f"the disk {device} has {found.size_gib:.0f} GiB, {law}; {cure}")


def refused(text: str) -> Failure:
    """The refusal of a guard."""
    return Failure(Code.REFUSED, "guard", text)

"""Laws of disks in a cloud: one is as large as its server's type was when it was made, or when it was let grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.faults import Fault
from fleet.transition.law import Step, law

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.transition.precedent import HostPrecedent

TOLERANCE = 0.1
"""Of the install guard: makers count in powers of ten."""


def _alike(one: int, other: int) -> bool:
    return abs(one - other) <= TOLERANCE * max(one, other)


@law
def a_new_server_has_its_types_disk(step: Step) -> Iterator[Fault]:
    """Only a server that was there when its type became a larger one has a smaller disk."""
    for name, host in sorted(step.after.hosts.items()):
        is_new = name not in step.before.hosts or name in step.replaced
        if is_new and host.offered_gib and not _alike(host.disk_gib, host.offered_gib):
            yield Fault(
                path=f"hosts.{name}.disk.sizeGib",
                value=str(host.disk_gib),
                law=f"a new server of type {host.server_type} has a disk of {host.offered_gib} GB",
                cure=f"write {host.offered_gib}",
            )


@law
def a_disk_grows_only_with_its_type_and_when_told(step: Step) -> Iterator[Fault]:
    """`disk.sizeGib` says what the disk is: it changes only when `growDisk` lets a larger type change it."""
    for name, (old, new) in step.staying.items():
        if name in step.replaced or not (old.disk_gib and new.disk_gib) or _alike(old.disk_gib, new.disk_gib):
            continue
        if new.grow_disk and old.server_type != new.server_type:
            continue
        yield Fault(
            path=f"hosts.{name}.disk.sizeGib",
            value=f"{old.disk_gib} -> {new.disk_gib}",
            law=_law(old, new),
            cure=f"write {old.disk_gib}" if new.grow_disk else f"write {old.disk_gib}, or set growDisk: true",
        )


def _law(old: HostPrecedent, new: HostPrecedent) -> str:
    if old.server_type != new.server_type:
        return f"the disk stays as it is when {old.server_type} becomes {new.server_type}"
    return f"a disk grows only while its server gets a larger type, and this one stays {new.server_type}"

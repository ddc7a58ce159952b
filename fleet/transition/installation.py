"""Laws of installations: what only formatting a disk can change needs a token, and replicas outlive one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.faults import Fault
from fleet.transition.law import Step, law

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.transition.precedent import HostPrecedent


def new_token(old: HostPrecedent, new: HostPrecedent) -> bool:
    """Whether the run would format: a token that was wanted before and never came to act is new still."""
    used = old.installed.reinstall if old.installed else old.reinstall
    return bool(new.reinstall) and new.reinstall != used


@law
def replicas_outlive_a_token(step: Step) -> Iterator[Fault]:
    """At most one new token among hosts that keep replicas: a run installs several hosts at once.

    Longhorn sees only after a while that a host's copies are gone, so two that begin together would each be told that
    the other one has them.
    """
    hosts = [
        name
        for name, (old, new) in step.staying.items()
        if (old.storage or new.storage) and name not in step.replaced and new_token(old, new)
    ]
    if len(hosts) > 1:
        yield Fault(
            path="hosts",
            value=f"new reinstall tokens of {', '.join(hosts)}",
            law="each of them keeps replicas of Longhorn, and copies of one volume may lie on all of them",
            cure="leave one token in, run up, wait until no volume is degraded, then go on with the next",
        )


@law
def what_an_installation_fixed_needs_another(step: Step) -> Iterator[Fault]:
    """Layout and cluster address of an installed host change only with a new token.

    Compared with what was installed, not with what was wanted last: a change that came to nothing can be taken back.
    Labels and further disks only the host itself knows for certain: `hostops switch` asks it.
    """
    for name, (old, new) in step.staying.items():
        if old.installed is None or name in step.replaced or new_token(old, new):
            continue
        for path, why, before, after in (
            ("disk.layout", "the system mounts what the disk was made into", old.installed.layout, new.layout),
            ("address", "etcd and other nodes know the host by it", old.installed.address, str(new.address)),
        ):
            if before and before != after:
                yield Fault(
                    path=f"hosts.{name}.{path}",
                    value=f"{before} -> {after}",
                    law=f"it is a fact of the installation: {why}",
                    cure=f"set it back, or add reinstall: {name}@<anything new> (this formats the disk)",
                )

"""Laws of protection: what a protected stack has does not go and does not become another. See `Fleet.protection`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.faults import Fault
from fleet.transition.law import Step, law

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT = "protection keeps machines, volumes and the cluster"
CURE = "put it back; or, if it is meant, set protection: false alone, run up, and then make this change"


@law
def what_is_protected_stays(step: Step) -> Iterator[Fault]:
    """While a stack is protected, no host leaves it, and no machine of a cloud, volume or cluster is replaced."""
    if not (step.before.protection or step.after.protection):
        return
    for path, value in (*_machines(step), *_cluster(step)):
        yield Fault(path=path, value=value, law=KEPT, cure=CURE)


def _machines(step: Step) -> Iterator[tuple[str, str]]:
    for name in step.removed:
        yield f"hosts.{name}", "removed"
    for name, (old, new) in step.staying.items():
        # A board's disk that is another one is a repair, and what guards it is the host's own.
        if name in step.replaced and (old.created or new.created):
            yield f"hosts.{name}", f"another machine ({old.machine} -> {new.machine})"
        elif old.volume and not new.volume:
            yield f"hosts.{name}.volume", "removed"


def _cluster(step: Step) -> Iterator[tuple[str, str]]:
    old, new = step.before, step.after
    if old.cluster and old.cluster != new.cluster:
        yield "cluster.name", f"another cluster ({old.cluster} -> {new.cluster})"
    if old.balancer and old.balancer != new.balancer:
        yield "endpoint", f"another load balancer ({old.balancer} -> {new.balancer or 'none'})"
    if old.longhorn_version and not new.longhorn_version:
        yield "addons.longhorn.enabled", "false: Longhorn is uninstalled, with what its volumes hold"

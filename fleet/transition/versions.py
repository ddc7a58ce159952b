"""Laws of versions: k3s and Longhorn go up by one minor version at a time, and never down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.faults import Fault
from fleet.transition.law import Step, law

if TYPE_CHECKING:
    from collections.abc import Iterator


def _numbers(version: str) -> tuple[int, ...]:
    """`v1.35.6+k3s1` as (1, 35, 6, 1)."""
    text = version.removeprefix("v").replace("+k3s", ".")
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def _judged(path: str, what: str, before: str, after: str) -> Iterator[Fault]:
    old, new = _numbers(before), _numbers(after)
    value = f"{before} -> {after}"
    if new < old:
        yield Fault(
            path=path,
            value=value,
            law=f"{what} never goes back: an older one cannot read what a newer one has written",
            cure=f"write {before} or newer; the way back is a restored snapshot (docs/runbooks.md)",
        )
    elif old and (new[0] != old[0] or new[1] > old[1] + 1):
        yield Fault(
            path=path,
            value=value,
            law=f"{what} goes up by one minor version at a time",
            cure=f"go to {old[0]}.{old[1] + 1} first, run up, then go on",
        )


@law
def k3s_goes_up_by_one_minor(step: Step) -> Iterator[Fault]:
    """Kubernetes supports a skew of one minor between an old server and a new one, and no way down (its policy)."""
    for version in _running(step):
        yield from _judged("cluster.k3sVersion", "k3s", version, step.after.k3s_version)


def _running(step: Step) -> tuple[str, ...]:
    """The oldest and the newest version that hosts of before run; what was wanted last may never have got there.

    Where no host has said one it is that all the same.
    """
    known = {host.k3s_version for host in step.before.hosts.values() if host.k3s_version}
    versions = sorted(known or {step.before.k3s_version} - {""}, key=_numbers)
    return tuple(dict.fromkeys((*versions[:1], *versions[-1:])))


@law
def longhorn_goes_up_by_one_minor(step: Step) -> Iterator[Fault]:
    """Longhorn upgrades from the minor version before only, and refuses a downgrade (its documentation, 1.12)."""
    old, new = step.before.longhorn_version, step.after.longhorn_version
    if old and new:
        yield from _judged("addons.longhorn.version", "Longhorn", old, new)

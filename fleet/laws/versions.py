"""Laws of versions: what runs on the pinned Kubernetes. The dated facts are in data/versions.json."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.catalog import VERSIONS
from fleet.faults import Fault
from fleet.laws.law import Profiles, law

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.settings import Fleet


def _unknown(path: str, version: str, known: tuple[str, ...], what: str) -> Fault:
    return Fault(
        path=path,
        value=version,
        law=f"this version of {what} is not one whose demands are known",
        cure=f"use one of {', '.join(known)}, or add what it runs on to fleet/data/versions.json",
    )


@law("cluster", "addons")
def addons_run_on_this_kubernetes(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """Longhorn's and Kyverno's published ranges include the cluster's Kubernetes."""
    minor = int(fleet.cluster.k3s_version.split(".")[1])
    pinned = (
        ("addons.kyverno.version", "Kyverno's chart", fleet.addons.kyverno, VERSIONS.kyverno),
        ("addons.longhorn.version", "Longhorn", fleet.addons.longhorn, VERSIONS.longhorn),
    )
    for path, what, addon, known in pinned:
        if not addon.enabled:
            continue
        if addon.version not in known:
            yield _unknown(path, addon.version, tuple(sorted(known)), what)
        elif minor not in (supported := known[addon.version]):
            yield Fault(
                path=path,
                value=addon.version,
                law=f"{what} runs on Kubernetes {supported} in this version, and the cluster's is 1.{minor}",
                cure="choose another cluster.k3sVersion or another version here",
            )


@law("addons")
def multus_is_known(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """The Multus release is one whose image and paths are known."""
    multus = fleet.addons.multus
    if multus.enabled and multus.version not in VERSIONS.multus:
        yield _unknown("addons.multus.version", multus.version, VERSIONS.multus, "Multus")

"""Longhorn's controllers, as far as somebody outside sees them (longhorn-manager 1.12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.machines.longhorn.budgets import protect, remove_managers
from sim.machines.longhorn.kinds import KINDS, NAMESPACE, NODE, REPLICA, VOLUME, installed
from sim.machines.longhorn.nodes import disks, refuses_change, refuses_deletion, report_node
from sim.machines.longhorn.volumes import add_volume, attach, mend, report_volume
from sim.machines.workloads import works

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from sim.machines.objects import Object

__all__ = [
    "KINDS",
    "NAMESPACE",
    "NODE",
    "REPLICA",
    "VOLUME",
    "add_volume",
    "disks",
    "faulted",
    "installed",
    "reconcile",
    "refuses_change",
    "refuses_deletion",
]


def faulted(document: Object) -> set[str]:
    """Names of volumes without a healthy copy."""
    found = (volume for volume in VOLUME.all(document) if volume["status"]["robustness"] == "faulted")
    return {volume["metadata"]["name"] for volume in found}


def reconcile(document: Object, roots: Mapping[str, Path], held: Callable[[str], bool]) -> None:
    """Let Longhorn do what there is to do.

    `roots` are the root folders of the hosts that run; `held` says whether a volume's rebuild is held up, by its name.
    """
    if not installed(document):
        remove_managers(document)
        return
    for name in document["nodes"]:
        if NODE.get(document, NAMESPACE, name) is None and works(document["nodes"][name]):
            spec = {"name": name, "allowScheduling": True, "evictionRequested": False, "disks": {}, "tags": []}
            NODE.add(document, NAMESPACE, name, spec=spec)
    for node in NODE.all(document):
        report_node(document, node, roots)
        if node["metadata"]["name"] not in document["nodes"] and not refuses_deletion(document, node):
            NODE.remove(document, node)
    for volume in VOLUME.all(document):
        attach(document, volume)
        mend(document, volume, held)
        report_volume(document, volume)
    protect(document)

"""A cluster's document without machines: nodes that are Ready or not, and what the controllers make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.machines import longhorn, workloads
from sim.machines.longhorn.nodes import LABEL
from sim.machines.objects import DEFINITION, Object

if TYPE_CHECKING:
    from pathlib import Path


class Cluster:
    """Nodes, each with a folder for its files."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.folder = folder
        self.held: set[str] = set()
        self.document: dict[str, Any] = {"nodes": {}, "objects": {}, "workloads": {}}
        for name in names:
            self.join(name)

    def join(self, name: str, *, storage: bool = True) -> None:
        """Let a node register."""
        labels = {LABEL: "true"} if storage else {}
        self.document["nodes"][name] = {"metadata": {"name": name, "labels": labels}, "spec": {}, "status": {}}
        self.ready(name, on=True)

    def ready(self, name: str, *, on: bool) -> None:
        """Start or stop a node's kubelet."""
        status = "True" if on else "Unknown"
        self.document["nodes"][name]["status"] = {"conditions": [{"type": "Ready", "status": status}]}

    def cordon(self, name: str, *, on: bool = True) -> None:
        """Mark a node unschedulable, or take the mark off."""
        self.document["nodes"][name]["spec"] = {"unschedulable": True} if on else {}

    def with_longhorn(self, **settings: str) -> None:
        """Install Longhorn."""
        for kind in longhorn.KINDS:
            DEFINITION.add(self.document, "", kind.full)
        self.document["releases"] = {"longhorn-system/longhorn": {"values": {"defaultSettings": settings}}}
        self.settle()

    def declare(self, name: str, **fields: Any) -> workloads.Workload:
        """Put a workload in."""
        made = workloads.Workload(name=name, **fields)
        self.document["workloads"][made.key] = vars(made) | {"volumes": list(made.volumes)}
        self.settle()
        return made

    def settle(self) -> None:
        """Let every controller work until nothing changes."""
        before = None
        while before != str(self.document):
            before = str(self.document)
            workloads.reconcile(self.document)
            roots = {name: self.folder / name for name, node in self.document["nodes"].items() if workloads.works(node)}
            longhorn.reconcile(self.document, roots, self.held.__contains__)

    def where(self, workload: workloads.Workload) -> list[str]:
        """The nodes of a workload's pods, sorted; empty text: none yet."""
        pods = workloads.pods_of(self.document, workload)
        return sorted(pod["spec"].get("nodeName") or "" for pod in pods)

    def evict(self, workload: workloads.Workload, node: str) -> str:
        """Evict the workload's pod on a node; the refusal, if any."""
        pods = workloads.pods_of(self.document, workload)
        pod = next(pod for pod in pods if pod["spec"].get("nodeName") == node)
        said = workloads.evict(self.document, pod)
        self.settle()
        return said

    def lhn(self, name: str) -> Object:
        """Longhorn's node."""
        found = longhorn.NODE.get(self.document, longhorn.NAMESPACE, name)
        assert found is not None, name
        return found

    def volume(self, name: str, *nodes: str, **options: Any) -> None:
        """Put a volume in, with a copy on each of these nodes."""
        longhorn.add_volume(self.document, name, nodes, **options)
        self.settle()

    def copies(self, name: str) -> dict[str, str]:
        """How a volume's copies are, by node."""
        replicas = [r for r in longhorn.REPLICA.all(self.document) if r["spec"]["volumeName"] == name]
        return {r["spec"]["nodeID"]: "failed" if r["spec"]["failedAt"] else "healthy" for r in replicas}

    def robustness(self, name: str) -> str:
        """How a volume is."""
        found = longhorn.VOLUME.get(self.document, longhorn.NAMESPACE, name)
        assert found is not None, name
        said: str = found["status"]["robustness"]
        return said

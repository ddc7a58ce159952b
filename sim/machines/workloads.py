"""Pods on simulated nodes: who runs where, who may be evicted, and what takes an evicted one's place.

Workloads stand in the cluster's document under `workloads`; their controllers and the scheduler are `reconcile`.
Containers, probes and resources are left out: a pod runs where its node is Ready.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from sim.machines.objects import BUDGET, POD, Object, condition

if TYPE_CHECKING:
    from sim.world import World

MIRROR = "kubernetes.io/config.mirror"
"""Marks the picture of a pod that the kubelet runs from a file; nobody can delete it through the API."""

OWNER = "simulated/workload"
"""Annotation of pods and budgets: whose they are."""

VIOLATES = "Cannot evict pod as it would violate the pod's disruption budget."


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What runs, and how often."""

    name: str
    namespace: str = "default"
    kind: Literal["Deployment", "StatefulSet", "DaemonSet", "Pod", "Static"] = "Deployment"
    """`Pod` has no controller; `Static` is the kubelet's own."""

    replicas: int = 1
    node: str = ""
    """Where a `Pod` or a `Static` one runs."""

    empty_dir: bool = False
    least: int | None = None
    """`minAvailable` of its budget; None: it has none."""

    volumes: tuple[str, ...] = ()
    """Names of its Longhorn volumes."""

    @property
    def key(self) -> str:
        """Its place among the workloads."""
        return f"{self.namespace}/{self.name}"


def declare(world: World, cluster: str, workload: Workload) -> None:
    """Put a workload into a cluster; its pods appear when the cluster next settles."""
    with world.edit(cluster) as document:
        document.setdefault("workloads", {})[workload.key] = asdict(workload)


def withdraw(world: World, cluster: str, key: str) -> None:
    """Take a workload away, with its pods."""
    with world.edit(cluster) as document:
        document.get("workloads", {}).pop(key, None)


def pods_of(document: Object, workload: Workload) -> list[Object]:
    """The pods of a workload."""
    return [pod for pod in POD.all(document) if _workload(pod) == workload.key]


def read(document: Object) -> list[Workload]:
    """All workloads."""
    names = {field.name for field in fields(Workload)}
    found = document.get("workloads", {}).values()
    plain = ({name: value for name, value in entry.items() if name in names} for entry in found)
    return [Workload(**{**entry, "volumes": tuple(entry["volumes"])}) for entry in plain]


def works(node: Object) -> bool:
    """Whether a node's kubelet runs pods."""
    return condition(node, "Ready") == "True"


def schedulable(node: Object) -> bool:
    """Whether a node takes further pods."""
    return works(node) and not node["spec"].get("unschedulable")


def reconcile(document: Object) -> None:
    """Let controllers, the scheduler and the collector of lost pods do their work."""
    nodes, known = document["nodes"], {workload.key for workload in read(document)}
    for pod in POD.all(document):
        gone = pod["spec"].get("nodeName") not in (None, *nodes)
        if gone or _workload(pod) not in (None, *known):
            POD.remove(document, pod)
    for budget in BUDGET.all(document):
        if _workload(budget) not in (None, *known):
            BUDGET.remove(document, budget)
    for workload in read(document):
        _replicate(document, workload)
        if workload.least is not None:
            _budget(document, workload, workload.least)
    for pod in POD.all(document):
        _report(pod, nodes)
    for budget in BUDGET.all(document):
        budget["status"] = {"disruptionsAllowed": max(0, _healthy(document, budget) - budget["spec"]["minAvailable"])}


def _replicate(document: Object, workload: Workload) -> None:
    nodes, pods = document["nodes"], pods_of(document, workload)
    if workload.kind in ("Pod", "Static"):
        # A pod without a controller is made once: evicted, it does not come back.
        entry = document["workloads"][workload.key]
        if workload.node in nodes and not pods and (workload.kind == "Static" or not entry.get("made")):
            entry["made"] = True
            _add(document, workload, workload.node)
        return
    if workload.kind == "DaemonSet":
        # A daemon set tolerates unschedulable nodes.
        having = {pod["spec"]["nodeName"] for pod in pods}
        for name in sorted(set(nodes) - having):
            _add(document, workload, name)
        return
    for _ in range(workload.replicas - len(pods)):
        _add(document, workload, None)
    for pod in pods_of(document, workload):
        if pod["spec"].get("nodeName") is None:
            _schedule(document, workload, pod)


def _schedule(document: Object, workload: Workload, pod: Object) -> None:
    """The node with the fewest pods of the workload takes it, if any can."""
    load = {name: 0 for name, node in sorted(document["nodes"].items()) if schedulable(node)}
    for other in pods_of(document, workload):
        if other["spec"].get("nodeName") in load:
            load[other["spec"]["nodeName"]] += 1
    if load:
        pod["spec"]["nodeName"] = min(load, key=lambda name: load[name])


def _add(document: Object, workload: Workload, node: str | None) -> None:
    owners = {
        "Deployment": "ReplicaSet",
        "StatefulSet": "StatefulSet",
        "DaemonSet": "DaemonSet",
        "Static": "Node",
    }
    controller: list[Any] = []
    if workload.kind in owners:
        controller = [{"kind": owners[workload.kind], "name": workload.name, "controller": True}]
    suffix = node if workload.kind == "Static" else uuid.uuid4().hex[:5]
    POD.add(
        document,
        workload.namespace,
        workload.name if workload.kind == "Pod" else f"{workload.name}-{suffix}",
        metadata={
            "labels": {"app": workload.name},
            "annotations": {OWNER: workload.key} | ({MIRROR: "simulated"} if workload.kind == "Static" else {}),
            "ownerReferences": controller,
        },
        spec={
            "nodeName": node,
            "volumes": [{"name": "scratch", "emptyDir": {}}] if workload.empty_dir else [],
        },
    )


def _budget(document: Object, workload: Workload, least: int) -> None:
    if BUDGET.get(document, workload.namespace, workload.name) is None:
        spec = {"minAvailable": least, "selector": {"matchLabels": {"app": workload.name}}}
        notes = {"annotations": {OWNER: workload.key}}
        BUDGET.add(document, workload.namespace, workload.name, metadata=notes, spec=spec)


def _workload(found: Object) -> str | None:
    owner: str | None = found["metadata"]["annotations"].get(OWNER)
    return owner


def _report(pod: Object, nodes: dict[str, Object]) -> None:
    node = pod["spec"].get("nodeName")
    if node is None:
        pod["status"] = {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False"}]}
        return
    ready = "True" if works(nodes[node]) else "False"
    pod["status"] = {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}


def _selected(document: Object, budget: Object) -> list[Object]:
    namespace, wanted = budget["metadata"]["namespace"], budget["spec"]["selector"]["matchLabels"]
    return [
        pod
        for pod in POD.all(document)
        if pod["metadata"]["namespace"] == namespace and wanted.items() <= pod["metadata"]["labels"].items()
    ]


def _healthy(document: Object, budget: Object) -> int:
    return sum(condition(pod, "Ready") == "True" for pod in _selected(document, budget))


def evict(document: Object, pod: Object) -> str:
    """Evict a pod through the API; the answer is why that is refused, empty when it went."""
    ready = condition(pod, "Ready") == "True"
    for budget in BUDGET.all(document):
        if pod in _selected(document, budget) and pod["status"].get("phase") != "Pending":
            # One that is not Ready may go while the others are enough.
            left = _healthy(document, budget) - int(ready)
            if left < budget["spec"]["minAvailable"]:
                return VIOLATES
    POD.remove(document, pod)
    return ""

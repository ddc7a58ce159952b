"""What keeps a drain from Longhorn's last copies: a budget for every node's instance manager."""

from __future__ import annotations

from sim.machines.longhorn.kinds import NAMESPACE, NODE, REPLICA, VOLUME, drain_policy
from sim.machines.longhorn.volumes import last_of
from sim.machines.objects import BUDGET, POD, Object
from sim.machines.workloads import schedulable

MANAGER = "instance-manager"


def protect(document: Object) -> None:
    """Every node's instance manager has a budget that no eviction fits into, until the drain policy lets it go."""
    for node in NODE.all(document):
        host = node["metadata"]["name"]
        kube, name = document["nodes"].get(host), f"{MANAGER}-{host}"
        if kube is None or not node["spec"]["disks"]:
            continue
        if POD.get(document, NAMESPACE, name) is None and schedulable(kube):
            owner = {"kind": "InstanceManager", "name": name, "controller": True}
            metadata = {"labels": {"app": name}, "ownerReferences": [owner]}
            ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
            POD.add(document, NAMESPACE, name, metadata=metadata, spec={"nodeName": host, "volumes": []}, status=ready)
        budget = BUDGET.get(document, NAMESPACE, name)
        wanted = not kube["spec"].get("unschedulable") or _blocks(document, host)
        if wanted and budget is None:
            BUDGET.add(
                document,
                NAMESPACE,
                name,
                spec={"minAvailable": 1, "selector": {"matchLabels": {"app": name}}},
                status={"disruptionsAllowed": 0},
            )
        elif not wanted and budget is not None:
            BUDGET.remove(document, budget)


def _blocks(document: Object, host: str) -> bool:
    """Whether a cordoned node's instance manager may not go yet."""
    volumes, policy = list(VOLUME.all(document)), drain_policy(document)
    if policy == "always-allow":
        return False
    if policy == "allow-if-replica-is-stopped":
        return any(last_of(document, host, volume, running=True) for volume in volumes)
    if policy == "block-for-eviction":
        return any(replica["spec"]["nodeID"] == host for replica in REPLICA.all(document))
    return any(last_of(document, host, volume) for volume in volumes)


def remove_managers(document: Object) -> None:
    """Clean up after Longhorn was uninstalled."""
    for kind in (POD, BUDGET):
        for found in kind.all(document):
            metadata = found["metadata"]
            if metadata.get("namespace") == NAMESPACE and metadata["name"].startswith(f"{MANAGER}-"):
                kind.remove(document, found)

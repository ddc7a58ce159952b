"""Longhorn's volumes and replicas: which are lost, rebuilt, moved. What takes it minutes is done at once here.

A rebuild waits only while a fault holds it, and a volume does not give a node up that may come back: only one whose
node is gone from the cluster is replaced elsewhere.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from sim.machines.longhorn.kinds import DATA_PATH, NAMESPACE, NODE, REPLICA, VOLUME, drain_policy
from sim.machines.longhorn.nodes import disks
from sim.machines.objects import NOW, Object, condition
from sim.machines.workloads import pods_of, read, schedulable, works

if TYPE_CHECKING:
    from collections.abc import Callable


def add_volume(document: Object, name: str, nodes: tuple[str, ...], *, wanted: int = 0, attached: bool = True) -> None:
    """Put a volume into the cluster with a healthy replica on each of these nodes."""
    VOLUME.add(
        document,
        NAMESPACE,
        name,
        spec={
            "numberOfReplicas": wanted or len(nodes),
            "size": "1073741824",
            "accessMode": "rwo",
            "nodeID": nodes[0] if attached else "",
        },
        status={"state": "detached", "robustness": "unknown"},
    )
    for node in nodes:
        new_replica(document, name, node)


def new_replica(document: Object, volume: str, host: str) -> Object:
    """Put a healthy replica on a node's disk."""
    node = NODE.get(document, NAMESPACE, host)
    found = disks(node) if node else []
    if not found:
        raise ValueError(f"Longhorn's node {host} has no disk that works")
    return REPLICA.add(
        document,
        NAMESPACE,
        f"{volume}-r-{uuid.uuid4().hex[:8]}",
        metadata={"labels": {"longhornvolume": volume, "longhornnode": host}},
        spec={
            "volumeName": volume,
            "nodeID": host,
            "diskID": found[0],
            "diskPath": DATA_PATH,
            "desireState": "running",
            "healthyAt": NOW,
            "lastHealthyAt": NOW,
            "failedAt": "",
            "lastFailedAt": "",
            "evictionRequested": False,
        },
        status={"currentState": "running"},
    )


def replicas_of(document: Object, volume: Object) -> list[Object]:
    """All replicas of a volume."""
    name = volume["metadata"]["name"]
    return [replica for replica in REPLICA.all(document) if replica["spec"]["volumeName"] == name]


def healthy(replica: Object) -> bool:
    """Whether its data is whole, as far as its volume knows."""
    return bool(replica["spec"]["healthyAt"]) and not replica["spec"]["failedAt"]


def _reachable(document: Object, replica: Object) -> bool:
    """Whether the node runs and the disk is the one that the replica was written to."""
    node = NODE.get(document, NAMESPACE, replica["spec"]["nodeID"])
    return node is not None and condition(node, "Ready") == "True" and replica["spec"]["diskID"] in disks(node)


def attach(document: Object, volume: Object) -> None:
    """A volume that workloads use is attached while one of their pods runs; others are where they are wanted."""
    users = [workload for workload in read(document) if volume["metadata"]["name"] in workload.volumes]
    running = [pod for user in users for pod in pods_of(document, user) if condition(pod, "Ready") == "True"]
    if users:
        volume["spec"]["nodeID"] = running[0]["spec"]["nodeName"] if running else ""
    volume["status"]["state"] = "attached" if volume["spec"]["nodeID"] else "detached"


def mend(document: Object, volume: Object, held: Callable[[str], bool]) -> None:
    """Fail replicas that are lost, take the best ones back, rebuild, move away what is to be evicted."""
    replicas = replicas_of(document, volume)
    _fail(document, volume, replicas)
    there = [replica for replica in replicas if _reachable(document, replica)]
    if any(healthy(replica) for replica in there):
        _mark_evictions(document, volume, replicas)
        # A detached volume is attached for an eviction, and for nothing else.
        evicted = any(replica["spec"]["evictionRequested"] for replica in replicas)
        if evicted or volume["status"]["state"] == "attached":
            _rebuild(document, volume, there, held)


def _fail(document: Object, volume: Object, replicas: list[Object]) -> None:
    """An attached volume fails the replicas that it cannot reach, and salvages when all had failed."""
    for replica in replicas:
        lost = volume["status"]["state"] == "attached" and not _reachable(document, replica)
        if lost and healthy(replica):
            replica["spec"] |= {"failedAt": NOW, "lastFailedAt": NOW}
    if not any(healthy(replica) for replica in replicas):
        # The setting autoSalvage: all copies failed together, and those that are back are as good as any.
        for replica in replicas:
            if _reachable(document, replica):
                replica["spec"]["failedAt"] = ""


def _rebuild(document: Object, volume: Object, there: list[Object], held: Callable[[str], bool]) -> None:
    lacking = [replica for replica in there if replica["spec"]["failedAt"]]
    staying = [replica for replica in there if healthy(replica) and not replica["spec"]["evictionRequested"]]
    all_of = replicas_of(document, volume)
    waiting = [r for r in all_of if r["spec"]["failedAt"] and r["spec"]["nodeID"] in document["nodes"]]
    wanted, name = volume["spec"]["numberOfReplicas"], volume["metadata"]["name"]
    places = _candidates(document, volume)[: max(0, wanted - len(staying) - len(waiting))]
    if (lacking or places) and held(name):
        return
    for replica in lacking:
        replica["spec"] |= {"failedAt": "", "healthyAt": NOW, "lastHealthyAt": NOW}
    staying += [new_replica(document, name, host) for host in places]
    if len(staying) >= wanted:
        for replica in replicas_of(document, volume):
            if replica["spec"]["evictionRequested"]:
                REPLICA.remove(document, replica)


def _mark_evictions(document: Object, volume: Object, replicas: list[Object]) -> None:
    """By the owner's request, or by the drain policy on a cordoned node; a node that is down evicts nothing."""
    for replica in replicas:
        host = replica["spec"]["nodeID"]
        node, kube = NODE.get(document, NAMESPACE, host), document["nodes"].get(host)
        if node is None or kube is None or not works(kube):
            replica["spec"]["evictionRequested"] = False
            continue
        asked = node["spec"]["evictionRequested"] or any(
            disk["evictionRequested"] for disk in node["spec"]["disks"].values()
        )
        policy = drain_policy(document)
        last = policy == "block-for-eviction-if-contains-last-replica" and last_of(document, host, volume)
        drained = bool(kube["spec"].get("unschedulable")) and (last or policy == "block-for-eviction")
        replica["spec"]["evictionRequested"] = asked or drained


def _candidates(document: Object, volume: Object) -> list[str]:
    """Nodes that may take a replica: one of a volume each, never a cordoned or an evicted one."""
    having = {replica["spec"]["nodeID"] for replica in replicas_of(document, volume)}
    found = []
    for node in NODE.all(document):
        name, kube = node["metadata"]["name"], document["nodes"].get(node["metadata"]["name"])
        open_disk = disks(node) and any(disk["allowScheduling"] for disk in node["spec"]["disks"].values())
        if name not in having and kube and schedulable(kube) and node["spec"]["allowScheduling"] and open_disk:
            found.append(name)
    return sorted(found)


def report_volume(document: Object, volume: Object) -> None:
    """Write the volume's robustness."""
    replicas = replicas_of(document, volume)
    good = sum(healthy(replica) for replica in replicas)
    if not good:
        volume["status"] |= {"robustness": "faulted", "state": "detached"}
    elif volume["status"]["state"] != "attached":
        volume["status"]["robustness"] = "unknown"
    else:
        volume["status"]["robustness"] = "healthy" if good >= volume["spec"]["numberOfReplicas"] else "degraded"


def last_of(document: Object, host: str, volume: Object, *, running: bool = False) -> bool:
    """Whether a node has the volume's only healthy replica, of an attached volume if `running`."""
    good = [replica for replica in replicas_of(document, volume) if healthy(replica)]
    attached = volume["status"]["state"] == "attached" or not running
    return attached and bool(good) and all(replica["spec"]["nodeID"] == host for replica in good)

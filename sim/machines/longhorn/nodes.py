"""Longhorn's nodes and their disks: what its manager reports of them, and what its webhook refuses."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

from sim.machines.longhorn.kinds import DATA_PATH, REPLICA
from sim.machines.objects import Object, condition
from sim.machines.workloads import works

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DISK_FILE = "var/lib/longhorn/longhorn-disk.cfg"
LABEL = "node.longhorn.io/create-default-disk"


def report_node(document: Object, node: Object, roots: Mapping[str, Path]) -> None:
    """Write what the manager on it reports, and give a labelled node its default disk."""
    name = node["metadata"]["name"]
    kube = document["nodes"].get(name)
    ready, reason = "True", ""
    if kube is None:
        ready, reason = "False", "KubernetesNodeGone"
    elif not works(kube):
        ready, reason = "False", "KubernetesNodeNotReady"
    cordoned = kube is not None and bool(kube["spec"].get("unschedulable"))
    if kube is not None and kube["metadata"]["labels"].get(LABEL) == "true" and not node["spec"]["disks"]:
        disk = {"path": DATA_PATH, "allowScheduling": True, "evictionRequested": False, "diskType": "filesystem"}
        node["spec"]["disks"] = {f"default-disk-{uuid.uuid4().hex[:12]}": disk | {"storageReserved": 0, "tags": []}}
    before = node["status"].get("diskStatus") or {}
    node["status"] = {
        "autoEvicting": False,
        "conditions": [
            {"type": "Ready", "status": ready, "reason": reason},
            {
                "type": "Schedulable",
                "status": "False" if cordoned else "True",
                "reason": "KubernetesNodeCordoned" if cordoned else "",
            },
        ],
        "diskStatus": {
            disk: {"diskName": disk} | _disk_status(before.get(disk, {}), roots.get(name) if ready == "True" else None)
            for disk in node["spec"]["disks"]
        },
    }


def _disk_status(before: Object, root: Path | None) -> Object:
    """A disk is known by the id in its own file; one with another file system is another disk, and not Ready."""
    known, reason = before.get("diskUUID", ""), ""
    if root is None:
        reason = "NodeNotReady"
    else:
        path = root / DISK_FILE
        if not path.exists() and not known:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"diskUUID": str(uuid.uuid4())}))
        found = json.loads(path.read_text())["diskUUID"] if path.exists() else ""
        known = known or found
        reason = "" if known == found else "DiskFilesystemChanged"
    status = "False" if reason else "True"
    return {
        "diskUUID": known,
        "diskPath": DATA_PATH,
        "diskType": "filesystem",
        "conditions": [
            {"type": "Ready", "status": status, "reason": reason},
            {"type": "Schedulable", "status": status, "reason": reason},
        ],
    }


def disks(node: Object) -> list[str]:
    """Ids of a node's disks that work."""
    status = node["status"].get("diskStatus", {}).values()
    return [disk["diskUUID"] for disk in status if condition({"status": disk}, "Ready") == "True"]


def refuses_deletion(document: Object, node: Object) -> str:
    """Why Longhorn's webhook refuses to delete a node; empty when it may go."""
    name = node["metadata"]["name"]
    here = [replica for replica in REPLICA.all(document) if replica["spec"]["nodeID"] == name]
    ready = next(entry for entry in node["status"]["conditions"] if entry["type"] == "Ready")
    gone = ready["reason"] in ("KubernetesNodeGone", "ManagerPodMissing")
    if ready["status"] == "True" or not gone or node["spec"]["allowScheduling"] or here:
        return (
            f"could not delete node {name} with node ready condition is {ready['status']}, reason is "
            f"{ready['reason']}, node schedulable {str(node['spec']['allowScheduling']).lower()}, and {len(here)} "
            "replica, 0 engine running on it"
        )
    return ""


def refuses_change(node: Object) -> str:
    """Why Longhorn's webhook refuses a changed node; empty when it takes it."""
    name = node["metadata"]["name"]
    cure = "or cancel eviction to enable scheduling on this"
    if node["spec"]["evictionRequested"] and node["spec"]["allowScheduling"]:
        return f"need to disable scheduling on node {name} for node eviction, {cure} node"
    for disk, entry in node["spec"]["disks"].items():
        if entry["evictionRequested"] and entry["allowScheduling"]:
            return f"need to disable scheduling on disk {disk} for disk eviction, {cure} disk"
    return ""

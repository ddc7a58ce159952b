"""Node objects as a kubelet registers them. Other objects of the API are not the machines' matter."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.machines.closure import Closure
    from sim.machines.service import Service

ETCD = "etcd.k3s.cattle.io"
"""How k3s' annotations about members of etcd begin."""

BOOT_ID = "proc/sys/kernel/random/boot_id"
ARCHITECTURES = {"x86_64-linux": "amd64", "aarch64-linux": "arm64"}


def new_node(closure: Closure) -> dict[str, Any]:
    """A node that has just registered; its status follows with `update_status`."""
    arch = ARCHITECTURES.get(closure.entry.get("arch", ""), "amd64")
    labels = {
        "beta.kubernetes.io/arch": arch,
        "kubernetes.io/arch": arch,
        "kubernetes.io/hostname": closure.host,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": "k3s",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": closure.host,
            "uid": str(uuid.uuid4()),
            "labels": labels,
            "annotations": {"k3s.io/internal-ip": closure.entry["address"]},
        },
        "spec": {"providerID": f"k3s://{closure.host}"},
        "status": {},
    }


def note_member(node: dict[str, Any], host: str, member: dict[str, Any]) -> None:
    """Write which member of etcd runs on the node; a removal that was of another one is over."""
    labels, notes = node["metadata"]["labels"], node["metadata"]["annotations"]
    labels |= {"node-role.kubernetes.io/control-plane": "true", "node-role.kubernetes.io/etcd": "true"}
    notes |= {f"{ETCD}/node-name": f"{host}-{member['id'][:8]}", f"{ETCD}/node-address": member["address"]}
    if notes.pop(f"{ETCD}/removed-node-name", None):
        notes[f"{ETCD}/remove"] = "false"


def note_removal(node: dict[str, Any]) -> None:
    """Write that its member was removed because an annotation asked for it."""
    notes = node["metadata"]["annotations"]
    notes[f"{ETCD}/removed-node-name"] = notes.pop(f"{ETCD}/node-name", "")
    notes.pop(f"{ETCD}/node-address", None)


def _voter(member: dict[str, Any] | None, *, running: bool) -> dict[str, str]:
    """k3s' condition EtcdIsVoter."""
    if member is None:
        status, reason = "False", "NotAMember"
    elif not running:
        status, reason = "False", "Unhealthy"
    elif member.get("learner"):
        status, reason = "False", "MemberIsLearner"
    else:
        status, reason = "True", "MemberNotLearner"
    return {"type": "EtcdIsVoter", "status": status, "reason": reason, "message": reason}


def update_status(
    node: dict[str, Any], service: Service | None, member: dict[str, Any] | None = None, *, votes: bool = False
) -> None:
    """Write what the kubelet reports; without a working kubelet the node stays as it was, but not Ready.

    `member`: its member of etcd; `votes`: whether that one runs.
    """
    status = node["status"]
    if service is not None:
        closure = service.closure
        status["addresses"] = [
            {"type": "InternalIP", "address": closure.entry["address"]},
            {"type": "Hostname", "address": closure.host},
        ]
        status["nodeInfo"] = {
            "architecture": node["metadata"]["labels"]["kubernetes.io/arch"],
            "bootID": (service.root / BOOT_ID).read_text().strip(),
            "kubeletVersion": closure.cluster["k3sVersion"],
            "machineID": service.machine,
            "operatingSystem": "linux",
            "osImage": "NixOS",
        }
    ready = service is not None
    now = "True" if ready else "Unknown"
    before: dict[str, str] = next(iter(status.get("conditions", ())), {})
    since = before.get("lastTransitionTime", "") if before.get("status") == now else ""
    status["conditions"] = [
        {
            "type": "Ready",
            "status": now,
            "lastTransitionTime": since or f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "reason": "KubeletReady" if ready else "NodeStatusUnknown",
            "message": "kubelet is posting ready status" if ready else "Kubelet stopped posting node status.",
        }
    ]
    if "node-role.kubernetes.io/etcd" in node["metadata"]["labels"]:
        status["conditions"].append(_voter(member, running=votes))

"""Node objects as a kubelet registers them. Other objects of the API are not the machines' matter."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.machines.closure import Closure
    from sim.machines.service import Service

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
    if closure.entry["role"] == "server":
        labels |= {"node-role.kubernetes.io/control-plane": "true", "node-role.kubernetes.io/etcd": "true"}
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


def update_status(node: dict[str, Any], service: Service | None) -> None:
    """Write what the kubelet reports; without a working kubelet the node stays as it was, but not Ready."""
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
    status["conditions"] = [
        {
            "type": "Ready",
            "status": "True" if ready else "Unknown",
            "reason": "KubeletReady" if ready else "NodeStatusUnknown",
            "message": "kubelet is posting ready status" if ready else "Kubelet stopped posting node status.",
        }
    ]

"""Node objects as a kubelet registers them. Other objects of the API are not the machines' matter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.machines.closure import Closure

ARCHITECTURES = {"x86_64-linux": "amd64", "aarch64-linux": "arm64"}


def new_node(closure: Closure, machine: str) -> dict[str, Any]:
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
            "uid": f"{closure.host}-{machine}",
            "labels": labels,
            "annotations": {"k3s.io/internal-ip": closure.entry["address"]},
        },
        "spec": {"providerID": f"k3s://{closure.host}"},
        "status": {},
    }


def update_status(node: dict[str, Any], closure: Closure | None, machine: str | None) -> None:
    """Write what the kubelet reports; without a working kubelet the node stays as it was, but not Ready."""
    status = node["status"]
    if closure is not None:
        status["addresses"] = [
            {"type": "InternalIP", "address": closure.entry["address"]},
            {"type": "Hostname", "address": closure.host},
        ]
        status["nodeInfo"] = {
            "architecture": node["metadata"]["labels"]["kubernetes.io/arch"],
            "kubeletVersion": closure.cluster["k3sVersion"],
            "machineID": machine,
            "operatingSystem": "linux",
            "osImage": "NixOS",
        }
    ready = closure is not None
    status["conditions"] = [
        {
            "type": "Ready",
            "status": "True" if ready else "Unknown",
            "reason": "KubeletReady" if ready else "NodeStatusUnknown",
            "message": "kubelet is posting ready status" if ready else "Kubelet stopped posting node status.",
        }
    ]

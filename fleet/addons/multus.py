"""Multus, the thick plugin, on k3s' paths, as manifests. Which networks pods attach to is storage_network.py's matter.

The paths differ from upstream's manifest, as k3s keeps its CNI configuration and binaries below its data directory; the
binaries' folder has to be mounted at the host's own path, because Multus hands it on to the plugins that it calls.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fleet.addons.definitions import definition
from fleet.addons.pinned import pinned

if TYPE_CHECKING:
    from fleet.addons.values import Values

NAMESPACE = "kube-system"
DATA_DIR = "/var/lib/rancher/k3s"
"""k3s' data directory; NixOS' module has it fixed."""

CONF_DIR = f"{DATA_DIR}/agent/etc/cni/net.d"
BIN_DIR = f"{DATA_DIR}/data/cni"
"""The same folder through all upgrades of k3s, since 1.28.15."""

IMAGE = "ghcr.io/k8snetworkplumbingwg/multus-cni"

ACCOUNT = "multus"
CONFIG = "multus-daemon-config"
DAEMON = "kube-multus-ds"

ATTACHMENTS = definition(
    "k8s.cni.cncf.io",
    "NetworkAttachmentDefinition",
    "network-attachment-definitions",
    version="v1",
    spec={"type": "object", "properties": {"config": {"type": "string"}}},
    short_names=("net-attach-def",),
)
"""Definition of the attachments."""

RULES: list[Values] = [
    {"apiGroups": ["k8s.cni.cncf.io"], "resources": ["*"], "verbs": ["*"]},
    {"apiGroups": [""], "resources": ["pods", "pods/status"], "verbs": ["get", "list", "update", "watch"]},
    {"apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch", "update"]},
]

DAEMON_CONFIG: Values = {
    "chrootDir": "/hostroot",
    "cniVersion": "0.3.1",
    "logLevel": "error",
    "logToStderr": True,
    "binDir": BIN_DIR,
    "cniConfigDir": "/host/etc/cni/net.d",
    "multusAutoconfigDir": "/host/etc/cni/net.d",
    "multusConfigFile": "auto",
    # After a boot, pods must not start before flannel has said which subnet is the node's.
    "readinessindicatorfile": "/run/flannel/subnet.env",
    "socketDir": "/host/run/multus/",
}

_HOST_PATHS = {
    "cni": CONF_DIR,
    "cnibin": BIN_DIR,
    "hostroot": "/",
    "host-run": "/run",
    "host-var-lib-cni-multus": "/var/lib/cni/multus",
    "host-var-lib-kubelet": "/var/lib/kubelet",
    "host-run-k8s-cni-cncf-io": "/run/k8s.cni.cncf.io",
    "host-run-netns": "/run/netns/",
    "host-run-flannel": "/run/flannel",
}

_MOUNTS: list[Values] = [
    {"name": "cni", "mountPath": "/host/etc/cni/net.d"},
    {"name": "cnibin", "mountPath": BIN_DIR},
    {"name": "host-run", "mountPath": "/host/run"},
    {"name": "host-var-lib-cni-multus", "mountPath": "/var/lib/cni/multus"},
    {"name": "host-var-lib-kubelet", "mountPath": "/var/lib/kubelet", "mountPropagation": "HostToContainer"},
    {"name": "host-run-k8s-cni-cncf-io", "mountPath": "/run/k8s.cni.cncf.io"},
    {"name": "host-run-netns", "mountPath": "/run/netns", "mountPropagation": "HostToContainer"},
    {"name": "host-run-flannel", "mountPath": "/run/flannel", "readOnly": True},
    {"name": "multus-daemon-config", "mountPath": "/etc/cni/net.d/multus.d", "readOnly": True},
    {"name": "hostroot", "mountPath": "/hostroot", "mountPropagation": "HostToContainer"},
]

TOLERATE_ALL: list[Values] = [
    {"operator": "Exists", "effect": "NoSchedule"},
    {"operator": "Exists", "effect": "NoExecute"},
]


def config_map() -> Values:
    """What the daemon reads."""
    return {
        "metadata": {"name": CONFIG, "namespace": NAMESPACE},
        "data": {"daemon-config.json": json.dumps(DAEMON_CONFIG, indent=2, sort_keys=True)},
    }


def _containers(image: str) -> Values:
    daemon = {
        "name": "kube-multus",
        "image": image,
        "command": ["/usr/src/multus-cni/bin/multus-daemon"],
        # Upstream's 50 MiB are few for a node with many pods, and the daemon's end stops every new pod.
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": {"privileged": True},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "env": [{"name": "MULTUS_NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
        "volumeMounts": _MOUNTS,
    }
    installer = {
        "name": "install-multus-binary",
        "image": image,
        "command": ["/usr/src/multus-cni/bin/install_multus", "-d", "/host/opt/cni/bin", "-t", "thick"],
        "resources": {"requests": {"cpu": "10m", "memory": "15Mi"}},
        "securityContext": {"privileged": True},
        "volumeMounts": [{"name": "cnibin", "mountPath": "/host/opt/cni/bin", "mountPropagation": "Bidirectional"}],
    }
    return {"initContainers": [installer], "containers": [daemon]}


def image(version: str) -> str:
    """Where the daemon of a version comes from."""
    return f"{IMAGE}:{version}-thick"


def daemon_set(version: str) -> Values:
    """The daemon on every node, of the image that has all of the fleet's architectures."""
    labels = {"app": "multus", "name": "multus"}
    volumes: list[Values] = [
        *({"name": name, "hostPath": {"path": path}} for name, path in _HOST_PATHS.items()),
        {"name": "multus-daemon-config", "configMap": {"name": CONFIG}},
    ]
    pod = {
        "hostNetwork": True,
        "hostPID": True,
        "serviceAccountName": ACCOUNT,
        "priorityClassName": "system-node-critical",
        "tolerations": TOLERATE_ALL,
        "terminationGracePeriodSeconds": 10,
        "volumes": volumes,
        **_containers(pinned(image(version))),
    }
    return {
        "metadata": {"name": DAEMON, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "selector": {"matchLabels": {"name": "multus"}},
            "updateStrategy": {"type": "RollingUpdate"},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }

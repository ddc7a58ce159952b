"""The storage smoke test as data: a claim of the default kind, and a job that writes to it and reads back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.addons.longhorn import DATA_LOCALITY, PROVISIONER, replicas
from fleet.addons.pinned import pinned

if TYPE_CHECKING:
    from fleet.addons.values import Values
    from fleet.settings import Fleet

NAMESPACE = "storage-smoke-test"
STORAGE_CLASS = "longhorn-smoke-test"
IMAGE = "docker.io/library/busybox:1.37.0"
"""For all architectures of the fleet."""

DEADLINE_SECONDS = 600

SCRIPT = """set -eu
head -c 1048576 /dev/urandom > /tmp/wanted
cp /tmp/wanted /data/probe
sync
cmp /tmp/wanted /data/probe
rm /data/probe
echo "written and read back: 1 MiB"
"""
"""Compares what it wrote with what comes back; any failure ends the job with an error."""


def storage_class(fleet: Fleet) -> Values:
    """A class like the default one, but one whose volumes go with their claims."""
    return {
        "metadata": {"name": STORAGE_CLASS},
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
        "parameters": {
            "numberOfReplicas": str(replicas(fleet)),
            "dataLocality": DATA_LOCALITY,
            "staleReplicaTimeout": "30",
            "fsType": "ext4",
        },
    }


def claim() -> Values:
    """A claim on the class."""
    return {
        "metadata": {"name": "probe", "namespace": NAMESPACE},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": STORAGE_CLASS,
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


def job(version: str) -> Values:
    """The job; another version of the storage makes it another job, which runs."""
    container = {
        "name": "probe",
        "image": pinned(IMAGE),
        "command": ["/bin/sh", "-c", SCRIPT],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    template = {
        "metadata": {"annotations": {"storage-version": version}},
        "spec": {
            "restartPolicy": "Never",
            "containers": [container],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "probe"}}],
        },
    }
    return {
        "metadata": {"name": "probe", "namespace": NAMESPACE},
        "spec": {"backoffLimit": 2, "activeDeadlineSeconds": DEADLINE_SECONDS, "template": template},
    }

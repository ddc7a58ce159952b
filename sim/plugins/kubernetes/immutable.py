"""Which fields of native objects cannot be changed in place, as the real plugin knows them."""

from __future__ import annotations

from typing import Final

ALWAYS: Final = ("apiVersion", "kind", "metadata.name", "metadata.namespace")

BY_KIND: Final = {
    "ClusterRoleBinding": ("roleRef",),
    "ConfigMap": ("binaryData", "data", "immutable"),
    "CSIDriver": ("spec",),
    "DaemonSet": ("spec.selector",),
    "Deployment": ("spec.selector",),
    "Job": ("spec.completionMode", "spec.completions", "spec.podFailurePolicy", "spec.selector", "spec.template"),
    "PersistentVolumeClaim": (
        "spec.accessModes",
        "spec.dataSource",
        "spec.selector",
        "spec.storageClassName",
        "spec.volumeMode",
        "spec.volumeName",
    ),
    "RoleBinding": ("roleRef",),
    "Secret": ("data", "immutable", "stringData", "type"),
    "StatefulSet": ("spec.podManagementPolicy", "spec.selector", "spec.serviceName", "spec.volumeClaimTemplates"),
    "StorageClass": (
        "allowVolumeExpansion",
        "mountOptions",
        "parameters",
        "provisioner",
        "reclaimPolicy",
        "volumeBindingMode",
    ),
}
"""Kind to the paths below which a change needs a new object."""


def replaces(kind: str, path: str) -> bool:
    """Say whether a change at a path needs a new object."""
    return any(
        path == fixed or path.startswith((f"{fixed}.", f"{fixed}[")) for fixed in (*ALWAYS, *BY_KIND.get(kind, ()))
    )

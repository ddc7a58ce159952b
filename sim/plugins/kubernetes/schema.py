"""Which objects a cluster takes: native ones by Kubernetes' own schemas, custom ones by the definitions it has.

Schemas of custom resources are not looked at, except for fields that the definitions of known charts require.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.plugins.server import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sim.plugins.kubernetes.api import Document, Object, Reference

KUBERNETES = "1.35"
"""Minor version of the pinned k3s."""

NATIVE_GROUPS = {"", "apps", "batch", "autoscaling", "policy", "extensions"}
"""Groups without a domain; the others of Kubernetes end in `.k8s.io`, but not all that do are native."""

CLUSTER_WIDE = {
    "APIService",
    "CSIDriver",
    "CSINode",
    "CertificateSigningRequest",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "FlowSchema",
    "IngressClass",
    "MutatingWebhookConfiguration",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "PriorityLevelConfiguration",
    "RuntimeClass",
    "StorageClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
    "VolumeAttachment",
}
NATIVE_DOMAINS = {
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
}


def is_native(group: str) -> bool:
    """Say whether a group is Kubernetes' own."""
    return group in NATIVE_GROUPS or group in NATIVE_DOMAINS


def faults(content: Object) -> Iterator[tuple[str, str]]:
    """Yield what Kubernetes' schema finds wrong with a native object: path and reason. Unknown fields are wrong."""
    # Imported here: the schemas cost a tenth of a second that a plugin without native objects need not spend.
    import kubernetes_validate  # noqa: PLC0415

    try:
        kubernetes_validate.validate(content, KUBERNETES, strict=True)
    except kubernetes_validate.SchemaNotFoundError:
        yield "kind", f'no matches for kind "{content["kind"]}" in version "{content["apiVersion"]}"'
    except kubernetes_validate.ValidationError as error:
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.path)
        yield path.lstrip("."), f"{path or '.'}: {error.message}"


def definition(document: Document, ref: Reference) -> dict[str, Any]:
    """Return the definition of a custom resource, or refuse as a cluster without it does."""
    for entry in document.kinds("CustomResourceDefinition"):
        spec: dict[str, Any] = entry.get("spec", {})
        served = [version["name"] for version in spec.get("versions", []) if version.get("served")]
        if spec.get("group") == ref.group and spec.get("names", {}).get("kind") == ref.kind and ref.version in served:
            return spec
    raise Refused(
        f'no matches for kind "{ref.kind}" in version "{ref.api_version}": '
        "the cluster has no such CustomResourceDefinition"
    )


def hold_custom(document: Document, ref: Reference, content: Object) -> None:
    """Hold a custom resource to its definition's scope and required fields."""
    spec = definition(document, ref)
    if (spec.get("scope") == "Cluster") == bool(ref.namespace):
        raise Refused(f"{ref.kind} {ref.id}: the definition's scope is {spec.get('scope')}")
    served = next(version for version in spec["versions"] if version["name"] == ref.version)
    schema = served.get("schema", {}).get("openAPIV3Schema", {})
    for field in schema.get("required", []):
        if field not in content:
            raise Refused(f'{ref.kind} "{ref.name}" is invalid: {field}: Required value')

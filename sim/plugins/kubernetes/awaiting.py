"""What the plugin waits for after it made an object. Nothing here takes time: what is not there at once never comes.

The real plugin waits up to ten minutes; a program whose order is right never needs that.
"""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING

from sim.plugins.kubernetes.api import Document, Object, Reference

if TYPE_CHECKING:
    from sim.plugins.kubernetes.api import Api

SERVICE_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105 - a type's name
ACCOUNT_NAME = "kubernetes.io/service-account.name"


def settle(api: Api, ref: Reference, document: Document, content: Object) -> str:
    """Let the cluster's controllers work on an object; the answer says why it is not ready, and is empty when it is."""
    if api.world.fault("kubernetes", f"await {ref.kind} {ref.id}"):
        return f"{ref.kind} {ref.id}: timed out waiting for the condition"
    if ref.kind in ("Deployment", "DaemonSet", "StatefulSet"):
        return _workload(ref, document, content)
    if ref.kind == "PersistentVolumeClaim":
        return _claim(ref, document, content)
    if ref.kind == "Job":
        return _job(ref, document, content)
    if ref.kind == "Secret" and content.get("type") == SERVICE_ACCOUNT_TOKEN:
        return _token(ref, document, content)
    if ref.kind == "Namespace":
        content["status"] = {"phase": "Active"}
    return ""


def _workload(ref: Reference, document: Document, content: Object) -> str:
    """Run one pod per node or as many as wanted, if there is a node at all."""
    nodes = document.ready_nodes()
    if ref.kind == "DaemonSet":
        number = len(nodes)
        content["status"] = {
            "currentNumberScheduled": number,
            "desiredNumberScheduled": number,
            "numberReady": number,
            "numberMisscheduled": 0,
        }
        return ""
    if not nodes:
        law = "Minimum number of Pods to consider the application live was not attained"
        return f"{ref.kind} {ref.id}: {law}: no node is Ready"
    replicas = content["spec"].get("replicas", 1)
    content["status"] = {"availableReplicas": replicas, "readyReplicas": replicas, "replicas": replicas}
    return ""


def _claim(ref: Reference, document: Document, content: Object) -> str:
    """Bind a claim when its class exists; every provisioner here works."""
    wanted = content["spec"].get("storageClassName")
    for entry in document.kinds("StorageClass"):
        if entry["metadata"]["name"] == wanted or (wanted is None and _is_default(entry)):
            late = entry.get("volumeBindingMode") == "WaitForFirstConsumer"
            content["status"] = {"phase": "Pending" if late else "Bound"}
            return ""
    content["status"] = {"phase": "Pending"}
    missing = f'storageclass.storage.k8s.io "{wanted or "(default)"}" not found'
    return f"PersistentVolumeClaim {ref.id}: {missing}, so it is never Bound"


def _is_default(storage_class: Object) -> bool:
    notes = storage_class["metadata"].get("annotations", {})
    return bool(notes.get("storageclass.kubernetes.io/is-default-class") == "true")


def _job(ref: Reference, document: Document, content: Object) -> str:
    """Complete a job whose claims exist and whose pod finds a node."""
    volumes = content["spec"]["template"]["spec"].get("volumes", [])
    for volume in volumes:
        name = volume.get("persistentVolumeClaim", {}).get("claimName")
        claim = Reference(api_version="v1", kind="PersistentVolumeClaim", namespace=ref.namespace, name=name or "")
        if name and document.get(claim) is None:
            return f'Job {ref.id}: persistentvolumeclaim "{name}" not found'
    pod, ready = content["spec"]["template"]["spec"], document.ready_nodes()
    wanted = (pod.get("nodeSelector") or {}).get("kubernetes.io/hostname")
    if not ready or wanted not in (None, *ready):
        return f"Job {ref.id}: no node is Ready{f' that is {wanted}' if wanted else ''}"
    account = pod.get("serviceAccountName")
    if account and not document.has_account(ref.namespace, account):
        return f'Job {ref.id}: serviceaccount "{account}" not found'
    content["status"] = {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}
    return ""


def _token(ref: Reference, document: Document, content: Object) -> str:
    """Fill a service account's token as the controller does; it refuses an account that does not exist."""
    name = content["metadata"].get("annotations", {}).get(ACCOUNT_NAME, "")
    if not document.has_account(ref.namespace, name):
        return f'Secret {ref.id}: serviceaccounts "{name}" not found, so it never gets a token'
    authority = document.raw["authority"]["certificate"]
    content["data"] = {
        "ca.crt": _encode(authority),
        "namespace": _encode(ref.namespace),
        "token": content.get("data", {}).get("token") or _encode(f"simulated.{name}.{secrets.token_hex(32)}"),
    }
    return ""


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()

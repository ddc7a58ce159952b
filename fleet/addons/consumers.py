"""The objects that hold the namespace of other stacks: its level of security, its borders and its share."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.addons.values import Values
    from fleet.consumers import Consumers, Quota
    from fleet.settings import Fleet

_INSIDE = tuple(
    IPv4Network(text) for text in ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
)
"""Addresses of no public machine: the hosts' networks, and the metadata service of clouds."""

_NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""Label that the API server itself gives every namespace."""

WRITE = ["create", "delete", "deletecollection", "patch", "update"]
READ = ["get", "list", "watch"]


def namespace_labels(consumers: Consumers) -> dict[str, str]:
    """Labels by which the API server's own admission refuses pods; a namespaced role cannot take them off."""
    return {"pod-security.kubernetes.io/enforce": consumers.pod_security}


def network_policy(fleet: Fleet) -> Values:
    """The borders of the namespace: who is reached, and by whom. k3s' own controller enforces them."""
    ranges = {*_INSIDE, fleet.cluster.pod_range, fleet.cluster.service_range}
    closed = sorted(one for one in ranges if not any(one != other and one.subnet_of(other) for other in ranges))
    dns = {
        "namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    admitted: list[Values] = [
        {"namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: name}}} for name in sorted(set(fleet.consumers.admit))
    ]
    return {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [{"podSelector": {}}, *admitted]}],
        "egress": [
            {"to": [{"podSelector": {}}]},
            {"to": [dns], "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]},
            {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": [str(one) for one in closed]}}]},
        ],
    }


def quota_spec(quota: Quota) -> Values:
    """What the namespace may take; empty without a limit."""
    hard = {
        "requests.cpu": quota.cpu,
        "requests.memory": quota.memory,
        "limits.memory": quota.memory,
        "requests.storage": quota.storage,
        "pods": None if quota.pods is None else str(quota.pods),
    }
    return {"hard": found} if (found := {name: value for name, value in hard.items() if value is not None}) else {}


def limit_spec(quota: Quota) -> Values:
    """What a container asks for that does not say: under a quota such a pod is refused otherwise."""
    default = {"memory": "512Mi"} if quota.memory else {}
    request = {**({"cpu": "100m"} if quota.cpu else {}), **({"memory": "128Mi"} if quota.memory else {})}
    if not request:
        return {}
    entry = {"type": "Container", "defaultRequest": request, **({"default": default} if default else {})}
    return {"limits": [entry]}


def isolated_rules() -> list[Values]:
    """Rights in an isolated namespace: those of Kubernetes' own role `edit` for its own kinds, but no say in borders.

    A network policy only ever adds what is let through, so whoever may write one has none.
    """
    return list(_rules())


def _rules() -> Iterator[Values]:
    """Groups and kinds are those of `system:aggregate-to-edit` in Kubernetes 1.35."""
    core = ["configmaps", "events", "persistentvolumeclaims", "pods", "replicationcontrollers", "secrets"]
    core += ["serviceaccounts", "services"]
    scaled = ["deployments", "replicasets", "statefulsets"]
    for group, kinds in (
        ("", [*core, "replicationcontrollers/scale"]),
        ("apps", ["daemonsets", *scaled, *(f"{kind}/scale" for kind in scaled)]),
        ("autoscaling", ["horizontalpodautoscalers"]),
        ("batch", ["cronjobs", "jobs"]),
        ("coordination.k8s.io", ["leases"]),
        ("networking.k8s.io", ["ingresses"]),
        ("policy", ["poddisruptionbudgets"]),
    ):
        yield {"apiGroups": [group], "resources": kinds, "verbs": [*READ, *WRITE]}
    pod = ["attach", "exec", "portforward", "proxy"]
    yield {
        "apiGroups": [""],
        "resources": [*(f"pods/{part}" for part in pod), "services/proxy"],
        "verbs": ["create", "get"],
    }
    yield {"apiGroups": [""], "resources": ["pods/eviction", "serviceaccounts/token"], "verbs": ["create"]}
    seen = ["endpoints", "limitranges", "pods/log", "pods/status", "resourcequotas", "resourcequotas/status"]
    yield {"apiGroups": [""], "resources": seen, "verbs": READ}
    yield {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": READ}

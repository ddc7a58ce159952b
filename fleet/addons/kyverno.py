"""Values of Kyverno's charts, and the optional policy that shows Longhorn the way to NixOS' binaries.

The policies are those of the Pod Security Standard "baseline" as Kyverno's own chart has them: kept up by those who
know the engine, released together with it. They report and refuse nothing; refusing is for the owner of the workloads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.addons.longhorn import NAMESPACE as LONGHORN_NAMESPACE
from fleet.addons.values import Values, merged

if TYPE_CHECKING:
    from fleet.cluster import Kyverno

CHART = "kyverno"
POLICIES_CHART = "kyverno-policies"
"""Released together with the engine, under the same version."""

REPOSITORY = "https://kyverno.github.io/kyverno/"
NAMESPACE = "kyverno"

FOLDERS = (
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
    "/run/wrappers/bin",
    "/nix/var/nix/profiles/default/bin",
    "/run/current-system/sw/bin",
)
"""Where a container looks for programs: the image's own first, then where NixOS keeps the host's."""


CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}
"""Toleration of what is usually put on servers that are to run nothing else."""


def kyverno_values(settings: Kyverno) -> Values:
    """Values of the engine's chart."""
    single = settings.admission_replicas == 1
    # The chart replaces its list by ours, so that kube-system has to be named again; its own namespace it adds itself.
    spared = ["kube-system"]
    if not settings.longhorn_path_policy:
        spared.append(LONGHORN_NAMESPACE)
    selector = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": spared}
    values: Values = {
        "admissionController": {
            "replicas": settings.admission_replicas,
            "podDisruptionBudget": {"enabled": not single},
            # Every pod of the cluster waits for it: it may run where the API runs, however few agents there are.
            "tolerations": [CONTROL_PLANE],
            # Replicas on one node go down together.
            "antiAffinity": {"enabled": True},
        },
        "config": {
            # The engine must not have to admit itself.
            "excludeKyvernoNamespace": True,
            "webhooks": {"namespaceSelector": {"matchExpressions": [selector]}},
        },
        # Stored resources follow the definitions after an upgrade, before an old version of them is no longer served.
        "crds": {"migration": {"enabled": True}},
        # Webhooks that outlive their engine refuse every pod.
        "webhooksCleanup": {"enabled": True},
        # With one replica, or with storage behind it, an engine that is down must not keep pods from starting.
        "features": {"forceFailurePolicyIgnore": {"enabled": single or settings.longhorn_path_policy}},
    }
    return merged(values, settings.values)


def policies_values() -> Values:
    """Values of the policies' chart."""
    return {
        "podSecurityStandard": "baseline",
        "validationFailureAction": "Audit",
        # A policy that only reports must not refuse when the engine is away.
        "failurePolicy": "Ignore",
    }


def _path_rule(kind: str) -> Values:
    """Set PATH in every container of a kind; a rule each, as a rule whose list is absent would be skipped whole."""
    return {
        "name": f"path-of-{kind.lower()}",
        "match": {"any": [{"resources": {"kinds": ["Pod"], "namespaces": [LONGHORN_NAMESPACE]}}]},
        "preconditions": {
            "all": [
                {"key": f"{{{{ length(request.object.spec.{kind} || `[]`) }}}}", "operator": "GreaterThan", "value": 0}
            ]
        },
        "mutate": {
            "patchStrategicMerge": {
                "spec": {kind: [{"(name)": "*", "env": [{"name": "PATH", "value": ":".join(FOLDERS)}]}]}
            }
        },
    }


def path_policy() -> Values:
    """The cluster policy that gives Longhorn's pods the host's binaries.

    Of the kind that Kyverno still serves but has deprecated: its successor patches by expressions that only a cluster
    can evaluate, and this patch is evaluated by a test.
    """
    return {
        "metadata": {"name": "longhorn-nixos-path"},
        "spec": {
            "background": False,
            "failurePolicy": "Ignore",
            "rules": [_path_rule("containers"), _path_rule("initContainers")],
        },
    }

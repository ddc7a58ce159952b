"""What other stacks may do to the cluster: everything in one namespace, and look at what all share.

Rights in every namespace would hold those of kube-system, whose secrets are the cluster's, so they are not given.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes import core, rbac

from fleet.kubeconfig import certificate_authority, token_kubeconfig

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACE = "workloads"
"""Where other stacks put what they run."""

ACCOUNT = "consumer"
SHARED = "nixfleet-consumer"
"""Cluster role for what all share."""

SHARED_RULES = [
    {"apiGroups": [""], "resources": ["namespaces", "nodes", "persistentvolumes"]},
    {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"]},
    {"apiGroups": ["k8s.cni.cncf.io"], "resources": ["network-attachment-definitions"]},
    {"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"]},
]
READ = ["get", "list", "watch"]


@dataclass(frozen=True, kw_only=True)
class CredentialArgs:
    """What the credential needs to know."""

    cluster: str
    """Name of the cluster."""

    endpoint: pulumi.Input[str]
    """URL of the API, by address."""

    api_name: str
    """DNS name of the API, which its certificate carries."""

    admin_kubeconfig: pulumi.Input[str] = field(repr=False)
    """Only its certificate authority is read."""


class Credential(pulumi.ComponentResource):
    """A scoped credential for other stacks."""

    kubeconfig: pulumi.Output[str]
    """The file, a secret."""

    def __init__(self, name: str, args: CredentialArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Make the account, its rights and its token."""
        super().__init__("nixfleet:index:Credential", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = core.v1.Namespace(f"{name}-namespace", metadata={"name": NAMESPACE}, opts=child)
        inside = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(depends_on=[namespace]), child)
        account = core.v1.ServiceAccount(
            f"{name}-account", metadata={"name": ACCOUNT, "namespace": NAMESPACE}, opts=inside
        )
        self._rights(name, account)
        token = core.v1.Secret(
            f"{name}-token",
            metadata={
                "name": f"{ACCOUNT}-token",
                "namespace": NAMESPACE,
                "annotations": {"kubernetes.io/service-account.name": ACCOUNT},
            },
            type="kubernetes.io/service-account-token",
            # The cluster fills a token only for an account that is there.
            opts=pulumi.ResourceOptions.merge(pulumi.ResourceOptions(depends_on=[account]), child),
        )
        self.kubeconfig = pulumi.Output.secret(
            pulumi.Output.all(
                cluster=args.cluster,
                server=args.endpoint,
                name=args.api_name,
                authority=pulumi.Output.from_input(args.admin_kubeconfig).apply(certificate_authority),
                token=token.data.apply(_token_of),
                user=ACCOUNT,
                namespace=NAMESPACE,
            ).apply(lambda parts: token_kubeconfig(**parts))
        )
        self.register_outputs({"kubeconfig": self.kubeconfig})

    def _rights(self, name: str, account: core.v1.ServiceAccount) -> None:
        child = pulumi.ResourceOptions(parent=self, depends_on=[account])
        subjects = [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}]
        role = rbac.v1.ClusterRole(
            f"{name}-shared",
            metadata={"name": SHARED},
            rules=[{**rule, "verbs": READ} for rule in SHARED_RULES],  # type: ignore[misc]  # plain data of the API
            opts=child,
        )
        rbac.v1.ClusterRoleBinding(
            f"{name}-shared-binding",
            metadata={"name": SHARED},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": SHARED},
            subjects=subjects,  # type: ignore[arg-type]  # plain data of the API
            opts=pulumi.ResourceOptions.merge(pulumi.ResourceOptions(depends_on=[role]), child),
        )
        rbac.v1.RoleBinding(
            f"{name}-binding",
            metadata={"name": ACCOUNT, "namespace": NAMESPACE},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
            subjects=subjects,  # type: ignore[arg-type]  # plain data of the API
            opts=child,
        )


def _token_of(data: Mapping[str, str]) -> str:
    return base64.b64decode(data["token"]).decode()

"""What other stacks may do to the cluster: everything in one namespace, and look at what all share.

Rights in every namespace would hold those of kube-system, whose secrets are the cluster's, so they are not given.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_kubernetes import core, rbac

from fleet.contract.kubeconfig import Api, certificate_authority, token_kubeconfig

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACE = "workloads"
"""Where other stacks put what they run."""

ACCOUNT = "consumer"
READ = ["get", "list", "watch"]
SHARED = "nixfleet-consumer"
"""Cluster role for what all share."""

SHARED_RULES: Any = [
    {"apiGroups": [""], "resources": ["namespaces", "nodes", "persistentvolumes"], "verbs": READ},
    {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": READ},
    {"apiGroups": ["k8s.cni.cncf.io"], "resources": ["network-attachment-definitions"], "verbs": READ},
    {"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": READ},
]


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

    ends: tuple[pulumi.Resource, ...]
    """What nothing else of it depends on."""

    def __init__(self, name: str, args: CredentialArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Make the account, its rights and its token."""
        super().__init__("nixfleet:index:Credential", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = core.v1.Namespace(f"{name}-namespace", metadata={"name": NAMESPACE}, opts=child)
        inside = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(depends_on=[namespace]), child)
        account = core.v1.ServiceAccount(
            f"{name}-account", metadata={"name": ACCOUNT, "namespace": NAMESPACE}, opts=inside
        )
        rights = self._rights(name, account)
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
                server=args.endpoint,
                authority=pulumi.Output.from_input(args.admin_kubeconfig).apply(certificate_authority),
                token=token.data.apply(_token_of),
            ).apply(lambda parts: self._text(args, **parts))
        )
        self.ends = (*rights, token)
        self.register_outputs({"kubeconfig": self.kubeconfig})

    @staticmethod
    def _text(args: CredentialArgs, *, server: str, authority: str, token: str) -> str:
        api = Api(cluster=args.cluster, server=server, name=args.api_name, authority=authority)
        return token_kubeconfig(api, token=token, user=ACCOUNT, namespace=NAMESPACE)

    def _rights(self, name: str, account: core.v1.ServiceAccount) -> tuple[pulumi.Resource, ...]:
        child = pulumi.ResourceOptions(parent=self, depends_on=[account])
        subjects: Any = [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}]
        role = rbac.v1.ClusterRole(
            f"{name}-shared",
            metadata={"name": SHARED},
            rules=SHARED_RULES,
            opts=child,
        )
        shared = rbac.v1.ClusterRoleBinding(
            f"{name}-shared-binding",
            metadata={"name": SHARED},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": SHARED},
            subjects=subjects,
            opts=pulumi.ResourceOptions.merge(pulumi.ResourceOptions(depends_on=[role]), child),
        )
        own = rbac.v1.RoleBinding(
            f"{name}-binding",
            metadata={"name": ACCOUNT, "namespace": NAMESPACE},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
            subjects=subjects,
            opts=child,
        )
        return shared, own


def _token_of(data: Mapping[str, str]) -> str:
    return base64.b64decode(data["token"]).decode()

"""What other stacks may do to the cluster: everything in one namespace, and look at what all share.

Rights in every namespace would hold those of kube-system, whose secrets are the cluster's, so they are not given. Nor
is a pod that is root on its node: the namespace refuses it (fleet/consumers.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_command import local
from pulumi_kubernetes import core, networking, rbac

from components.commands import Work, work
from components.edges import unlinked
from fleet.addons import consumers
from fleet.contract.kubeconfig import Api, certificate_authority, token_kubeconfig

if TYPE_CHECKING:
    from fleet.settings import Fleet

NAMESPACE = "workloads"
"""Where other stacks put what they run."""

ACCOUNT = "consumer"
SHARED = "nixfleet-consumer"
"""Cluster role for what all share."""

TOKEN_DAYS = 190
"""Life of a token: two quarters and a week, so one `up` in each quarter is enough."""

SHARED_RULES: Any = [
    {"apiGroups": [""], "resources": ["namespaces", "nodes", "persistentvolumes"], "verbs": consumers.READ},
    {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": consumers.READ},
    {"apiGroups": ["k8s.cni.cncf.io"], "resources": ["network-attachment-definitions"], "verbs": consumers.READ},
    {"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": consumers.READ},
]


@dataclass(frozen=True, kw_only=True)
class CredentialArgs:
    """What the credential needs to know."""

    stack: str
    """Stack whose contract describes the cluster."""

    fleet: Fleet

    endpoint: pulumi.Input[str]
    """URL of the API, by address."""

    api_name: str
    """DNS name of the API, which its certificate carries."""

    admin_kubeconfig: pulumi.Input[str] = field(repr=False)
    """Only its certificate authority is read."""

    peers: pulumi.Input[str]
    """Where the servers answer, as JSON."""

    renewal: str
    """A word that changes each quarter, and when credentials are renewed by hand."""

    renewed: str
    """When that was; empty: never. What was given before it ends then."""

    deploy_secret: pulumi.Input[str] = field(repr=False)
    """The key to log in with as JSON, a secret."""


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
        labels = consumers.namespace_labels(args.fleet.consumers)
        metadata = {"name": NAMESPACE, "labels": labels}
        namespace = core.v1.Namespace(f"{name}-namespace", metadata=metadata, opts=child)
        inside = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(depends_on=[namespace]), child)
        bounds = self._bounds(name, args.fleet, inside)
        account = core.v1.ServiceAccount(
            f"{name}-account", metadata={"name": ACCOUNT, "namespace": NAMESPACE}, opts=inside
        )
        rights = self._rights(name, args.fleet, account)
        token = self._token(name, args, account)
        self.kubeconfig = pulumi.Output.secret(
            pulumi.Output.all(
                server=args.endpoint,
                authority=pulumi.Output.from_input(args.admin_kubeconfig).apply(certificate_authority),
                token=token.stdout.apply(str.strip),
            ).apply(lambda parts: self._text(args, **parts))
        )
        self.ends = (*bounds, *rights, token)
        self.register_outputs({"kubeconfig": self.kubeconfig})

    @staticmethod
    def _text(args: CredentialArgs, *, server: str, authority: str, token: str) -> str:
        api = Api(cluster=args.fleet.cluster.name, server=server, name=args.api_name, authority=authority)
        return token_kubeconfig(api, token=token, user=ACCOUNT, namespace=NAMESPACE)

    def _token(self, name: str, args: CredentialArgs, account: core.v1.ServiceAccount) -> local.Command:
        """A token that ends by itself, and at once when the secret goes that it is bound to."""
        anchor = "-".join(filter(None, (f"{ACCOUNT}-login", args.renewed.lower().replace(":", ""))))
        bound_to = core.v1.Secret(
            f"{name}-anchor",
            metadata={"name": anchor, "namespace": NAMESPACE},
            immutable=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[account]),
        )
        return work(
            f"{name}-token",
            Work(verb="credential", stack=args.stack, fleet=args.fleet),
            ("create", "update"),
            environment={
                "NIXFLEET_ACCOUNT": ACCOUNT,
                "NIXFLEET_ANCHOR": anchor,
                # Another account of the same name, or another secret, is another's token.
                "NIXFLEET_IDENTITY": unlinked(
                    pulumi.Output.format("{0} {1}", account.metadata.uid, bound_to.metadata.uid)
                ),
                "NIXFLEET_NAMESPACE": NAMESPACE,
                "NIXFLEET_PEERS": args.peers,
                "NIXFLEET_RENEWAL": args.renewal,
                "NIXFLEET_TOKEN_DAYS": str(TOKEN_DAYS),
            },
            stdin=args.deploy_secret,
            # A stream that is logged is shown, secret or not.
            logging=local.Logging.NONE,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[bound_to], additional_secret_outputs=["stdout", "stderr"]
            ),
        )

    def _bounds(self, name: str, fleet: Fleet, inside: pulumi.ResourceOptions) -> tuple[pulumi.Resource, ...]:
        """The namespace's borders and its share, where the stack sets them."""
        metadata = {"name": "nixfleet", "namespace": NAMESPACE}
        made: list[pulumi.Resource] = []
        if fleet.consumers.isolated:
            policy: Any = consumers.network_policy(fleet)
            made.append(networking.v1.NetworkPolicy(f"{name}-borders", metadata=metadata, spec=policy, opts=inside))
        quota: Any = consumers.quota_spec(fleet.consumers.quota)
        if quota:
            made.append(core.v1.ResourceQuota(f"{name}-quota", metadata=metadata, spec=quota, opts=inside))
        limits: Any = consumers.limit_spec(fleet.consumers.quota)
        if limits:
            made.append(core.v1.LimitRange(f"{name}-limits", metadata=metadata, spec=limits, opts=inside))
        return tuple(made)

    def _rights(self, name: str, fleet: Fleet, account: core.v1.ServiceAccount) -> tuple[pulumi.Resource, ...]:
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
        return shared, self._own(name, fleet, subjects, child)

    @staticmethod
    def _own(name: str, fleet: Fleet, subjects: Any, child: pulumi.ResourceOptions) -> pulumi.Resource:  # noqa: ANN401 - the SDK's
        """Rights in the namespace: Kubernetes' own role, or one that leaves the borders alone."""
        kind, to, waits = "ClusterRole", "edit", child
        if fleet.consumers.isolated:
            kind, to = "Role", "consumer"
            rules: Any = consumers.isolated_rules()
            metadata = {"name": to, "namespace": NAMESPACE}
            role = rbac.v1.Role(f"{name}-role", metadata=metadata, rules=rules, opts=child)
            waits = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(depends_on=[role]), child)
        binding: pulumi.Resource = rbac.v1.RoleBinding(
            f"{name}-binding",
            metadata={"name": ACCOUNT, "namespace": NAMESPACE},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": kind, "name": to},
            subjects=subjects,
            opts=waits,
        )
        return binding

"""A daemon on every node with an account of its own: what Multus and whereabouts have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_kubernetes import apps, core, rbac

if TYPE_CHECKING:
    from fleet.addons.values import Values


@dataclass(frozen=True, kw_only=True)
class DaemonArgs:
    """What a daemon needs to know."""

    account: str
    """Name of its account and of its rights."""

    namespace: str
    rules: list[Any]
    """What its account may do in the whole cluster."""

    config_map: Values
    """Manifest of what it reads."""

    daemon_set: Values
    """Manifest of the daemon."""

    after: tuple[pulumi.Resource, ...]
    """What has to be there before it runs."""


class Daemon(pulumi.ComponentResource):
    """A daemon on every node."""

    running: pulumi.Resource
    """There when the daemon runs everywhere."""

    def __init__(self, name: str, args: DaemonArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Make the account, the configuration and the daemon."""
        super().__init__("nixfleet:index:Daemon", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        account = core.v1.ServiceAccount(
            f"{name}-account", metadata={"name": args.account, "namespace": args.namespace}, opts=child
        )
        role = rbac.v1.ClusterRole(
            f"{name}-role",
            metadata={"name": args.account},
            rules=args.rules,
            opts=child,
        )
        binding = rbac.v1.ClusterRoleBinding(
            f"{name}-binding",
            metadata={"name": args.account},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": args.account},
            subjects=[{"kind": "ServiceAccount", "name": args.account, "namespace": args.namespace}],
            # The API refuses a binding to nothing only when it is used, and then the daemon is what fails.
            opts=pulumi.ResourceOptions.merge(pulumi.ResourceOptions(depends_on=[account, role]), child),
        )
        config = core.v1.ConfigMap(f"{name}-config", **args.config_map, opts=child)
        self.running = apps.v1.DaemonSet(
            f"{name}-daemon",
            **args.daemon_set,
            opts=pulumi.ResourceOptions.merge(pulumi.ResourceOptions(depends_on=[binding, config, *args.after]), child),
        )
        self.register_outputs({})

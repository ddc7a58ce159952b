"""Multus: pods with more than one network. The attachments are storage_network.py's matter."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import apiextensions

from components.addons.daemon import Daemon, DaemonArgs
from fleet.addons import multus


@dataclass(frozen=True, kw_only=True)
class MultusArgs:
    """What Multus needs to know."""

    version: str
    """Release, for example `v4.3.0`."""

    after: tuple[pulumi.Resource, ...]
    """Nodes to run on."""


class Multus(pulumi.ComponentResource):
    """Multus on every node."""

    ready: tuple[pulumi.Resource, ...]
    """There when attachments can be made and are honoured."""

    def __init__(self, name: str, args: MultusArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Define attachments and run the daemon."""
        super().__init__("nixfleet:index:Multus", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        attachments = apiextensions.v1.CustomResourceDefinition(f"{name}-attachments", **multus.ATTACHMENTS, opts=child)
        daemon = Daemon(
            f"{name}-thick",
            DaemonArgs(
                account=multus.ACCOUNT,
                namespace=multus.NAMESPACE,
                rules=multus.RULES,
                config_map=multus.config_map(),
                daemon_set=multus.daemon_set(args.version),
                after=args.after,
            ),
            child,
        )
        self.ready = (attachments, daemon.running)
        self.register_outputs({})

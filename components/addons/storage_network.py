"""The storage network's attachment, and whereabouts, which gives addresses on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes import apiextensions

from components.addons.daemon import Daemon, DaemonArgs
from fleet.addons import storage_network

if TYPE_CHECKING:
    from fleet.addons.values import Values


@dataclass(frozen=True, kw_only=True)
class StorageNetworkArgs:
    """What the storage network needs to know."""

    attachment: Values
    """Manifest of the attachment."""

    after: tuple[pulumi.Resource, ...]
    """Multus."""


class StorageNetwork(pulumi.ComponentResource):
    """A network of its own for storage."""

    ready: tuple[pulumi.Resource, ...]
    """There when pods can be attached."""

    def __init__(self, name: str, args: StorageNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Run whereabouts and make the attachment."""
        super().__init__("nixfleet:index:StorageNetwork", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        definitions = [
            apiextensions.v1.CustomResourceDefinition(f"{name}-{label}", **manifest, opts=child)
            for label, manifest in storage_network.DEFINITIONS.items()
        ]
        daemon = Daemon(
            f"{name}-whereabouts",
            DaemonArgs(
                account=storage_network.ACCOUNT,
                namespace=storage_network.NAMESPACE,
                rules=storage_network.RULES,
                config_map=storage_network.config_map(),
                daemon_set=storage_network.daemon_set(),
                after=(*args.after, *definitions),
            ),
            child,
        )
        attachment = apiextensions.CustomResource(
            f"{name}-attachment",
            api_version="k8s.cni.cncf.io/v1",
            kind="NetworkAttachmentDefinition",
            **args.attachment,
            # It comes after Multus, which brings the definition; without it no pod would get an address.
            opts=pulumi.ResourceOptions.merge(pulumi.ResourceOptions(depends_on=[daemon.running]), child),
        )
        self.ready = (attachment,)
        self.register_outputs({})

"""Hetzner's private network with the one subnet the servers are in. Attaching a server is server.py's matter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
import pulumi_hcloud as hcloud

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.settings import HcloudNetwork


@dataclass(frozen=True, kw_only=True)
class HetznerNetworkArgs:
    """What a private network needs to know."""

    label: str
    """Name in Hetzner's project."""

    network: HcloudNetwork
    """Ranges and zone."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels in Hetzner's project."""


class HetznerNetwork(pulumi.ComponentResource):
    """A private network with one subnet."""

    subnet_id: pulumi.Output[str]
    """Subnet to attach to; names the network as well."""

    def __init__(self, name: str, args: HetznerNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Make the network and its subnet."""
        super().__init__("nixfleet:index:HetznerNetwork", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        network = hcloud.Network(
            f"{name}-network",
            name=args.label,
            ip_range=str(args.network.range),
            labels=dict(args.labels),
            opts=child,
        )
        self.subnet = hcloud.NetworkSubnet(
            f"{name}-subnet",
            network_id=network.id.apply(int),
            type="cloud",
            network_zone=args.network.zone,
            ip_range=str(args.network.subnet),
            # Ranges of one network must not overlap, also not while one takes the other's place.
            opts=pulumi.ResourceOptions.merge(pulumi.ResourceOptions(delete_before_replace=True), child),
        )
        self.subnet_id = self.subnet.id
        self.register_outputs({"subnet_id": self.subnet_id})

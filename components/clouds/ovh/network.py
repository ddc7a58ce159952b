"""OVH's private network with a subnet per region. The project needs a vRack, which is ordered, not created."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_ovh as ovh

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.settings import OvhNetwork as Settings


@dataclass(frozen=True, kw_only=True)
class OvhNetworkArgs:
    """What a private network needs to know."""

    label: str
    """Name in OVH's project."""

    service_name: str
    """The project."""

    network: Settings
    """Range, VLAN and regions."""


@dataclass(frozen=True, kw_only=True)
class RegionalNetwork:
    """The network as one region knows it."""

    network_id: pulumi.Output[str]
    subnet_id: pulumi.Output[str]


class OvhNetwork(pulumi.ComponentResource):
    """A private network with a subnet in each of its regions."""

    regions: Mapping[str, RegionalNetwork]
    """By region."""

    def __init__(self, name: str, args: OvhNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Make the network and its subnets."""
        super().__init__("nixfleet:index:OvhNetwork", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        network = ovh.cloudproject.NetworkPrivate(
            f"{name}-network",
            service_name=args.service_name,
            name=args.label,
            regions=sorted(args.network.regions),
            vlan_id=args.network.vlan_id,
            opts=child,
        )
        self.regions = {region: self._regional(name, args, network, region) for region in sorted(args.network.regions)}
        self.register_outputs({"regions": sorted(self.regions)})

    def _regional(
        self, name: str, args: OvhNetworkArgs, network: ovh.cloudproject.NetworkPrivate, region: str
    ) -> RegionalNetwork:
        network_id = network.regions_openstack_ids[region]
        subnet = ovh.cloudproject.NetworkPrivateSubnetV2(
            f"{name}-subnet-{region}",
            service_name=args.service_name,
            network_id=network_id,
            region=region,
            name=f"{args.label}-{region}",
            cidr=str(args.network.subnet),
            dhcp=True,
            # Instances reach the world at their public address.
            enable_gateway_ip=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return RegionalNetwork(network_id=network_id, subnet_id=subnet.id)

"""The load balancer that the Kubernetes API answers at. It is open to all: Hetzner cannot limit who reaches one.

The servers behind it are in targets.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
import pulumi_hcloud as hcloud

from fleet.network import API_PORT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.network import LoadBalancerEndpoint


@dataclass(frozen=True, kw_only=True)
class HetznerLoadBalancerArgs:
    """What the API's load balancer needs to know."""

    label: str
    """Name in Hetzner's project."""

    endpoint: LoadBalancerEndpoint
    """Type, place, private address."""

    subnet_id: pulumi.Input[str]
    """Subnet on which it reaches the servers: no firewall lets it in at their public addresses."""

    protection: bool
    """Refuse to delete it."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels in Hetzner's project."""


class HetznerLoadBalancer(pulumi.ComponentResource):
    """A TCP load balancer in front of the API servers."""

    address: pulumi.Output[str]
    """Public IPv4 address."""

    number: pulumi.Output[int]
    """Hetzner's number of it."""

    attachment: pulumi.Resource
    """There when it reaches the private network."""

    service: pulumi.Resource
    """There when it listens."""

    def __init__(self, name: str, args: HetznerLoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Make the balancer and its service, and attach it."""
        super().__init__("nixfleet:index:HetznerLoadBalancer", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        balancer = hcloud.LoadBalancer(
            f"{name}-balancer",
            name=args.label,
            load_balancer_type=args.endpoint.type,
            location=args.endpoint.location,
            delete_protection=args.protection,
            labels=dict(args.labels),
            # Users' kubeconfigs and DNS hold its address.
            opts=pulumi.ResourceOptions.merge(pulumi.ResourceOptions(protect=args.protection), child),
        )
        self.number = balancer.id.apply(int)
        self.attachment = hcloud.LoadBalancerNetwork(
            f"{name}-attachment",
            load_balancer_id=self.number,
            subnet_id=args.subnet_id,
            ip=str(args.endpoint.private_address),
            # The address is taken until the old attachment is gone.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.service = hcloud.LoadBalancerService(
            f"{name}-service",
            load_balancer_id=balancer.id,
            protocol="tcp",
            listen_port=API_PORT,
            destination_port=API_PORT,
            health_check={"protocol": "tcp", "port": API_PORT, "interval": 10, "timeout": 5, "retries": 3},
            opts=pulumi.ResourceOptions(
                parent=self,
                # Hetzner does one thing at a time to a balancer and says "locked" to the next, which the plugin does
                # not try again.
                depends_on=[self.attachment],
                # A listening port exists once per balancer: the old one goes first.
                delete_before_replace=True,
            ),
        )
        self.address = balancer.ipv4
        self.register_outputs({"address": self.address, "number": self.number})

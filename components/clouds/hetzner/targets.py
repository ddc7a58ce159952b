"""The API servers behind the load balancer. Making the balancer is load_balancer.py's matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_hcloud as hcloud

from components.edges import behind, gate, unlinked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.clouds.hetzner.load_balancer import HetznerLoadBalancer
    from components.edges import Gate


@dataclass(frozen=True, kw_only=True)
class HetznerTargetsArgs:
    """What the targets need to know."""

    balancer: HetznerLoadBalancer
    """The balancer, on its network."""

    servers: Mapping[str, pulumi.Input[int]]
    """Hetzner's numbers of the control plane's servers, by host name, sorted."""

    members: Mapping[str, pulumi.CustomResource]
    """What ends when a host leaves the cluster: its target is gone by then."""


class HetznerTargets(pulumi.ComponentResource):
    """A target per server of the control plane."""

    by_host: dict[str, pulumi.Resource]
    """Targets by host name."""

    def __init__(self, name: str, args: HetznerTargetsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Make the targets."""
        super().__init__("nixfleet:index:HetznerTargets", name, None, opts)
        self.by_host, turn = {}, gate([args.balancer.service])
        for host in args.servers:
            self.by_host[host] = self._target(name, args, host, turn)
            turn = gate([self.by_host[host]], turn)
        self.register_outputs({})

    def _target(self, name: str, args: HetznerTargetsArgs, host: str, turn: Gate) -> hcloud.LoadBalancerTarget:
        return hcloud.LoadBalancerTarget(
            f"{name}-target-{host}",
            # One after the other: Hetzner says "locked" while it works on the balancer, and the plugin gives up then.
            load_balancer_id=behind(turn, unlinked(args.balancer.number)),
            type="server",
            # An output of the member as well, so that the engine takes the target out before a member that it replaces.
            server_id=pulumi.Output.all(args.servers[host], args.members[host].id).apply(_number),
            use_private_ip=True,
            opts=pulumi.ResourceOptions(
                parent=self,
                # A target by private address needs both ends on the network: the member is on it.
                depends_on=[args.balancer.attachment],
                # A target exists once per balancer: the old one goes first.
                delete_before_replace=True,
                # Until 2027 a state may have it as the balancer's child.
                aliases=[pulumi.Alias(parent=args.balancer)],
            ),
        )


def _number(values: Sequence[Any]) -> int:
    return int(values[0])

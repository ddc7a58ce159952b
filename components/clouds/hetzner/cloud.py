"""Hetzner Cloud as a source of machines: what its servers share, the servers, and the API's load balancer."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pulumi
import pulumi_hcloud as hcloud

from components.clouds.hetzner.firewall import firewall_rules
from components.clouds.hetzner.load_balancer import HetznerLoadBalancer, HetznerLoadBalancerArgs
from components.clouds.hetzner.network import HetznerNetwork, HetznerNetworkArgs
from components.clouds.hetzner.server import HetznerServer, HetznerServerArgs
from components.clouds.hetzner.targets import HetznerTargets, HetznerTargetsArgs
from components.clouds.registry import CloudArgs, Machine, register_cloud
from components.restart import Restarts
from fleet.inventory import image_keys, key_fingerprint, private_address
from fleet.model import Role
from fleet.network import LoadBalancerEndpoint
from fleet.placement import placement_group

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fleet.hosts import HcloudHost

POLL_INTERVAL = "2s"
"""Hetzner allows 3600 calls an hour and project; every wait of every server polls."""


class Hetzner(pulumi.ComponentResource):
    """All of a fleet that is at Hetzner."""

    machines: Mapping[str, Machine]
    """Servers by host name."""

    api_address: pulumi.Output[str] | None
    """Address of the API's load balancer; None where the endpoint is another one."""

    balancer: HetznerLoadBalancer | None
    """The API's load balancer."""

    servers: Mapping[str, HetznerServer]
    """Servers by host name."""

    def __init__(self, name: str, args: CloudArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Make what the servers share, the servers, and the load balancer."""
        super().__init__("nixfleet:index:Hetzner", name, None, opts)
        network = self._network(name, args)
        self.servers = self._servers(name, args, network)
        self.machines = {host: server.machine for host, server in self.servers.items()}
        self.balancer = self._balancer(name, args, network)
        self.api_address = self.balancer.address if self.balancer else None
        self.register_outputs({"machines": sorted(self.machines), "api_address": self.api_address})

    def _network(self, name: str, args: CloudArgs) -> HetznerNetwork | None:
        settings = args.fleet.providers.hcloud.network
        if settings is None:
            return None
        label = f"{args.stack}-fleet"
        network = HetznerNetworkArgs(label=label, network=settings, labels=args.labels(label))
        return HetznerNetwork(f"{name}-private", network, pulumi.ResourceOptions(parent=self))

    def _ssh_keys(self, name: str, args: CloudArgs) -> list[pulumi.Input[str]]:
        keys: list[pulumi.Input[str]] = []
        for key, label in sorted(image_keys(args.fleet, args.identities.deploy_key).items()):
            # Known by its content, so that a changed key is another resource. Were it replaced, names being unique, it
            # would go first, and the engine would replace the servers with it, without a look at what they ignore.
            fingerprint = key_fingerprint(key)
            title = f"{args.stack}-{label}-{fingerprint}"
            made = hcloud.SshKey(
                f"{name}-key-{fingerprint}",
                name=title,
                public_key=key,
                labels=args.labels(title),
                opts=pulumi.ResourceOptions(parent=self),
            )
            keys.append(made.id)
        return keys

    def _groups(self, name: str, args: CloudArgs, hosts: Mapping[str, HcloudHost]) -> dict[str, hcloud.PlacementGroup]:
        wanted = sorted({placement_group(host) for host in hosts.values()})
        return {
            group: hcloud.PlacementGroup(
                f"{name}-group-{group}",
                name=f"{args.stack}-{group}",
                type="spread",
                labels=args.labels(f"{args.stack}-{group}"),
                opts=pulumi.ResourceOptions(parent=self),
            )
            for group in wanted
        }

    def _firewall(self, name: str, args: CloudArgs) -> hcloud.Firewall:
        label = f"{args.stack}-fleet"
        return hcloud.Firewall(
            f"{name}-firewall",
            name=label,
            rules=cast("Sequence[hcloud.FirewallRuleArgsDict]", firewall_rules(args.fleet)),
            labels=args.labels(label),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _servers(self, name: str, args: CloudArgs, network: HetznerNetwork | None) -> dict[str, HetznerServer]:
        hosts = cast("Mapping[str, HcloudHost]", args.hosts)  # the registry gives only hosts of our kind
        restarts = Restarts(
            stack=args.stack,
            fleet=args.fleet,
            secret=args.deploy_secret,
            everyone=args.everyone,
            restarting="serverType",
            suffix="-server",
        )
        keys, firewall, groups = self._ssh_keys(name, args), self._firewall(name, args), self._groups(name, args, hosts)
        return {
            label: HetznerServer(
                label,
                HetznerServerArgs(
                    host=host,
                    user_data=args.user_data[label],
                    ssh_keys=keys,
                    firewall_id=firewall.id.apply(int),
                    placement_group_id=groups[placement_group(host)].id.apply(int),
                    private_address=private_address(args.fleet, host),
                    subnet_id=network.subnet_id if network else None,
                    protection=args.fleet.protection,
                    restarts=restarts,
                    labels=args.labels(label),
                ),
                pulumi.ResourceOptions(parent=self),
            )
            for label, host in hosts.items()
        }

    def _balancer(self, name: str, args: CloudArgs, network: HetznerNetwork | None) -> HetznerLoadBalancer | None:
        if not isinstance(args.fleet.endpoint, LoadBalancerEndpoint):
            return None
        label = f"{args.stack}-api"
        # A law of the language demands the network where there is a load balancer.
        return HetznerLoadBalancer(
            f"{name}-api",
            HetznerLoadBalancerArgs(
                label=label,
                endpoint=args.fleet.endpoint,
                subnet_id=cast("HetznerNetwork", network).subnet_id,
                protection=args.fleet.protection,
                labels=args.labels(label),
            ),
            pulumi.ResourceOptions(parent=self),
        )


class HetznerCloud:
    """Hetzner Cloud with the project's token: `hcloud:token`, a secret, or HCLOUD_TOKEN."""

    def __init__(self, args: CloudArgs) -> None:
        """Make all that the fleet has there."""
        self._args = args
        provider = hcloud.Provider(
            "hcloud",
            token=pulumi.Config("hcloud").get_secret("token"),
            poll_interval=POLL_INTERVAL,
            poll_function="exponential",
            # Nothing is done before the change is lawful; every resource waits for its provider.
            opts=pulumi.ResourceOptions(depends_on=[args.lawful]),
        )
        self._options = pulumi.ResourceOptions(providers=[provider])
        self._cloud = Hetzner("hetzner", args, self._options)
        self.machines = self._cloud.machines
        self.api_address = self._cloud.api_address
        self.ends = (self._cloud.balancer.service,) if self._cloud.balancer else ()

    def serve(self, members: Mapping[str, pulumi.CustomResource]) -> Mapping[str, pulumi.Resource]:
        """Put the control plane's servers behind the load balancer."""
        if self._cloud.balancer is None:
            return {}
        numbers = {host: server.server_id for host, server in self._cloud.servers.items()}
        servers = {host: number for host, number in numbers.items() if self._args.hosts[host].role is Role.SERVER}
        targets = HetznerTargetsArgs(balancer=self._cloud.balancer, servers=servers, members=members)
        return HetznerTargets("hetzner-api", targets, self._options).by_host


register_cloud(HetznerCloud, "hcloud")

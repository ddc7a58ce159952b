"""The whole fleet from its documents: machines, hosts in formation, cluster, add-ons. inputs.py reads the documents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
import pulumi_command as command
import pulumi_kubernetes as kubernetes

from components.addons.addons import Addons, AddonsArgs
from components.clouds.registry import CloudArgs, hosts_by_cloud
from components.commands import deploy_secret, install_secret, switch_secret
from components.credential import Credential, CredentialArgs
from components.host import Host, HostArgs
from components.kubeconfig import Kubeconfig, KubeconfigArgs
from components.mesh import Mesh, MeshArgs
from components.nodes import Nodes, NodesArgs
from fleet.formation import waves
from fleet.model import Role
from fleet.network import API_PORT, MeshNetwork, VirtualIpEndpoint
from fleet.userdata import user_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from components.clouds.registry import Cloud, Machine
    from components.inputs import Inputs
    from fleet.cluster import Rollout

MINUTE = 60
"""Seconds."""

BUILD_SECONDS = 1800
"""For building and copying a closure."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """What the stack exports is made of."""

    endpoint_address: pulumi.Output[str]
    """Address that the API's name must have."""

    addresses: Mapping[str, pulumi.Input[str]]
    """Where SSH answers, by host."""

    closures: Mapping[str, pulumi.Output[str]]
    """Closure key that each host was brought to."""

    kubeconfig: pulumi.Output[str] = field(repr=False)
    """Scoped credential, a secret."""


def first_boot(inputs: Inputs, host: str) -> pulumi.Output[str]:
    """The host's first-boot document, a secret: it holds the bootstrap key's private half."""
    return pulumi.Output.secret(
        user_data(
            bootstrap_private=inputs.keys[host].bootstrap_key,
            bootstrap_public=inputs.identities.hosts[host].bootstrap_key,
            deploy_key=inputs.identities.deploy_key,
        )
    )


def make_clouds(inputs: Inputs) -> list[Cloud]:
    """The clouds that the fleet's hosts come from, with their machines."""
    return [
        factory(
            CloudArgs(
                stack=inputs.stack,
                fleet=inputs.fleet,
                identities=inputs.identities,
                hosts=hosts,
                user_data={name: first_boot(inputs, name) for name in hosts},
            )
        )
        for factory, hosts in hosts_by_cloud(inputs.fleet).items()
    ]


def endpoint_address(inputs: Inputs, clouds: list[Cloud]) -> pulumi.Output[str]:
    """Address of the Kubernetes API: the virtual one, or that of the load balancer which a cloud made."""
    if isinstance(inputs.fleet.endpoint, VirtualIpEndpoint):
        return pulumi.Output.from_input(str(inputs.fleet.endpoint.address))
    made = [cloud.api_address for cloud in clouds if cloud.api_address is not None]
    return pulumi.Output.from_input(made[0])


def peers(inputs: Inputs, machines: Mapping[str, Machine], names: Iterable[str]) -> pulumi.Output[str]:
    """Hosts as others know them, as JSON by name: what makes a host another peer, and nothing else."""
    hosts = inputs.contract.hosts
    return pulumi.Output.json_dumps(
        {
            name: {
                "address": str(hosts[name].address),
                "endpoint": machines[name].address,
                "publicKey": hosts[name].wireguard_key,
            }
            for name in sorted(names)
        },
        sort_keys=True,
    )


def switch_seconds(rollout: Rollout) -> int:
    """How long a switch may take: building, the wait for readiness, and the watchdog's way back."""
    return BUILD_SECONDS + rollout.ready_timeout_seconds + rollout.watchdog_minutes * MINUTE


def make_mesh(inputs: Inputs, machines: Mapping[str, Machine], opts: pulumi.ResourceOptions) -> Mesh | None:
    """The mesh, where the cluster network is one: every host knows a new one before that begins."""
    if not isinstance(inputs.fleet.network, MeshNetwork):
        return None
    args = MeshArgs(
        stack=inputs.stack,
        peers=peers(inputs, machines, machines),
        deploy_secret=deploy_secret(inputs.cluster_keys),
        after=tuple(resource for machine in machines.values() for resource in machine.ready),
    )
    return Mesh("fleet", args, opts)


def make_hosts(inputs: Inputs, machines: Mapping[str, Machine], opts: pulumi.ResourceOptions) -> dict[str, Host]:
    """All hosts, wave by wave: each waits for the wave before, and for the mesh where there is one."""
    fleet = inputs.fleet
    servers = peers(inputs, machines, fleet.formation)
    mesh = make_mesh(inputs, machines, opts)
    before: tuple[pulumi.Resource, ...] = (mesh.command,) if mesh else ()
    hosts: dict[str, Host] = {}
    for wave in waves(fleet):
        for name in wave:
            role = fleet.hosts[name].role
            args = HostArgs(
                stack=inputs.stack,
                machine=machines[name],
                closure=inputs.closures[name],
                install_secret=install_secret(inputs.cluster_keys, inputs.keys[name], role),
                switch_secret=switch_secret(inputs.cluster_keys, inputs.keys[name], role),
                peers=mesh.endpoints if mesh else servers,
                quorum=servers if role is Role.SERVER else None,
                reinstall=fleet.hosts[name].reinstall or "",
                install_seconds=fleet.rollout.install_timeout_seconds,
                ready_seconds=fleet.rollout.ready_timeout_seconds,
                switch_seconds=switch_seconds(fleet.rollout),
                after=before,
            )
            hosts[name] = Host(name, args, opts)
        before = tuple(hosts[name].system for name in wave)
    return hosts


def admin_kubeconfig(
    inputs: Inputs,
    machines: Mapping[str, Machine],
    hosts: Mapping[str, Host],
    endpoint: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """The administrator's kubeconfig, fetched from the first server that answers."""
    servers = inputs.fleet.formation
    args = KubeconfigArgs(
        stack=inputs.stack,
        peers=peers(inputs, machines, servers),
        endpoint=endpoint,
        installations=[hosts[name].installation for name in sorted(servers)],
        renewal=inputs.renewal,
        deploy_secret=deploy_secret(inputs.cluster_keys),
        after=tuple(hosts[name].system for name in servers),
    )
    return Kubeconfig("admin", args, opts).text


def build(inputs: Inputs) -> Site:
    """Register everything that the documents describe."""
    clouds = make_clouds(inputs)
    machines = {name: machine for cloud in clouds for name, machine in cloud.machines.items()}
    by_command = pulumi.ResourceOptions(providers=[command.Provider("command")])
    hosts = make_hosts(inputs, machines, by_command)
    address = endpoint_address(inputs, clouds)
    url = pulumi.Output.format("https://{0}:{1}", address, API_PORT)
    admin = admin_kubeconfig(inputs, machines, hosts, url, by_command)
    cluster = inputs.fleet.cluster.name
    provider = kubernetes.Provider(
        "kubernetes",
        kubeconfig=admin,
        # Constant, so that a renewed kubeconfig is an update and never replaces what is in the cluster.
        cluster_identifier=f"{inputs.stack}-{cluster}",
    )
    in_cluster = pulumi.ResourceOptions(providers=[provider])
    nodes = Nodes(
        "nodes",
        NodesArgs(
            hosts=dict(sorted(inputs.fleet.hosts.items())),
            installations={name: host.installation for name, host in hosts.items()},
            systems={name: host.system for name, host in hosts.items()},
        ),
        in_cluster,
    )
    credential = Credential(
        "consumer",
        CredentialArgs(
            cluster=cluster, endpoint=url, api_name=inputs.contract.cluster.endpoint.name, admin_kubeconfig=admin
        ),
        in_cluster,
    )
    Addons("addons", AddonsArgs(fleet=inputs.fleet, profiles=inputs.profiles, after=nodes.patches), in_cluster)
    return Site(
        endpoint_address=address,
        addresses={name: machine.address for name, machine in machines.items()},
        closures={name: host.closure for name, host in hosts.items()},
        kubeconfig=credential.kubeconfig,
    )

"""The whole fleet from its documents: machines, hosts in formation, cluster, add-ons. inputs.py reads the documents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
import pulumi_command as command
import pulumi_kubernetes as kubernetes

from components.addons.addons import Addons, AddonsArgs
from components.addons.settling import Settling
from components.adoption import adopt
from components.clouds.registry import CloudArgs, hosts_by_cloud
from components.commands import deploy_secret
from components.credential import Credential, CredentialArgs
from components.edges import unlinked
from components.hosts import make_hosts, make_mesh, peers
from components.kubeconfig import Kubeconfig, KubeconfigArgs
from components.latecomers import Latecomers, LatecomersArgs
from components.nodes import Nodes, NodesArgs
from components.protection import Protection, ProtectionArgs
from components.reboots import Reboots, RebootsArgs
from components.snapshot_bucket import SnapshotBucket, SnapshotBucketArgs
from components.transition import Transition, TransitionArgs
from components.withheld import withhold
from fleet.network import API_PORT, VirtualIpEndpoint
from fleet.transition import precedent
from fleet.userdata import user_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.clouds.registry import Cloud, Machine
    from components.host import Host
    from components.inputs import Inputs


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


def make_clouds(inputs: Inputs, lawful: pulumi.Resource) -> list[Cloud]:
    """The clouds that the fleet's hosts come from, with their machines."""
    clouds: list[Cloud] = []

    def everyone() -> dict[str, Machine]:
        return {name: machine for cloud in clouds for name, machine in cloud.machines.items()}

    clouds += [
        factory(
            CloudArgs(
                stack=inputs.stack,
                fleet=inputs.fleet,
                identities=inputs.identities,
                hosts=hosts,
                user_data={name: first_boot(inputs, name) for name in hosts},
                deploy_secret=deploy_secret(inputs.cluster_keys),
                everyone=everyone,
                lawful=lawful,
            )
        )
        for factory, hosts in hosts_by_cloud(inputs.fleet).items()
    ]
    return clouds


def endpoint_address(inputs: Inputs, clouds: list[Cloud]) -> pulumi.Output[str]:
    """Address of the Kubernetes API: the virtual one, or that of the load balancer which a cloud made."""
    if isinstance(inputs.fleet.endpoint, VirtualIpEndpoint):
        return pulumi.Output.from_input(str(inputs.fleet.endpoint.address))
    made = [cloud.api_address for cloud in clouds if cloud.api_address is not None]
    return pulumi.Output.from_input(made[0])


def admin_kubeconfig(
    inputs: Inputs,
    machines: Mapping[str, Machine],
    hosts: Mapping[str, Host],
    endpoint: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> Kubeconfig:
    """The administrator's kubeconfig, fetched from the first server that answers."""
    servers = inputs.fleet.formation
    args = KubeconfigArgs(
        stack=inputs.stack,
        fleet=inputs.fleet,
        peers=peers(inputs, machines, servers),
        endpoint=unlinked(endpoint),
        installations=[hosts[name].installation for name in sorted(servers)],
        renewal=inputs.renewal,
        deploy_secret=deploy_secret(inputs.cluster_keys),
        # It has waited for all before it.
        after=hosts[servers[-1]].system,
    )
    return Kubeconfig("admin", args, opts)


def make_snapshot_bucket(inputs: Inputs, opts: pulumi.ResourceOptions) -> tuple[pulumi.Resource, ...]:
    """The bucket for etcd's snapshots, where the stack has one; what nothing else depends on."""
    bucket = inputs.contract.cluster.snapshot_bucket
    if bucket is None or inputs.bucket_keys is None:
        return ()
    return SnapshotBucket("snapshots", SnapshotBucketArgs(bucket=bucket, keys=inputs.bucket_keys), opts).ends


def make_reboots(
    inputs: Inputs,
    machines: Mapping[str, Machine],
    hosts: Mapping[str, Host],
    after: tuple[pulumi.Resource, ...],
    opts: pulumi.ResourceOptions,
) -> tuple[pulumi.Resource, ...]:
    """Where there is a window for reboots, the step that makes those it held back; nothing depends on it."""
    if inputs.fleet.rollout.window is None:
        return ()
    args = RebootsArgs(
        stack=inputs.stack,
        fleet=inputs.fleet,
        said={name: host.said for name, host in hosts.items()},
        peers=peers(inputs, machines, machines),
        deploy_secret=deploy_secret(inputs.cluster_keys),
        after=after,
    )
    return (Reboots("fleet", args, opts).command,)


def build(inputs: Inputs) -> Site:
    """Register everything that the documents describe."""
    if inputs.public:
        withhold()
    adopt()
    by_command = pulumi.ResourceOptions(providers=[command.Provider("command")])
    lawful = Transition("fleet", TransitionArgs(precedent=precedent(inputs.fleet)), by_command).command
    clouds = make_clouds(inputs, lawful)
    machines = {name: machine for cloud in clouds for name, machine in cloud.machines.items()}
    mesh = make_mesh(inputs, machines, lawful, by_command)
    hosts = make_hosts(inputs, machines, lawful, mesh, by_command)
    members = {name: host.membership for name, host in hosts.items()}
    served = {name: front for cloud in clouds for name, front in cloud.serve(members).items()}
    address = endpoint_address(inputs, clouds)
    url = pulumi.Output.format("https://{0}:{1}", address, API_PORT)
    admin = admin_kubeconfig(inputs, machines, hosts, url, by_command)
    cluster = inputs.fleet.cluster.name
    provider = kubernetes.Provider(
        "kubernetes",
        kubeconfig=unlinked(admin.text),
        # Constant, so that a renewed kubeconfig is an update and never replaces what is in the cluster.
        cluster_identifier=f"{inputs.stack}-{cluster}",
        opts=pulumi.ResourceOptions(depends_on=[admin.command]),
    )
    in_cluster = pulumi.ResourceOptions(providers=[provider])
    both = pulumi.ResourceOptions.merge(by_command, in_cluster)
    nodes = Nodes(
        "nodes",
        NodesArgs(
            hosts=dict(sorted(inputs.fleet.hosts.items())),
            nodes={name: host.node for name, host in hosts.items()},
            members=members,
            stack=inputs.stack,
            fleet=inputs.fleet,
            servers=peers(inputs, machines, inputs.fleet.formation),
            deploy_secret=deploy_secret(inputs.cluster_keys),
            protection=inputs.fleet.protection,
            after={name: (host.system, *((served[name],) if name in served else ())) for name, host in hosts.items()},
        ),
        both,
    )
    credential = Credential(
        "consumer",
        CredentialArgs(
            stack=inputs.stack,
            fleet=inputs.fleet,
            endpoint=url,
            api_name=inputs.contract.cluster.endpoint.name,
            admin_kubeconfig=admin.text,
            peers=peers(inputs, machines, inputs.fleet.formation),
            renewal=inputs.renewal,
            renewed=inputs.renewed,
            deploy_secret=deploy_secret(inputs.cluster_keys),
        ),
        both,
    )
    snapshots = make_snapshot_bucket(inputs, in_cluster)
    settling = Settling(
        stack=inputs.stack,
        fleet=inputs.fleet,
        secret=deploy_secret(inputs.cluster_keys),
        peers=peers(inputs, machines, inputs.fleet.formation),
    )
    addons = Addons(
        "addons",
        AddonsArgs(
            fleet=inputs.fleet,
            profiles=inputs.profiles,
            backup_keys=inputs.backup_keys,
            hooks=settling.hooks,
            after=nodes.patches,
        ),
        in_cluster,
    )
    fronts = (end for cloud in clouds for end in cloud.ends)
    ends = (*addons.ends, *credential.ends, *snapshots, *fronts)
    latecomers = Latecomers(
        "fleet",
        LatecomersArgs(
            stack=inputs.stack,
            fleet=inputs.fleet,
            systems={name: host.system for name, host in hosts.items()},
            mesh=mesh.command if mesh else None,
            peers=peers(inputs, machines, machines),
            deploy_secret=deploy_secret(inputs.cluster_keys),
            ends=ends,
        ),
        by_command,
    )
    # Beside each other: a host that is off holds no reboot up, and a closed window nobody who comes back.
    last = (latecomers.command, *make_reboots(inputs, machines, hosts, ends, by_command))
    Protection("fleet", ProtectionArgs(enabled=inputs.fleet.protection, ends=last))
    return Site(
        endpoint_address=address,
        addresses={name: machine.address for name, machine in machines.items()},
        closures={name: host.closure for name, host in hosts.items()},
        kubeconfig=credential.kubeconfig,
    )

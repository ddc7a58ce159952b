"""The contract: all that nix/ needs to know of a fleet, nothing secret, as one byte-stable document per stack.

A host's closure is a function of `cluster` and of its own entry, so an agent that joins changes no other host.
"""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Final, Literal

from fleet.cluster import Probe, SnapshotBucket
from fleet.faults import Fault, FleetError
from fleet.hosts import BareMetalHost, DataDisk, Disk, Drive, Host, OvhDedicatedHost, Taint, Tuning, drives
from fleet.layouts import label_prefix, partitions
from fleet.model import Arch, MacAddress, Model, Name, Role, SshPublicKey
from fleet.network import (
    API_PORT,
    Lan,
    LoadBalancerEndpoint,
    MeshNetwork,
    Profile,
    ProfileNetwork,
    ProviderNetwork,
    VirtualIpEndpoint,
)
from fleet.updates import Updates
from fleet.version import newer
from fleet.window import Window

if TYPE_CHECKING:
    from pathlib import Path

    from fleet.keys.identities import Identities
    from fleet.settings import Fleet

SCHEMA_VERSION: Final = 1

SNAPSHOT_SECRET: Final = "nixfleet-etcd-s3"  # noqa: S105 - a name
"""Secret in kube-system by which k3s knows the bucket for snapshots."""


class EndpointFacts(Model):
    """Where the Kubernetes API answers."""

    kind: Literal["loadBalancer", "virtualIp"]
    name: str
    port: int
    address: IPv4Address | None
    """The virtual IP; None for a load balancer, whose address the cloud gives."""

    balancer: IPv4Address | None
    """Where the load balancer comes from when it reaches the servers; None for a virtual IP."""

    router_id: int | None


class MeshFacts(Model):
    """The WireGuard mesh; its peers are no part of a closure (see hostops mesh)."""

    range: IPv4Network
    port: int
    mtu: int


class UserFacts(Model):
    """An account on every host."""

    keys: tuple[SshPublicKey, ...]
    admin: bool


class SnapshotBucketFacts(Model):
    """Where etcd's snapshots go beside the servers' disks."""

    name: str
    endpoint: str
    region: str
    folder: str
    secret: Name
    """Secret in kube-system that has all of these, and the credential."""


class ClusterFacts(Model):
    """What every host of the cluster knows."""

    name: Name
    k3s_version: str
    seed: Name
    servers: dict[Name, IPv4Address]
    """Cluster addresses of the servers."""

    join: IPv4Address
    """Where a joining node finds the API: the virtual IP, else the seed."""

    endpoint: EndpointFacts
    pod_range: IPv4Network
    service_range: IPv4Network
    dns_address: IPv4Address
    """Cluster DNS: the tenth address of the service range."""

    cluster_range: IPv4Network
    """The cluster network's own range."""

    mesh: MeshFacts | None
    admin_ranges: tuple[IPv4Network, ...]
    deploy_key: SshPublicKey
    users: dict[Name, UserFacts]
    longhorn: bool
    """Whether hosts have what Longhorn needs: where it runs, and where storage is kept for it."""

    multus: bool
    timezone: str
    rollout_probes: tuple[Probe, ...]
    reboot: Literal["never", "kernel"]
    reboot_window: Window | None
    """When hosts may be rebooted; None: at any time."""

    watchdog_minutes: int
    snapshot_bucket: SnapshotBucketFacts | None
    """None: snapshots stay on the servers."""
    updates: Updates
    admin_sudo: Literal["key", "password"]


class HostFacts(Model):
    """One host."""

    kind: str
    role: Role
    hardware: str
    arch: Arch
    login_user: str
    ssh_address: IPv4Address | None
    """Where SSH answers; None: an address that the cloud gives."""

    address: IPv4Address
    storage_address: IPv4Address | None
    private_address: IPv4Address | None
    """Address on the provider's private network, given by its DHCP."""

    disk: Disk
    data_disk: DataDisk | None
    label_prefix: str
    """How the labels of its partitions begin."""

    volume_size_gib: int | None
    """Size of the cloud volume that Longhorn's directory lies on; None: on the system disk."""

    storage: bool
    labels: dict[str, str]
    taints: tuple[Taint, ...]
    tuning: Tuning
    profile: Profile | None
    """The network profile, in full; None where the cluster network is a provider's or the mesh."""

    ports: dict[str, MacAddress]
    host_key: SshPublicKey
    bootstrap_key: SshPublicKey
    wireguard_key: str
    age_recipient: str

    @property
    def drives(self) -> dict[str, Drive]:
        """Every disk that an installation touches, by its key in the stack file."""
        return drives(self.disk, self.data_disk)

    @property
    def partitions(self) -> frozenset[str]:
        """Names of all partitions that its system looks for, by their labels without the prefix."""
        inside = self.storage and self.volume_size_gib is None
        return partitions(self.disk, self.data_disk, longhorn_inside=inside)


class Contract(Model):
    """The whole document, `nix/fleet/<stack>.json`."""

    schema_version: Literal[1] = SCHEMA_VERSION
    stack: Name
    cluster: ClusterFacts
    hosts: dict[Name, HostFacts]


def ssh_address(host: Host) -> IPv4Address | None:
    """Where SSH answers; None where a cloud gives the address."""
    match host:
        case OvhDedicatedHost():
            return host.ssh_address
        case BareMetalHost():
            return host.ssh_address or host.address
        case _:
            return None


def _cluster_range(fleet: Fleet, profiles: dict[str, Profile]) -> IPv4Network:
    match fleet.network:
        case MeshNetwork():
            return fleet.network.range
        case ProviderNetwork(provider="hcloud") if fleet.providers.hcloud.network:
            return fleet.providers.hcloud.network.subnet
        case ProviderNetwork() if fleet.providers.ovh and fleet.providers.ovh.network:
            return fleet.providers.ovh.network.subnet
        case ProfileNetwork():
            lan: Lan = profiles[fleet.network.profile].cluster
            return lan.subnet
    raise AssertionError(fleet.network)  # a law refuses a provider network without its section


def _bucket_facts(bucket: SnapshotBucket | None) -> SnapshotBucketFacts | None:
    if bucket is None:
        return None
    return SnapshotBucketFacts(
        name=bucket.name,
        endpoint=bucket.endpoint,
        region=bucket.region,
        folder=bucket.folder,
        secret=SNAPSHOT_SECRET,
    )


def _cluster_facts(fleet: Fleet, identities: Identities, profiles: dict[str, Profile]) -> ClusterFacts:
    cluster, endpoint, mesh = fleet.cluster, fleet.endpoint, fleet.network
    virtual = endpoint if isinstance(endpoint, VirtualIpEndpoint) else None
    servers = {name: fleet.hosts[name].address for name in fleet.formation}
    return ClusterFacts(
        name=cluster.name,
        k3s_version=cluster.k3s_version,
        seed=cluster.seed,
        servers=servers,
        join=virtual.address if virtual else servers[cluster.seed],
        endpoint=EndpointFacts(
            kind=endpoint.kind,
            name=endpoint.name,
            port=API_PORT,
            address=virtual.address if virtual else None,
            balancer=endpoint.private_address if isinstance(endpoint, LoadBalancerEndpoint) else None,
            router_id=virtual.router_id if virtual else None,
        ),
        pod_range=cluster.pod_range,
        service_range=cluster.service_range,
        dns_address=cluster.service_range[10],
        cluster_range=_cluster_range(fleet, profiles),
        mesh=MeshFacts(range=mesh.range, port=mesh.port, mtu=mesh.mtu) if isinstance(mesh, MeshNetwork) else None,
        admin_ranges=fleet.firewall.admin_ranges,
        deploy_key=identities.deploy_key,
        users={
            name: UserFacts(keys=tuple(user.keys[device] for device in sorted(user.keys)), admin=user.admin)
            for name, user in fleet.users.items()
        },
        longhorn=fleet.addons.longhorn.enabled or bool(fleet.storage_hosts),
        multus=fleet.addons.multus.enabled,
        timezone=fleet.timezone,
        rollout_probes=fleet.rollout.probes,
        reboot=fleet.rollout.reboot,
        reboot_window=fleet.rollout.window,
        watchdog_minutes=fleet.rollout.watchdog_minutes,
        snapshot_bucket=_bucket_facts(cluster.snapshot_bucket),
        updates=fleet.updates,
        admin_sudo=fleet.admin_sudo,
    )


def _host_facts(stack: str, fleet: Fleet, identities: Identities, profiles: dict[str, Profile], name: str) -> HostFacts:
    host, identity = fleet.hosts[name], identities.hosts[name]
    profile = None
    if isinstance(fleet.network, ProfileNetwork) or host.profile:
        named = host.profile or (fleet.network.profile if isinstance(fleet.network, ProfileNetwork) else "")
        # A profile's example nodes are test machines: they are no fact of a real host.
        profile = profiles[named].model_copy(update={"nodes": {}})
    return HostFacts(
        kind=getattr(host, "kind"),  # noqa: B009 - every registered kind has it, the base class does not
        role=host.role,
        hardware=host.hardware,
        arch=host.arch,
        login_user=host.login_user,
        ssh_address=ssh_address(host),
        address=host.address,
        storage_address=host.storage_address,
        private_address=getattr(host, "private_address", None),
        disk=host.disk,
        data_disk=host.data_disk,
        label_prefix=label_prefix(stack, name, host.disk),
        volume_size_gib=volume.size_gib if (volume := getattr(host, "volume", None)) else None,
        storage=host.storage,
        labels=host.labels,
        taints=host.taints,
        tuning=host.tuning,
        profile=profile,
        ports=host.ports,
        host_key=identity.host_key,
        bootstrap_key=identity.bootstrap_key,
        wireguard_key=identity.wireguard_key,
        age_recipient=identity.age_recipient,
    )


def contract(stack: str, fleet: Fleet, identities: Identities, profiles: dict[str, Profile]) -> Contract:
    """Derive a stack's contract; `profiles` are the network profiles by name."""
    return Contract(
        stack=stack,
        cluster=_cluster_facts(fleet, identities, profiles),
        hosts={name: _host_facts(stack, fleet, identities, profiles, name) for name in sorted(fleet.hosts)},
    )


def render(document: Model) -> str:
    """The document's bytes: sorted keys, two spaces, a newline at the end; the same on every machine."""
    return json.dumps(document.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _refuse_newer(path: Path, text: str) -> None:
    """Raise FleetError for a contract that a newer program wrote: making it again would take back what that one did."""
    try:
        document = json.loads(text)
    except ValueError:
        return
    version = document.get("schemaVersion") if isinstance(document, dict) else None
    if later := newer("schemaVersion", version, SCHEMA_VERSION):
        raise FleetError(str(path), (later,))


def require_fresh(path: Path, document: Contract) -> None:
    """Raise FleetError unless `path` holds exactly this contract; the error names the command that writes it."""
    try:
        found = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        found = None
    if found == render(document):
        return
    _refuse_newer(path, found or "")
    fault = Fault(
        path="document",
        value="absent or unreadable" if found is None else "stale",
        law=f"the contract is what the stack file of {document.stack} says now",
        cure=f"run `make contract STACK={document.stack}` and commit the file",
    )
    raise FleetError(str(path), (fault,))

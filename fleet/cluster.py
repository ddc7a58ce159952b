"""The cluster: k3s, its ranges, its add-ons and how it is updated. The hosts are in hosts.py."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Any, Literal

from pydantic import Field

from fleet.model import Model, Name
from fleet.window import Window

K3sVersion = Annotated[str, Field(pattern=r"^v1\.\d+\.\d+\+k3s\d+$")]


class SnapshotBucket(Model):
    """A bucket in S3's manner for etcd's snapshots. Its credential is the config secret `nixfleet:bucketKeys`."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    endpoint: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+(:\d{1,5})?$")]
    """Host and, where it is not 443, port of the service, for example `fsn1.your-objectstorage.com`."""

    region: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    folder: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$")]
    """Folder in the bucket, of this cluster alone."""


class Cluster(Model):
    """One k3s cluster."""

    name: Name
    k3s_version: K3sVersion = "v1.35.6+k3s1"
    """Must be what the pinned nixpkgs has (`nix/` asserts it)."""

    seed: Name
    """The server that forms the cluster. Move it to another server before the seed is installed again."""

    pod_range: IPv4Network = IPv4Network("10.42.0.0/16")
    service_range: IPv4Network = IPv4Network("10.43.0.0/16")
    allow_even_servers: bool = False
    """Accept an even number of servers, which tolerates no more failures than one server less."""

    snapshot_bucket: SnapshotBucket | None = None
    """Where etcd's snapshots go beside the servers' own disks; None: nowhere, so they are lost with the servers."""


class Multus(Model):
    """Multus, the thick plugin, on k3s' paths."""

    enabled: bool = True
    version: str = "v4.3.0"
    storage_attachment: bool = True
    """Attach Longhorn to the profile's storage network."""


class Longhorn(Model):
    """Longhorn, distributed block storage."""

    enabled: bool = True
    version: str = "1.12.1"
    replicas: Annotated[int, Field(ge=1, le=5)] = 3
    """Copies of a volume; never more than storage nodes."""

    reclaim_policy: Literal["Retain", "Delete"] = "Retain"
    backup_target: str | None = None
    """Where backups go, for example `s3://bucket@region/`. Its credential is the secret `nixfleet:backupKeys`."""

    backup_endpoint: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+(:\d{1,5})?$")] | None = None
    """Host and, where it is not 443, port of an S3 service that is not Amazon's."""

    values: dict[str, Any] = {}
    """Further values of the chart, merged last."""


class Kyverno(Model):
    """Kyverno, policies at admission."""

    enabled: bool = True
    version: str = "3.9.0"
    """Version of the chart."""

    admission_replicas: Annotated[int, Field(ge=1, le=7)] = 3
    longhorn_path_policy: bool = False
    """Also mutate Longhorn's pods so that they find NixOS' binaries; the hosts do not need it."""

    values: dict[str, Any] = {}


class SmokeTest(Model):
    """A claim that is bound, written and read back before the stack counts as up."""

    enabled: bool = True


class Addons(Model):
    """What runs on the cluster."""

    multus: Multus = Multus()
    longhorn: Longhorn = Longhorn()
    kyverno: Kyverno = Kyverno()
    smoke_test: SmokeTest = SmokeTest()


class Probe(Model):
    """A user's own check of a host after an update: it must print nothing and exit 0."""

    name: Name
    command: str
    """Run by sh on the host."""

    timeout_seconds: Annotated[int, Field(ge=1, le=600)] = 30


class Rollout(Model):
    """How updates go through the fleet."""

    batch_size: Annotated[int, Field(ge=1, le=50)] = 5
    """Agents installed or updated at the same time."""

    watchdog_minutes: Annotated[int, Field(ge=2, le=60)] = 15
    """After this long without confirmation, a host goes back to the previous generation by itself."""

    ready_timeout_seconds: Annotated[int, Field(ge=30, le=3600)] = 900
    """Limit of the wait for a node to be Ready."""

    install_timeout_seconds: Annotated[int, Field(ge=60, le=7200)] = 3600
    copy_timeout_seconds: Annotated[int, Field(ge=60, le=86400)] = 3600
    """Limit of building a host's system and copying it there; a kernel that is built under emulation takes hours."""

    drain_timeout_seconds: Annotated[int, Field(ge=10, le=7200)] = 600
    """Limit of the wait for a node's pods, and for Longhorn's copies, before its k3s restarts or it reboots."""

    reboot: Literal["never", "kernel"] = "kernel"
    """Reboot a host when, and only when, its kernel, initrd, modules or kernel parameters changed; `never` leaves that
    to its owner."""

    window: Window | None = None
    """When hosts may be rebooted; absent: at any time. Outside of it a host gets what needs no reboot."""

    probes: tuple[Probe, ...] = ()

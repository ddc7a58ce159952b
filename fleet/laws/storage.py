"""Laws of storage: enough hosts for the replicas, and a network and a backup where the settings promise them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fleet.addons.storage_network import disagreement
from fleet.faults import Fault
from fleet.laws.addresses import profiles_missing
from fleet.laws.law import EVERY_HOST, Profiles, law
from fleet.laws.subnets import profile_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.settings import Fleet

_BACKUP_TARGET = re.compile(
    r"^(s3://[^@/]+@[a-z0-9-]+/.*|nfs://[^/]+:?/.+|cifs://.+/.+|azblob://[^@/]+@[^/]+/.*)$",
)


@law("addons", "hosts", EVERY_HOST)
def replicas_have_hosts(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """Longhorn has a storage host for every replica of a volume."""
    longhorn, count = fleet.addons.longhorn, len(fleet.storage_hosts)
    if not longhorn.enabled:
        return
    if count == 0:
        yield Fault(
            path="hosts",
            value="no host with storage",
            law="Longhorn keeps its replicas on hosts that say storage: true",
            cure="set storage on some hosts, or addons.longhorn.enabled: false",
        )
    elif longhorn.replicas > count:
        hosts = "1 host keeps" if count == 1 else f"{count} hosts keep"
        yield Fault(
            path="addons.longhorn.replicas",
            value=str(longhorn.replicas),
            law=f"each replica has a host of its own, and {hosts} storage",
            cure=f"write {count} or less, or set storage on more hosts",
        )


@law("hosts")
def volumes_hold_replicas(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """A cloud volume is there for Longhorn's replicas.

    Storage without Longhorn is lawful: hosts keep what Longhorn needs until it is uninstalled (fleet/transition).
    """
    for name in sorted(fleet.hosts):
        host = fleet.hosts[name]
        if getattr(host, "volume", None) and not host.storage:
            yield Fault(
                path=f"hosts.{name}.volume",
                value="present",
                law="a volume is there for Longhorn's replicas, and this host keeps none",
                cure="set storage: true, or remove the volume",
            )


@law("addons")
def addons_have_what_they_need(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """The smoke test and the PATH policy have the add-ons that they are about."""
    addons = fleet.addons
    if addons.smoke_test.enabled and not addons.longhorn.enabled:
        yield Fault(
            path="addons.smokeTest.enabled",
            value="true",
            law="the smoke test claims a Longhorn volume, and Longhorn is switched off",
            cure="set addons.smokeTest.enabled: false",
        )
    if addons.kyverno.longhorn_path_policy and not (addons.longhorn.enabled and addons.kyverno.enabled):
        yield Fault(
            path="addons.kyverno.longhornPathPolicy",
            value="true",
            law="the policy is Kyverno's and about Longhorn's pods, and one of the two is switched off",
            cure="remove it",
        )


@law("addons")
def backups_have_a_target(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """A backup target is an address that Longhorn knows, and deleted claims do not take the only copy with them."""
    longhorn = fleet.addons.longhorn
    if not longhorn.enabled:
        return
    if longhorn.backup_target is not None and not _BACKUP_TARGET.match(longhorn.backup_target):
        yield Fault(
            path="addons.longhorn.backupTarget",
            value=longhorn.backup_target,
            law="Longhorn takes s3://bucket@region/path, nfs://server:/path, cifs://server/path or azblob://container@account/",
            cure="write it in one of these forms",
        )
    if longhorn.backup_endpoint is not None and not (longhorn.backup_target or "").startswith("s3://"):
        yield Fault(
            path="addons.longhorn.backupEndpoint",
            value=longhorn.backup_endpoint,
            law="only a target of the kind s3:// is at a service with an address of its own",
            cure="remove it, or write addons.longhorn.backupTarget as s3://bucket@region/path",
        )
    if longhorn.reclaim_policy == "Delete" and longhorn.backup_target is None:
        yield Fault(
            path="addons.longhorn.reclaimPolicy",
            value="Delete",
            law="the data of a deleted claim is gone at once, and there is no backup",
            cure="use Retain, or name addons.longhorn.backupTarget",
        )


@law("addons", "network", "hosts")
def the_storage_attachment_has_a_network(fleet: Fleet, profiles: Profiles) -> Iterator[Fault]:
    """Longhorn on a storage network needs that network, and every host needs an address on it."""
    addons = fleet.addons
    if not (addons.multus.enabled and addons.multus.storage_attachment and addons.longhorn.enabled):
        return
    lacking: list[str] = []
    for name in sorted(fleet.hosts):
        profile = profile_of(fleet, profiles, name)
        if profile and profile.storage and fleet.hosts[name].storage_address is None:
            yield Fault(
                path=f"hosts.{name}.storageAddress",
                value="absent",
                law="Longhorn's traffic uses the storage network, and every host that uses a volume is on it",
                cure=f"give it an address of {profile.storage.subnet}",
            )
        elif not (profile and profile.storage) and not profiles_missing(fleet, profiles, name):
            lacking.append(name)
    if lacking:
        yield Fault(
            path="addons.multus.storageAttachment",
            value="true",
            law=f"the attachment is to a profile's storage network, and {_listed(lacking)} no such network",
            cure="set addons.multus.storageAttachment: false, or use profiles that have one",
        )


@law("addons", "network", "hosts", EVERY_HOST)
def the_storage_attachment_fits_every_host(fleet: Fleet, profiles: Profiles) -> Iterator[Fault]:
    """Longhorn has one attachment for all nodes, so the storage network has one interface name on all of them."""
    addons = fleet.addons
    if not (addons.multus.enabled and addons.multus.storage_attachment and addons.longhorn.enabled):
        return
    profiled = (profile_of(fleet, profiles, name) for name in sorted(fleet.hosts))
    if all(profile and profile.storage for profile in profiled):
        fault = disagreement(fleet, profiles)
        if fault:
            yield fault


def _listed(hosts: list[str]) -> str:
    few = 3
    if len(hosts) == 1:
        return f"{hosts[0]} has"
    more = f" and {len(hosts) - few} more" if len(hosts) > few else ""
    return f"{', '.join(hosts[:few])}{more} have"

"""Values of Longhorn's chart. What it needs on the hosts is nix/'s matter, so it needs no policy to run on NixOS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fleet.addons.values import Values, merged

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleet.hosts import Taint
    from fleet.keys.pairs import BucketKeys
    from fleet.settings import Fleet

CHART = "longhorn"
REPOSITORY = "https://charts.longhorn.io"
NAMESPACE = "longhorn-system"
DATA_PATH = "/var/lib/longhorn"
"""Folder of the replicas: where the disk layouts of the hosts have the space for it."""

DATA_LOCALITY = "best-effort"
"""A copy beside the workload reads without the network; when there is no room for it, the volume works as well."""

STORAGE_CLASS = "longhorn"
PROVISIONER = "driver.longhorn.io"


BACKUP_SECRET = "nixfleet-backup"  # noqa: S105 - a name
"""Secret in Longhorn's namespace with the backup target's credential."""

_WORDS = {
    "s3": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    "azblob": ("AZBLOB_ACCOUNT_NAME", "AZBLOB_ACCOUNT_KEY"),
    "cifs": ("CIFS_USERNAME", "CIFS_PASSWORD"),
}
"""What Longhorn calls an account's name and its key, by the kind of target; NFS knows no accounts."""


def needs_credential(fleet: Fleet) -> bool:
    """Whether backups go where only an account may write, and the user's values name no secret of their own."""
    settings = fleet.addons.longhorn
    own = (settings.values.get("defaultBackupStore") or {}).get("backupTargetCredentialSecret")
    return settings.enabled and not own and (settings.backup_target or "").partition(":")[0] in _WORDS


def backup_secret(fleet: Fleet, keys: BucketKeys) -> dict[str, str]:
    """The secret's content, as Longhorn reads it."""
    settings = fleet.addons.longhorn
    name, key = _WORDS[(settings.backup_target or "").partition(":")[0]]
    endpoint = {"AWS_ENDPOINTS": f"https://{settings.backup_endpoint}"} if settings.backup_endpoint else {}
    return {name: keys.access_key, key: keys.secret_key, **endpoint}


def replicas(fleet: Fleet) -> int:
    """Copies of a volume: as many as asked for, but never more than there are nodes to keep them."""
    return max(1, min(fleet.addons.longhorn.replicas, len(fleet.storage_hosts)))


def drain_policy(copies: int) -> str:
    """What a drain waits for: a last copy is moved first; a single one has nowhere to go and would block for ever."""
    return "block-for-eviction-if-contains-last-replica" if copies > 1 else "allow-if-replica-is-stopped"


def _toleration(taint: Taint) -> Values:
    value = {"operator": "Equal", "value": taint.value} if taint.value else {"operator": "Exists"}
    return {"key": taint.key, "effect": taint.effect, **value}


def _taint_text(taint: Taint) -> str:
    return f"{taint.key}={taint.value}:{taint.effect}" if taint.value else f"{taint.key}:{taint.effect}"


def storage_taints(fleet: Fleet) -> tuple[Taint, ...]:
    """Taints of the storage nodes, each once, in a stable order."""
    taints: Iterable[Taint] = (taint for name in fleet.storage_hosts for taint in fleet.hosts[name].taints)
    return tuple(sorted(set(taints), key=_taint_text))


def _of_v1(value: str) -> str:
    """A setting that each data engine has of its own: only the first one runs here, the other keeps its default."""
    return json.dumps({"v1": value})


def _settings(fleet: Fleet, copies: int) -> Values:
    return {
        "createDefaultDiskLabeledNodes": True,
        "defaultDataPath": DATA_PATH,
        "defaultDataLocality": DATA_LOCALITY,
        "defaultReplicaCount": _of_v1(str(copies)),
        # After a power cut in which all copies failed, the best one is taken without a person.
        "autoSalvage": True,
        # Finds rotten copies, and hashes only the files that changed since: full hashing starves small boards' disks.
        "snapshotDataIntegrity": _of_v1("fast-check"),
        # Percent of a node's processor for the process that serves its volumes: with less, a busy node loses them.
        "guaranteedInstanceManagerCPU": _of_v1("12"),
        "nodeDrainPolicy": drain_policy(copies),
        # The chart's uninstallation refuses to destroy volumes without it.
        "deletingConfirmationFlag": not fleet.protection,
    }


def longhorn_values(fleet: Fleet, *, storage_network: str | None) -> Values:
    """Values for this fleet.

    Args:
        fleet: the fleet.
        storage_network: `namespace/name` of the attachment that replicas talk over; None: the cluster network.
    """
    settings, copies, taints = fleet.addons.longhorn, replicas(fleet), storage_taints(fleet)
    defaults = _settings(fleet, copies)
    if storage_network:
        defaults["storageNetwork"] = storage_network
    values: Values = {
        "persistence": {
            "defaultClass": True,
            "defaultClassReplicaCount": copies,
            # The class says it itself: the setting of the same name is for volumes that are made without a class.
            "defaultDataLocality": DATA_LOCALITY,
            "reclaimPolicy": settings.reclaim_policy,
        },
        "defaultSettings": defaults,
        # A hook of upgrades alone: an installation never runs it, so it need not be off the first time. It refuses a
        # version that the volumes cannot be taken to while the old managers still run.
        "preUpgradeChecker": {"jobEnabled": True, "upgradeVersionCheck": True},
        "longhornUI": {"replicas": 1},
    }
    if settings.backup_target:
        secret = {"backupTargetCredentialSecret": BACKUP_SECRET} if needs_credential(fleet) else {}
        values["defaultBackupStore"] = {"backupTarget": settings.backup_target, **secret}
    if taints:
        tolerations = [_toleration(taint) for taint in taints]
        defaults["taintToleration"] = "; ".join(_taint_text(taint) for taint in taints)
        values |= {"longhornManager": {"tolerations": tolerations}, "longhornDriver": {"tolerations": tolerations}}
    return merged(values, settings.values)

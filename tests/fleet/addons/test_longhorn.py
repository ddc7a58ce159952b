"""Longhorn is told what the fleet can hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fleet.addons.longhorn import (
    DATA_PATH,
    backup_secret,
    drain_policy,
    longhorn_values,
    needs_credential,
    replicas,
)
from fleet.addons.smoke_test import storage_class
from fleet.keys.pairs import BucketKeys
from tests.components.stacks import addon, inputs_of


def values(edit: Any = None) -> Any:
    return longhorn_values(inputs_of("sim", edit).fleet, storage_network=None)


def test_there_are_no_more_copies_than_nodes_that_keep_them() -> None:
    def fewer(fleet: dict[str, Any]) -> None:
        addon(fleet, "longhorn", replicas=2)

    assert replicas(inputs_of("sim").fleet) == 3
    assert replicas(inputs_of("sim", fewer).fleet) == 2


def test_class_and_default_have_the_same_number_of_copies() -> None:
    told = values()
    assert told["persistence"]["defaultClassReplicaCount"] == 3
    assert json.loads(told["defaultSettings"]["defaultReplicaCount"]) == {"v1": "3"}


def test_volumes_are_close_to_their_workload_healed_and_checked() -> None:
    told = values()
    wanted = {"defaultDataLocality": "best-effort", "autoSalvage": True, "defaultDataPath": "/var/lib/longhorn"}
    assert wanted.items() <= told["defaultSettings"].items()
    assert told["persistence"]["defaultDataLocality"] == "best-effort"
    per_engine = {"snapshotDataIntegrity": {"v1": "fast-check"}, "guaranteedInstanceManagerCPU": {"v1": "12"}}
    assert {name: json.loads(told["defaultSettings"][name]) for name in per_engine} == per_engine


def test_the_smoke_test_tries_what_the_default_class_makes() -> None:
    tried, told = storage_class(inputs_of("sim").fleet)["parameters"], values()["persistence"]
    assert tried["dataLocality"] == told["defaultDataLocality"]
    assert tried["numberOfReplicas"] == str(told["defaultClassReplicaCount"])


def test_replicas_are_where_the_disk_layouts_and_the_hosts_have_them() -> None:
    nix = Path(__file__).parents[3] / "nix"
    assert f'longhornPath = "{DATA_PATH}";' in (nix / "disko/parts.nix").read_text()
    assert f'default = "{DATA_PATH}";' in (nix / "modules/storage/longhorn.nix").read_text()


def test_an_upgrade_is_checked_before_it_touches_anything() -> None:
    assert values()["preUpgradeChecker"] == {"jobEnabled": True, "upgradeVersionCheck": True}


@pytest.mark.parametrize(
    ("copies", "policy"),
    [(1, "allow-if-replica-is-stopped"), (2, "block-for-eviction-if-contains-last-replica")],
)
def test_a_single_copy_does_not_block_a_drain_for_ever(copies: int, policy: str) -> None:
    assert drain_policy(copies) == policy


def test_taints_of_storage_nodes_are_tolerated_and_no_others() -> None:
    def tainted(fleet: dict[str, Any]) -> None:
        fleet["hosts"]["n100-1"]["taints"] = [
            {"key": "disk", "value": "big", "effect": "NoSchedule"},
            {"key": "slow", "effect": "NoExecute"},
        ]
        fleet["hosts"]["jetson-1"]["taints"] = [{"key": "gpu", "effect": "NoSchedule"}]

    told = values(tainted)
    assert told["defaultSettings"]["taintToleration"] == "disk=big:NoSchedule; slow:NoExecute"
    assert told["longhornManager"]["tolerations"] == [
        {"key": "disk", "effect": "NoSchedule", "operator": "Equal", "value": "big"},
        {"key": "slow", "effect": "NoExecute", "operator": "Exists"},
    ]
    assert "longhornDriver" not in values()


def test_the_users_values_are_merged_last_and_key_by_key() -> None:
    def own(fleet: dict[str, Any]) -> None:
        addon(fleet, "longhorn", values={"longhornUI": {"replicas": 2}, "defaultSettings": {"logLevel": "Debug"}})

    told = values(own)
    assert told["longhornUI"] == {"replicas": 2}
    assert told["defaultSettings"]["logLevel"] == "Debug"
    assert told["defaultSettings"]["createDefaultDiskLabeledNodes"] is True


KEYS = BucketKeys(access_key="an-account", secret_key="its-key")  # noqa: S106 - of no target
TARGETS = {
    "s3://b@fsn1/": {"AWS_ACCESS_KEY_ID": "an-account", "AWS_SECRET_ACCESS_KEY": "its-key"},
    "azblob://c@account/": {"AZBLOB_ACCOUNT_NAME": "an-account", "AZBLOB_ACCOUNT_KEY": "its-key"},
    "cifs://nas/backups": {"CIFS_USERNAME": "an-account", "CIFS_PASSWORD": "its-key"},
}


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_a_backup_target_has_its_credential_in_longhorns_own_words(target: str) -> None:
    """Names of the secret's keys as Longhorn documents them for each kind of backup target."""

    def backed_up(fleet: dict[str, Any]) -> None:
        addon(fleet, "longhorn", backupTarget=target)

    assert needs_credential(inputs_of("sim", backed_up).fleet)
    assert backup_secret(inputs_of("sim", backed_up).fleet, KEYS) == TARGETS[target]
    assert values(backed_up)["defaultBackupStore"] == {
        "backupTarget": target,
        "backupTargetCredentialSecret": "nixfleet-backup",
    }


def test_a_service_that_is_not_amazons_is_named_in_the_secret() -> None:
    def elsewhere(fleet: dict[str, Any]) -> None:
        addon(fleet, "longhorn", backupTarget="s3://b@fsn1/", backupEndpoint="fsn1.your-objectstorage.com")

    said = backup_secret(inputs_of("sim", elsewhere).fleet, KEYS)
    assert said["AWS_ENDPOINTS"] == "https://fsn1.your-objectstorage.com"


def test_a_secret_that_the_values_name_is_left_to_their_author() -> None:
    def own(fleet: dict[str, Any]) -> None:
        named = {"defaultBackupStore": {"backupTargetCredentialSecret": "mine"}}
        addon(fleet, "longhorn", backupTarget="s3://b@fsn1/", values=named)

    assert not needs_credential(inputs_of("sim", own).fleet)
    assert values(own)["defaultBackupStore"]["backupTargetCredentialSecret"] == "mine"

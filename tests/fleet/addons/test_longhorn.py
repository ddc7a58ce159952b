"""Longhorn is told what the fleet can hold."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fleet.addons.longhorn import drain_policy, longhorn_values, replicas
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

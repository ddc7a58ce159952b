"""Add-ons in their order, each switched off alone, and with the versions that are pinned."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from tests.components.stacks import BACKUP, Change, Deploy, addon, switched_off


def without(name: str) -> Change:
    return partial(switched_off, name=name)


class TestOrder:
    def test_multus_needs_labelled_nodes(self, deploy: Deploy) -> None:
        assert {"nodes-hcloud-1", "nodes-n100-1"} <= deploy("sim").one("multus-thick-daemon").depends_on

    def test_multus_then_attachment_then_longhorn_then_kyverno_then_policies(self, deploy: Deploy) -> None:
        plan = deploy("lab")
        assert "multus-thick-daemon" in plan.one("storage-whereabouts-daemon").depends_on
        assert "storage-whereabouts-daemon" in plan.one("storage-attachment").depends_on
        assert "storage-attachment" in plan.one("longhorn-release").depends_on
        assert "longhorn-release" in plan.one("kyverno-release").depends_on
        assert "kyverno-release" in plan.one("policies-baseline").depends_on

    def test_longhorn_does_not_need_kyverno(self, deploy: Deploy) -> None:
        assert not any("kyverno" in name for name in deploy("lab").one("longhorn-release").depends_on)

    def test_the_smoke_test_uses_longhorn_once_it_is_there(self, deploy: Deploy) -> None:
        plan = deploy()
        assert "longhorn-release" in plan.one("smoke-test-names").depends_on
        assert "smoke-test-network" in plan.one("smoke-test-class").depends_on
        assert "smoke-test-class" in plan.one("smoke-test-claim").depends_on
        assert "smoke-test-claim" in plan.one("smoke-test-write").depends_on
        assert "smoke-test-write" in plan.one("smoke-test-read").depends_on
        assert "policies-baseline" in plan.one("smoke-test-policy").depends_on
        assert "smoke-test-attachment" in plan.one("smoke-test-network").depends_on


KINDS = {
    "multus": "multus-thick-daemon",
    "longhorn": "longhorn-release",
    "kyverno": "kyverno-release",
    "smokeTest": "smoke-test-read",
}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_each_can_be_switched_off_alone(deploy: Deploy, name: str) -> None:
    names = {resource.name for resource in deploy(change=without(name)).resources}
    gone = {KINDS[name], *({KINDS["smokeTest"]} if name == "longhorn" else ())}
    assert names & set(KINDS.values()) == set(KINDS.values()) - gone


def test_without_multus_longhorn_waits_for_the_nodes_itself(deploy: Deploy) -> None:
    assert "nodes-n100-1" in deploy(change=without("multus")).one("longhorn-release").depends_on


@pytest.mark.parametrize(
    ("release", "chart", "version", "namespace"),
    [
        ("longhorn-release", "longhorn", "1.12.1", "longhorn-system"),
        ("kyverno-release", "kyverno", "3.9.0", "kyverno"),
        ("policies-baseline", "kyverno-policies", "3.9.0", "kyverno"),
    ],
)
def test_charts_are_pinned_and_named(deploy: Deploy, release: str, chart: str, version: str, namespace: str) -> None:
    inputs = deploy().one(release).inputs
    assert (inputs["chart"], inputs["version"], inputs["namespace"]) == (chart, version, namespace)
    assert inputs["name"] == chart
    assert inputs["repositoryOpts"]["repo"].startswith("https://")


def test_longhorn_is_protected_like_the_servers(deploy: Deploy) -> None:
    def protected(fleet: dict[str, Any]) -> None:
        fleet["protection"] = True

    for change, wanted in ((None, False), (protected, True)):
        release = deploy(change=change).one("longhorn-release")
        assert release.options.protect is wanted
        assert release.inputs["values"]["defaultSettings"]["deletingConfirmationFlag"] is not wanted


def test_the_path_policy_is_there_only_when_it_is_asked_for(deploy: Deploy) -> None:
    def asked(fleet: dict[str, Any]) -> None:
        addon(fleet, "kyverno", longhornPathPolicy=True)

    assert "policies-longhorn-path" not in deploy().names("ClusterPolicy")
    assert deploy(change=asked).one("policies-longhorn-path").inputs["kind"] == "ClusterPolicy"


def test_longhorn_talks_over_the_profiles_storage_network(deploy: Deploy) -> None:
    plan = deploy("lab")
    config = json.loads(plan.one("storage-attachment").inputs["spec"]["config"])
    assert plan.one("longhorn-release").inputs["values"]["defaultSettings"]["storageNetwork"] == "kube-system/storage"
    assert config["type"] == "macvlan"
    assert config["ipam"]["type"] == "whereabouts"
    assert "storageNetwork" not in deploy().one("longhorn-release").inputs["values"]["defaultSettings"]


def test_another_version_of_the_storage_is_tested_again(deploy: Deploy) -> None:
    for name in ("smoke-test-write", "smoke-test-read"):
        job = deploy().one(name)
        annotations = job.inputs["spec"]["template"]["metadata"]["annotations"]
        assert annotations == {"tested-version": "1.12.1"}
        assert job.options.deleteBeforeReplace


def test_the_credential_of_backups_is_there_before_longhorn_and_secret(deploy: Deploy) -> None:
    plan = deploy("cloud")
    secret = plan.one("longhorn-secret-nixfleet-backup")
    assert secret.inputs["metadata"] == {"name": "nixfleet-backup", "namespace": "longhorn-system"}
    assert secret.inputs["stringData"] == {
        "AWS_ACCESS_KEY_ID": BACKUP.access_key,
        "AWS_SECRET_ACCESS_KEY": BACKUP.secret_key,
        "AWS_ENDPOINTS": "https://fsn1.your-objectstorage.com",
    }
    assert "stringData" in secret.secret
    assert secret.name in plan.one("longhorn-release").depends_on

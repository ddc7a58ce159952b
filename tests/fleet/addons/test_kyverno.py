"""Kyverno never keeps a cluster from starting, and the PATH policy does to pods what it says."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fleet.addons.kyverno import FOLDERS, kyverno_values, path_policy
from fleet.cluster import Kyverno


def spared(settings: Kyverno) -> list[str]:
    (selector,) = kyverno_values(settings)["config"]["webhooks"]["namespaceSelector"]["matchExpressions"]
    assert (selector["key"], selector["operator"]) == ("kubernetes.io/metadata.name", "NotIn")
    names: list[str] = selector["values"]
    return names


def test_what_the_cluster_stands_on_is_not_asked_about() -> None:
    assert spared(Kyverno()) == ["kube-system", "longhorn-system"]


def test_the_path_policy_reaches_longhorn_and_cannot_stop_it() -> None:
    settings = Kyverno(longhorn_path_policy=True)
    assert spared(settings) == ["kube-system"]
    assert kyverno_values(settings)["features"]["forceFailurePolicyIgnore"]["enabled"] is True


@pytest.mark.parametrize(("replicas", "ignores"), [(1, True), (3, False)])
def test_a_single_replica_fails_open(replicas: int, ignores: bool) -> None:  # noqa: FBT001 - a test's parameter
    values = kyverno_values(Kyverno(admission_replicas=replicas))
    assert values["features"]["forceFailurePolicyIgnore"]["enabled"] is ignores
    assert values["admissionController"]["podDisruptionBudget"]["enabled"] is not ignores


def test_the_engine_may_run_on_servers_and_takes_its_webhooks_with_it() -> None:
    values = kyverno_values(Kyverno())
    admission = values["admissionController"]
    assert admission["tolerations"] == [
        {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}
    ]
    assert admission["replicas"] == 3
    assert admission["antiAffinity"] == {"enabled": True}
    assert values["config"]["excludeKyvernoNamespace"] is True
    assert values["crds"] == {"migration": {"enabled": True}}
    assert values["webhooksCleanup"] == {"enabled": True}


def merge(target: Any, patch: Any) -> Any:
    """A strategic merge as Kyverno does it: lists by name, `(name): "*"` means every element that is there."""
    if isinstance(patch, dict):
        return {**target, **{key: merge(target.get(key), value) for key, value in patch.items() if key != "(name)"}}
    if isinstance(patch, list) and patch and "(name)" in patch[0]:
        return [merge(element, patch[0]) for element in target]
    if isinstance(patch, list) and patch and "name" in patch[0]:
        kept = [item for item in target or [] if item["name"] not in {new["name"] for new in patch}]
        return [*kept, *patch]
    return patch


def admitted(pod: dict[str, Any]) -> dict[str, Any]:
    """The pod as the policy's rules leave it; a rule for containers that the pod has not is left out."""
    changed = copy.deepcopy(pod)
    for rule in path_policy()["spec"]["rules"]:
        (condition,) = rule["preconditions"]["all"]
        kind = condition["key"].removeprefix("{{ length(request.object.spec.").removesuffix(" || `[]`) }}")
        if len(changed["spec"].get(kind, [])) > condition["value"]:
            changed = merge(changed, rule["mutate"]["patchStrategicMerge"])
    return changed


def paths(containers: list[dict[str, Any]]) -> list[list[str]]:
    return [[item["value"] for item in one["env"] if item["name"] == "PATH"] for one in containers]


STANDARD = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
NIXOS = ["/run/wrappers/bin", "/nix/var/nix/profiles/default/bin", "/run/current-system/sw/bin"]


def test_every_container_finds_its_own_programs_first_and_then_the_hosts() -> None:
    pod = {
        "spec": {"containers": [{"name": "a", "image": "x", "env": [{"name": "KEEP", "value": "1"}]}, {"name": "b"}]}
    }
    containers = admitted(pod)["spec"]["containers"]
    assert paths(containers) == [[":".join([*STANDARD, *NIXOS])]] * 2
    assert [one["name"] for one in containers] == ["a", "b"]
    assert {"name": "KEEP", "value": "1"} in containers[0]["env"]
    assert containers[0]["image"] == "x"
    assert list(FOLDERS) == [*STANDARD, *NIXOS]


def test_init_containers_too_and_only_where_there_are_some() -> None:
    pod = {"spec": {"containers": [{"name": "a"}], "initContainers": [{"name": "i"}]}}
    assert paths(admitted(pod)["spec"]["initContainers"]) == [[":".join(FOLDERS)]]
    assert "initContainers" not in admitted({"spec": {"containers": [{"name": "a"}]}})["spec"]


def test_an_own_path_is_replaced_not_doubled() -> None:
    pod = {"spec": {"containers": [{"name": "a", "env": [{"name": "PATH", "value": "/only"}]}]}}
    assert paths(admitted(pod)["spec"]["containers"]) == [[":".join(FOLDERS)]]


def test_only_longhorns_pods_are_touched_and_a_missing_engine_stops_nothing() -> None:
    spec = path_policy()["spec"]
    assert spec["failurePolicy"] == "Ignore"
    for rule in spec["rules"]:
        assert rule["match"] == {"any": [{"resources": {"kinds": ["Pod"], "namespaces": ["longhorn-system"]}}]}

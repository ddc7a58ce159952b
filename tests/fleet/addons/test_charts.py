"""Every value that is set exists in the pinned chart."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fleet.addons import kyverno, longhorn
from fleet.cluster import Kyverno, Longhorn
from tests.components.stacks import addon, inputs_of

if TYPE_CHECKING:
    from collections.abc import Iterator

CHARTS = Path(__file__).parents[2] / "data/charts"


def known(chart: str) -> dict[str, str]:
    """The chart's values by dotted path, with their defaults' type."""
    text = (CHARTS / f"{chart}.values.txt").read_text().split("[settings]\n")[0]
    return dict(re.findall(r"^([\w.\"/-]+) = .*? \((\w+)\)", text, re.MULTILINE))


def leaves(values: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def strangers(chart: str, values: dict[str, Any]) -> set[str]:
    paths = known(chart)
    return {path for path, _ in leaves(values) if path not in paths}


def edited(edit: Any) -> Any:
    return inputs_of("sim", edit).fleet


def everything(fleet: dict[str, Any]) -> None:
    """Every option that adds a value."""
    fleet["hosts"]["n100-1"]["taints"] = [{"key": "disk", "value": "big", "effect": "NoSchedule"}]
    addon(fleet, "longhorn", backupTarget="s3://backup@eu/")


@pytest.mark.parametrize("edit", [None, everything])
def test_longhorns_values_exist(edit: Any) -> None:
    values = longhorn.longhorn_values(edited(edit), storage_network="kube-system/storage")
    assert strangers("longhorn", values) == set()


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("path_policy", [False, True])
def test_kyvernos_values_exist(replicas: int, path_policy: bool) -> None:  # noqa: FBT001 - a test's parameter
    settings = Kyverno(admission_replicas=replicas, longhorn_path_policy=path_policy)
    assert strangers("kyverno", kyverno.kyverno_values(settings)) == set()


def test_the_policies_values_exist() -> None:
    assert strangers("kyverno-policies", kyverno.policies_values()) == set()


@pytest.mark.parametrize("chart", ["longhorn", "kyverno", "kyverno-policies"])
def test_a_value_that_does_not_exist_is_found(chart: str) -> None:
    assert strangers(chart, {"noSuch": {"value": 1}}) == {"noSuch.value"}


@pytest.mark.parametrize(("chart", "version"), [("longhorn", Longhorn().version), ("kyverno", Kyverno().version)])
def test_the_facts_are_of_the_pinned_version(chart: str, version: str) -> None:
    assert f"chart version {version}," in (CHARTS / f"{chart}.values.txt").read_text().splitlines()[0]

"""The simulated repositories hold the versions that the fleet knows, and upgrades obey the charts' own laws."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from fleet.catalog import VERSIONS
from sim.plugins.kind import Resource
from sim.plugins.kubernetes import charts
from sim.plugins.kubernetes.api import Api
from sim.plugins.kubernetes.releases import ReleaseKind
from sim.plugins.server import Refused
from sim.world import World
from tests.sim.plugins.facts import urn

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

RELEASE = "kubernetes:helm.sh/v3:Release"
REPOSITORY = {"repo": "https://charts.example.org"}
KNOWN: list[tuple[str, Iterable[str]]] = [
    ("longhorn", VERSIONS.longhorn),
    ("kyverno", VERSIONS.kyverno),
    ("kyverno-policies", VERSIONS.kyverno),
]


def found(name: str, version: str | None) -> charts.Chart:
    asked: dict[str, Any] = {"chart": name, "repositoryOpts": REPOSITORY}
    return charts.find(asked if version is None else asked | {"version": version})


@pytest.mark.parametrize(("chart", "versions"), KNOWN, ids=[name for name, _ in KNOWN])
def test_the_repositories_hold_exactly_the_versions_that_the_laws_know(chart: str, versions: Iterable[str]) -> None:
    assert list(json.loads(charts.FILE.read_text())["charts"][chart]["versions"]) == list(versions)


@pytest.mark.parametrize(
    ("chart", "version", "application"),
    [
        ("longhorn", "1.11.3", "v1.11.3"),
        ("kyverno", "3.8.2", "v1.18.2"),
        ("kyverno-policies", "3.8.2", "v1.18.2"),
        ("kyverno", "v3.9.0", "v1.19.0"),
    ],
)
def test_a_version_is_found_with_the_application_that_it_carries(chart: str, version: str, application: str) -> None:
    one = found(chart, version)
    assert (one.version, one.app_version) == (version.lstrip("v"), application)
    assert one.entries == found(chart, None).entries


@pytest.mark.parametrize(("chart", "newest"), [("longhorn", "1.12.1"), ("kyverno", "3.9.0")])
def test_without_a_version_it_is_the_newest(chart: str, newest: str) -> None:
    assert found(chart, None).version == newest


def test_a_version_that_no_repository_holds_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        found("kyverno", "3.8.9")
    assert str(refused.value) == (
        'chart "kyverno" version "3.8.9" not found in https://charts.example.org repository; '
        "check the chart name and repository configuration."
    )


def asked(chart: str, version: str) -> dict[str, Any]:
    return {
        "chart": chart,
        "version": version,
        "name": chart,
        "namespace": "default",
        "repositoryOpts": REPOSITORY,
        "skipAwait": True,
    }


def upgraded(world: World, chart: str, before: str, after: str) -> dict[str, Any]:
    """Install one version, upgrade to another, and return the release as the cluster has it."""
    world.write("clusters/lab", {"nodes": {}})
    kind = ReleaseKind(lambda: Api(world=world, document="clusters/lab", server="https://192.0.2.1:6443"))
    resource = Resource(urn=urn(RELEASE), type=RELEASE, name="x")
    release_id, state = asyncio.run(kind.create(resource, asked(chart, before)))
    return asyncio.run(kind.update(resource, release_id, state, asked(chart, after)))


def test_longhorn_never_goes_down(tmp_path: Path) -> None:
    world = World(tmp_path)
    with pytest.raises(Refused) as refused:
        upgraded(world, "longhorn", "1.12.1", "1.11.3")
    assert str(refused.value) == (
        "pre-upgrade hooks failed: job longhorn-pre-upgrade failed: BackoffLimitExceeded "
        "(failed to upgrade since downgrading from v1.12.1 to v1.11.3 is not supported)"
    )
    assert world.read("clusters/lab")["releases"]["default/longhorn"]["revision"] == 1


@pytest.mark.parametrize(
    ("chart", "before", "after"),
    [("longhorn", "1.11.3", "1.12.1"), ("longhorn", "1.12.1", "1.12.1"), ("kyverno", "3.9.0", "3.8.2")],
)
def test_other_ways_are_open(tmp_path: Path, chart: str, before: str, after: str) -> None:
    status = upgraded(World(tmp_path), chart, before, after)["status"]
    assert (status["version"], status["revision"]) == (after, 2)

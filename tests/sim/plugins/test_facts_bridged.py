"""hcloud and ovh hold what the real plugins did: every check and every diff row of the resources that are doubled."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from sim.plugins.hcloud import Hcloud
from sim.plugins.ovh import Ovh
from sim.plugins.server import EngineLog, Refused
from sim.world import World
from tests.sim.plugins import bases
from tests.sim.plugins.facts import (
    Row,
    changed,
    check,
    diff,
    diff_rows,
    facts,
    foretold,
    kind_of,
    plain,
    seen_kind,
    spelled,
)

if TYPE_CHECKING:
    from pathlib import Path

    from sim.plugins.base import Double

FACTS = {"hcloud": facts("hcloud")["resources"], "ovh": facts("ovh")["resources"]}
NOT_DOUBLED = {
    "hcloud:index/primaryIp:PrimaryIp": "no part of a cluster needs a primary address of its own",
    "hcloud:index/rdns:Rdns": "same for reverse DNS",
    "ovh:index/cloudInstance:CloudInstance": "the program uses cloudproject.Instance",
    "ovh:Dedicated/server:Server": "the real plugin cannot create one; dedicated servers are records",
    "ovh:Dedicated/serverReinstallTask:ServerReinstallTask": "would wipe a host outside of the install guard",
}
GARBLED = {
    ("hcloud:index/firewall:Firewall", "<1 chars>"): {
        "rules": [{"direction": "in", "protocol": "tcp", "port": "22", "sourceIps": "<unknown>"}]
    }
}
"""Inputs that were written down short of their meaning; the row's own `changed` says what they were."""
TABLES: dict[str, tuple[Any, Any, Any, dict[str, Any]]] = {
    "hcloud": (bases.HCLOUD_BASES, bases.HCLOUD_OTHERS, bases.HCLOUD_ROWS, bases.HCLOUD_FILL),
    "ovh": (bases.OVH_BASES, bases.OVH_OTHERS, bases.OVH_ROWS, {}),
}


def doubled(token: str) -> bool:
    return token not in NOT_DOUBLED


@pytest.fixture
def doubles(tmp_path: Path) -> dict[str, Double]:
    world, log = World(tmp_path), EngineLog("unused")
    return {"hcloud": Hcloud(world, log), "ovh": Ovh(world, log)}


DIFF_ROWS = [row for resources in FACTS.values() for row in diff_rows(resources, doubled)]
CHECK_ROWS = [
    (token, row)
    for resources in FACTS.values()
    for token, resource in resources.items()
    if doubled(token)
    for row in resource["check"]
]


def test_the_doubles_know_exactly_the_resources_that_are_held(doubles: dict[str, Double]) -> None:
    known = {token for double in doubles.values() for token in double.kinds}
    assert known == {token for resources in FACTS.values() for token in resources if doubled(token)}


@pytest.mark.parametrize("row", DIFF_ROWS, ids=lambda row: f"{row[0].rpartition(':')[2]}, {row[1]}, {row[2]}")
def test_a_difference_is_what_the_real_plugin_said(doubles: dict[str, Double], row: Row) -> None:
    token, variant, action, seen = row
    kind, double = token.rpartition(":")[2], doubles[token.partition(":")[0]]
    base_of, others, rows, fill = TABLES[token.partition(":")[0]]
    base = base_of[kind][variant]
    before = check(double, token, base)
    assert before.failures == []
    after = check(double, token, changed(base, bases.delta(rows, others, kind, variant, action)), before.inputs)
    if isinstance(seen, dict) and "check" in seen:
        assert after.failures == sorted(failure for _, failure in seen["check"])
        return
    state = foretold(double, token, before.inputs, fill)
    assert kind_of(diff(double, token, state, after.inputs)) == seen_kind(seen)


@pytest.mark.parametrize(("token", "row"), CHECK_ROWS, ids=lambda value: str(value)[:100])
def test_a_check_says_what_the_real_plugin_said(doubles: dict[str, Double], token: str, row: dict[str, Any]) -> None:
    inputs = spelled(GARBLED.get((token, str(row["in"].get("rules"))), row["in"]))
    answer = check(doubles[token.partition(":")[0]], token, inputs)
    assert answer.failures == sorted(row["failures"])
    if any(failure.startswith("rpc: ") for failure in row["failures"]):
        return
    added = row.get("added", {})
    assert set(plain(answer.inputs)) == {*inputs, *added}
    for name, value in added.items():
        assert name == "name" or answer.inputs[name] == value
    for name, value in row.get("changed", {}).items():
        assert plain(answer.inputs[name]) == plain(value)


PROVIDER_ROWS = [(plugin, row) for plugin in ("hcloud", "ovh") for row in facts(plugin)["provider_check"]]
KEPT = 120
"""Characters of an ovh refusal that the facts hold; they also fold its lines."""


@pytest.mark.parametrize(("plugin", "row"), PROVIDER_ROWS, ids=lambda value: str(value)[:90])
def test_a_configuration_is_judged_as_by_the_real_plugin(
    doubles: dict[str, Double], plugin: str, row: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith(("HCLOUD_", "OVH_"))]:
        monkeypatch.delenv(name)
    double = doubles[plugin]
    settings = {key: "é" * 32 if value == "<32 chars>" else spelled(value) for key, value in row["in"].items()}
    assert sorted(reason for _, reason in double.check_settings(settings)) == sorted(row["CheckConfig"])
    try:
        double.configure_with(settings)
        said = "ok"
    except Refused as error:
        said = str(error)
    if plugin == "ovh":
        assert " ".join(said.split())[:KEPT] == " ".join(row["Configure"].split())[:KEPT]
    else:
        assert said == row["Configure"]


@pytest.mark.parametrize("plugin", ["hcloud", "ovh"])
def test_another_credential_or_endpoint_is_a_change_in_place(doubles: dict[str, Double], plugin: str) -> None:
    for name, (seen, replaces) in facts(plugin)["provider_diff"].items():
        answer = doubles[plugin].diff_settings({name: "a"}, {name: "b"})
        assert (bool(answer.paths), answer.replaces) == (seen == "SOME", replaces)

"""The order of a run, its quorum at each step, and the money."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from fleet.catalog import HCLOUD
from fleet.contract.formation import turns
from fleet.document import read_fleet
from fleet.model import Role
from fleet.plan.effect import Effect
from fleet.plan.estimate import estimate
from fleet.plan.model import Amount
from fleet.plan.prices import PRICES, host_price
from fleet.plan.rollout import rollout
from fleet.plan.times import ASSUMED_SECONDS, Times
from fleet.plan.words import meaning
from fleet.settings import Fleet
from tests.plan.scenarios import AGENT, CHANGES, PROFILES, document, planned

if TYPE_CHECKING:
    from pathlib import Path


def _fleet(**more: Any) -> Fleet:
    return read_fleet(document() | more, "the test", PROFILES)


def _waves(before: Fleet | None, effects: dict[str, Effect], after: Fleet | None = None) -> list[tuple[object, ...]]:
    after = after or _fleet()
    whole = dict.fromkeys(after.hosts, Effect.NOTHING) | effects
    found = rollout(before, after, whole, Times())
    return [(wave.hosts, wave.members, wave.quorum, wave.answering, wave.safe) for wave in found.waves]


def test_a_cluster_grows_by_one_member_at_a_time() -> None:
    assert _waves(None, dict.fromkeys(document()["hosts"], Effect.CREATED)) == [
        (("hcloud-1",), 0, 0, 0, True),
        (("hcloud-2",), 1, 1, 1, True),
        (("hcloud-3",), 2, 2, 2, True),
        (("jetson-1", "n100-1", "ovh-1"), 3, 2, 3, True),
    ]


def test_a_server_that_reboots_is_missed_and_one_that_is_installed_again_is_no_member() -> None:
    effects = {"hcloud-1": Effect.UNITS, "hcloud-2": Effect.REBOOT, "hcloud-3": Effect.REINSTALLED}
    assert _waves(_fleet(), effects) == [
        (("hcloud-1",), 3, 2, 3, True),
        (("hcloud-2",), 3, 2, 2, True),
        (("hcloud-3",), 2, 2, 2, True),
    ]


def test_a_server_that_is_replaced_leaves_first_so_that_no_other_can_be_spared() -> None:
    assert _waves(_fleet(), {"hcloud-1": Effect.K3S, "hcloud-2": Effect.REPLACED}) == [
        (("hcloud-2",), 3, 2, 2, True),
        (("hcloud-1",), 2, 2, 1, False),
        (("hcloud-2",), 2, 2, 2, True),
    ]


def test_who_leaves_for_good_goes_last() -> None:
    hosts = {name: host for name, host in document()["hosts"].items() if name != "jetson-1"}
    assert _waves(_fleet(), {"jetson-1": Effect.REMOVED, "n100-1": Effect.UNITS}, _fleet(hosts=hosts)) == [
        (("n100-1",), 3, 2, 3, True),
        (("jetson-1",), 3, 2, 3, True),
    ]


def test_agents_begin_as_many_at_once_as_the_rollout_allows_in_the_order_of_the_program() -> None:
    fleet = _fleet(rollout={"batchSize": 2})
    effects = dict.fromkeys(fleet.hosts, Effect.UNITS)
    found = rollout(fleet, fleet, effects, Times())
    assert [wave.hosts for wave in found.waves][3:] == [("jetson-1", "n100-1"), ("ovh-1",)]
    assert [name for wave in found.waves for name in wave.hosts] == list(turns(fleet))


def test_a_wave_begins_when_all_that_it_waits_for_is_done() -> None:
    fleet = _fleet(rollout={"batchSize": 2})
    effects = dict.fromkeys(fleet.hosts, Effect.NOTHING) | dict.fromkeys(("jetson-1", "n100-1", "ovh-1"), Effect.REBOOT)
    times = Times(seconds={"reboot": {"jetson-1": 60, "n100-1": 600, "ovh-1": 120}})
    found = rollout(fleet, fleet, effects, times)
    assert [(wave.hosts, wave.begins_minute, wave.ends_minute) for wave in found.waves] == [
        (("jetson-1", "n100-1"), 0, 10),
        (("ovh-1",), 1, 3),
    ]
    assert (found.minutes, found.measured) == (10, True)


def test_a_time_is_the_hosts_own_else_the_others_median_else_assumed() -> None:
    times = Times(seconds={"reboot": {"a": 10, "b": 30, "c": 80}})
    assert [times.of("reboot", name) for name in ("a", "other")] == [10, 30]
    assert Times().of("reboot", "a") == ASSUMED_SECONDS["reboot"]
    assert times.merged({"reboot": {"a": 20}, "k3s": {"a": 5}}).seconds == {
        "reboot": {"a": 20, "b": 30, "c": 80},
        "k3s": {"a": 5},
    }


@pytest.mark.parametrize("effect", Effect)
def test_every_effect_takes_a_time(effect: Effect) -> None:
    assert (Times().minutes(effect, "a") > 0) is (effect is not Effect.NOTHING)


@pytest.mark.parametrize(
    ("entry", "cluster", "role", "effect"),
    [
        ((), (), Role.AGENT, Effect.NOTHING),
        (("labels.example.net/rack",), (), Role.AGENT, Effect.K3S),
        (("tuning.zramPercent", "tuning.kernelParams"), (), Role.AGENT, Effect.REBOOT),
        (("wireguardKey",), (), Role.AGENT, Effect.NOTHING),
        ((), ("servers.hcloud-4",), Role.SERVER, Effect.K3S),
        ((), ("servers.hcloud-4",), Role.AGENT, Effect.K3S),
        ((), ("endpoint.name",), Role.SERVER, Effect.K3S),
        ((), ("endpoint.name",), Role.AGENT, Effect.UNITS),
        ((), ("k3sVersion",), Role.AGENT, Effect.K3S),
        ((), ("rebootWindow",), Role.SERVER, Effect.NOTHING),
    ],
)
def test_without_nix_an_effect_follows_from_who_reads_the_key(
    entry: tuple[str, ...], cluster: tuple[str, ...], role: Role, effect: Effect
) -> None:
    assert estimate(entry, cluster, role) is effect


def test_prices_are_of_types_that_the_catalogue_knows() -> None:
    assert set(PRICES.hcloud.server_types) <= set(HCLOUD.server_types)
    assert set(PRICES.hcloud.load_balancers) <= set(HCLOUD.load_balancer_types)
    assert set(PRICES.hcloud.scarce) <= set(PRICES.hcloud.server_types)


def test_a_server_keeps_its_price_until_it_is_made_anew() -> None:
    host = _fleet().hosts["hcloud-3"]
    assert host_price(host, ordered_today=False) == Amount(low=Decimal("11.35"), high=Decimal("13.85"))
    assert host_price(host, ordered_today=True) == Amount(low=Decimal("13.85"), high=Decimal("13.85"))


def test_a_price_elsewhere_and_of_an_unknown_type_is_unknown_and_a_board_costs_nothing() -> None:
    hosts = document()["hosts"]
    hosts["worker"] = AGENT | {"serverType": "cpx62", "disk": AGENT["disk"] | {"sizeGib": 640}}
    fleet = _fleet(hosts=hosts)
    assert host_price(fleet.hosts["worker"], ordered_today=True) is None
    assert host_price(fleet.hosts["ovh-1"], ordered_today=True) is None
    elsewhere = fleet.hosts["hcloud-1"].model_copy(update={"location": "ash"})
    assert host_price(elsewhere, ordered_today=True) is None
    assert host_price(fleet.hosts["n100-1"], ordered_today=True) == Amount(low=Decimal(0), high=Decimal(0))


def test_the_difference_is_of_those_that_are_ordered_anew_alone(tmp_path: Path) -> None:
    money = planned(CHANGES["a server moves"], tmp_path).money
    assert (money.before.low, money.before.high) == (Decimal("32.82"), Decimal("39.32"))
    assert (money.difference.low, money.difference.high) == (Decimal("0.00"), Decimal("2.00"))
    assert money.unknown == ("ovh-1",)


def test_a_setting_is_told_in_the_words_of_its_docstring() -> None:
    assert meaning("rollout.batchSize", Fleet) == "Agents installed or updated at the same time"
    assert meaning("rollout.window.opens", Fleet) == "When hosts may be rebooted"
    assert meaning("network.kind", Fleet) == ""
    assert meaning("nowhere.at.all", Fleet) == ""

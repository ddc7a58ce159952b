"""Updates on a real kernel, systemd and boot loader: what succeeds, what fails, and the way back."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.machines.host import assert_at_rest, state

if TYPE_CHECKING:
    from tests.machines.points import Site

PATIENT = {"NIXFLEET_READY_SECONDS": "600"}
HASTY = {"NIXFLEET_READY_SECONDS": "20"}
"""Limit of the wait for a node that will never be Ready."""


def test_a_host_that_runs_what_is_wanted_is_left_alone(installed: Site) -> None:
    before = state(installed.machine)
    done = installed.operator.run("switch", installed.host)
    assert (done.code, done.phases) == (0, ["look", "switch"]), done.err
    assert state(installed.machine) == before


@pytest.mark.parametrize("way", ["works", "reexec", "slow"])
def test_a_system_that_works_runs_and_boots_from_then_on(way: str, installed: Site) -> None:
    before = state(installed.machine)
    wanted = installed.operator.want(installed.host, way=way, label="second")
    assert wanted != before.runs
    done = installed.operator.run("switch", installed.host)
    assert done.code == 0, done.err
    assert json.loads(done.out) == {"generation": 2, "ready": True, "system": wanted}
    assert_at_rest(installed.machine, wanted)
    assert state(installed.machine).boot_id == before.boot_id


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("activation-fails", "switch-to-configuration failed with status 2"),
        ("unit-fails", "units failed with the new system: fleet-faulty.service"),
        ("unit-loops", "units failed with the new system: fleet-faulty.service"),
        ("hangs", "the watchdog fired: the new system was not confirmed in time"),
        ("hangs-deaf", "the watchdog fired: the new system was not confirmed in time"),
        ("k3s-silent", "the watchdog fired: the new system was not confirmed in time"),
        ("no-sshd", "not healthy within 20 s, last seen: "),
        ("no-network", ""),
    ],
)
def test_a_system_that_does_not_prove_itself_is_left(way: str, reason: str, installed: Site) -> None:
    before = state(installed.machine)
    if reason.startswith("the watchdog") or way == "no-network":
        installed.operator.watchdog_minutes = 1
    installed.operator.want(installed.host, way=way)
    done = installed.operator.run("switch", installed.host, **HASTY)
    assert (done.code, reason in done.err) == (7, True), done.err
    assert f"; the host runs {before.runs} again; see there: journalctl" in done.last
    assert_at_rest(installed.machine, before.runs)
    assert state(installed.machine).boot_id == before.boot_id
    # What a person is told to read there has nothing of systemd's own troubles with our units.
    said = installed.machine.tell("journalctl -b -u nixfleet-switch -u nixfleet-rollback -u nixfleet-undo")
    assert "Failed to open" not in said


def test_a_host_whose_power_is_cut_while_a_system_is_activated_boots_what_had_proven_itself(installed: Site) -> None:
    before = state(installed.machine)
    wanted = installed.operator.want(installed.host, way="slow", label="second")
    run = installed.operator.start("switch", installed.host, **PATIENT)
    run.until(": activate: watchdog armed")
    installed.machine.cut_power()
    installed.machine.start()
    done = run.end()
    assert done.code in (6, 7), done.err
    installed.machine.await_up()
    assert_at_rest(installed.machine, before.runs)
    again = installed.operator.run("switch", installed.host, **PATIENT)
    if again.code == 7:
        again = installed.operator.run("switch", installed.host, **PATIENT)
    assert again.code == 0, again.err
    assert_at_rest(installed.machine, wanted)


@pytest.mark.parametrize("next_wish", ["the same", "another", "the old one"])
def test_a_run_that_was_killed_leaves_a_host_that_the_next_one_brings_where_it_should_be(
    next_wish: str, installed: Site
) -> None:
    old = state(installed.machine).runs
    wanted = installed.operator.want(installed.host, way="slow", label="second")
    run = installed.operator.start("switch", installed.host)
    run.until(": activate: watchdog armed")
    run.kill()
    if next_wish == "another":
        wanted = installed.operator.want(installed.host, label="third")
    elif next_wish == "the old one":
        wanted = installed.operator.want(installed.host)
        assert wanted == old
    done = installed.operator.run("switch", installed.host)
    assert done.code == 0, done.err
    assert_at_rest(installed.machine, wanted)


def test_a_connection_that_is_lost_while_a_system_is_activated_changes_nothing(installed: Site) -> None:
    wanted = installed.operator.want(installed.host, way="slow", label="second")
    run = installed.operator.start("switch", installed.host)
    run.until(": activate: watchdog armed")
    installed.machine.cut_network()
    # Longer than a connection lives without an answer; there is no event to wait for.
    time.sleep(20)
    installed.machine.join_network()
    done = run.end()
    assert done.code == 0, done.err
    assert_at_rest(installed.machine, wanted)

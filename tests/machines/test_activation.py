"""Updates on a real kernel, systemd and boot loader: what succeeds, what fails, and the way back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.machines.host import assert_at_rest, state

if TYPE_CHECKING:
    from tests.machines.points import Site

HASTY = {"NIXFLEET_READY_SECONDS": "20"}
"""Limit of the wait for a node that will never be Ready."""


def test_a_host_that_runs_what_is_wanted_is_left_alone(installed: Site) -> None:
    before = state(installed.machine)
    done = installed.run("switch")
    assert (done.code, done.phases) == (0, ["look", "switch"]), done.err
    assert state(installed.machine) == before


@pytest.mark.parametrize("way", ["works", "reexec"])
def test_a_system_that_works_runs_and_boots_from_then_on(way: str, installed: Site) -> None:
    before = state(installed.machine)
    wanted = installed.operator.want(installed.host, way=way)
    assert wanted != before.runs
    done = installed.run("switch")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert (answer["ready"], answer["system"]) == (True, wanted)
    assert_at_rest(installed.machine, wanted)
    assert state(installed.machine).boot_id == before.boot_id


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("activation-fails", "switch-to-configuration failed with status 2"),
        ("unit-fails", "units failed with the new system: fleet-faulty.service"),
        ("unit-loops", "units failed with the new system: fleet-faulty.service"),
        ("no-sshd", "not healthy within 20 s: "),
        # The word of its journal is lost with the network; its watchdog is not.
        ("no-network", ""),
    ],
)
def test_a_system_that_does_not_prove_itself_is_left(way: str, reason: str, installed: Site) -> None:
    before = state(installed.machine)
    if way.startswith("no-"):
        installed.operator.watchdog_minutes = 1
    wanted = installed.operator.want(installed.host, way=way)
    done = installed.run("switch", **HASTY)
    assert (done.code, reason in done.err) == (7, True), done.err
    assert f"; the host runs {before.runs} again; see there: journalctl" in done.last
    assert_at_rest(installed.machine, before.runs)
    assert state(installed.machine).boot_id == before.boot_id
    # What a person is told to read there tells of it. systemd 252 adds that it finds no file, of every transient unit
    # that is asked about when it has gone.
    said = installed.machine.tell("journalctl -b -u nixfleet-switch -u nixfleet-rollback -u nixfleet-undo")
    assert f"{wanted}/bin/switch-to-configuration test" in said


def test_a_disk_without_room_stops_an_update_before_anything_has_changed(installed: Site) -> None:
    before = state(installed.machine)
    wanted = installed.operator.want(installed.host)
    installed.machine.fill_disk()
    failed = installed.run("switch")
    installed.machine.empty_disk()
    assert failed.code == 6, failed.err
    assert "No space left on device" in failed.last
    assert_at_rest(installed.machine, before.runs)
    done = installed.run("switch")
    assert done.code == 0, done.err
    assert_at_rest(installed.machine, wanted)

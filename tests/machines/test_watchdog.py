"""The watchdog on a real systemd: it acts in time whatever hangs, and survives nothing that it should not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.machines.host import assert_at_rest, state

if TYPE_CHECKING:
    from tests.machines.points import Site

PROMISES = (
    "systemctl show --value --property=AccuracyUSec nixfleet-rollback.timer; "
    "systemctl show --value --property=TimeoutStopUSec nixfleet-switch.service"
)
"""How late the timer may be, and how long an activation that ignores signals may hold the way back."""


@pytest.mark.parametrize("way", ["hangs", "hangs-deaf", "k3s-silent"])
def test_a_host_whose_activation_does_not_end_goes_back_by_itself_and_in_time(way: str, installed: Site) -> None:
    before = state(installed.machine)
    installed.operator.watchdog_minutes = 1
    installed.operator.want(installed.host, way=way)
    run = installed.operator.start("switch", installed.host)
    run.until(": activate: watchdog armed")
    # systemd keeps what it says of its units, whatever the load: test_timers.py.
    assert installed.machine.tell(PROMISES).split() == ["1s", "10s"]
    done = run.end()
    assert done.code == 7, done.err
    assert "the watchdog fired: the new system was not confirmed in time" in done.last
    assert f"; the host runs {before.runs} again; see there: journalctl" in done.last
    assert_at_rest(installed.machine, before.runs)
    assert state(installed.machine).boot_id == before.boot_id


def test_a_kernel_that_panics_while_a_system_is_activated_boots_what_had_proven_itself(installed: Site) -> None:
    before = state(installed.machine)
    installed.operator.want(installed.host, way="panics")
    done = installed.run("switch")
    assert done.code == 7, done.err
    assert "it was rebooted while " in done.last
    installed.machine.await_up()
    assert_at_rest(installed.machine, before.runs)
    assert state(installed.machine).boot_id != before.boot_id


def test_a_watchdog_that_is_no_longer_needed_is_gone(installed: Site) -> None:
    wanted = installed.operator.want(installed.host, way="slow")
    run = installed.operator.start("switch", installed.host)
    run.until(": activate: watchdog armed")
    units = "systemctl list-units --all --no-legend --plain 'nixfleet-*' | sed 's/ .*//' | sort"
    assert "nixfleet-rollback.timer" in installed.machine.tell(units).split()
    done = run.end()
    assert done.code == 0, done.err
    found = installed.machine.tell(f"{units}; ls /run/nixfleet /var/lib/nixfleet /nix/var/nix/gcroots")
    assert not {"nixfleet-rollback.timer", "nixfleet-rollback.service", "rollback", "trial", "nixfleet-candidate"} & {
        *found.split()
    }
    assert_at_rest(installed.machine, wanted)

"""Systems that only a boot can bring, on a real boot loader: the one that comes up, and those that do not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.machines.host import assert_at_rest, state

if TYPE_CHECKING:
    from tests.machines.points import Site


@pytest.mark.parametrize("system", [{"kernel": "6.12.2"}, {"way": "reboot-needed"}], ids=["kernel", "refused-switch"])
def test_a_system_that_needs_a_boot_runs_after_one_and_boots_from_then_on(
    system: dict[str, str], installed: Site
) -> None:
    before = state(installed.machine)
    wanted = installed.operator.want(installed.host, **system)
    done = installed.run("switch")
    assert done.code == 0, done.err
    assert json.loads(done.out)["system"] == wanted
    installed.machine.await_up()
    after = state(installed.machine)
    assert (after.booted, after.boot_id != before.boot_id) == (wanted, True)
    assert_at_rest(installed.machine, wanted)


def test_a_host_that_does_not_come_up_boots_what_had_proven_itself(installed: Site) -> None:
    """Its first process ends, which is a panic."""
    before = state(installed.machine)
    wanted = installed.operator.want(installed.host, kernel="6.12.3", way="no-boot")
    done = installed.run("switch")
    text = (
        f"hostops: {installed.host}: rollback: failed: its boot did not come up; the host left {wanted} by a reboot "
        f"and runs {before.runs}, which boots by default; see there: journalctl --boot=-1"
    )
    assert (done.code, done.last) == (7, text), done.err
    installed.machine.await_up()
    assert state(installed.machine).boot_id != before.boot_id
    assert_at_rest(installed.machine, before.runs)


def test_a_kernel_that_no_loader_can_start_costs_a_press_of_the_power_button_and_no_more(installed: Site) -> None:
    """The loader gives up, and the firmware goes on with what else boots."""
    before = state(installed.machine)
    wanted = installed.operator.want(installed.host, kernel="bad-6.12.4")
    done = installed.run("switch", NIXFLEET_READY_SECONDS="60")
    cure = f"its boot loader has {before.runs} as the default: look at its console, switch it off and on"
    assert (done.code, done.last.endswith(cure)) == (4, True), done.err
    installed.machine.cut_power()
    installed.machine.start()
    installed.machine.await_up()
    assert_at_rest(installed.machine, before.runs)
    said = installed.run("switch")
    text = f"in an earlier run the host left {wanted} by itself (its boot did not come up)"
    assert (said.code, text in said.last) == (7, True), said.err

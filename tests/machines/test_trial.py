"""A boot that is tried and interrupted, and what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.machines.host import assert_at_rest, state
from tests.machines.test_interruption import WISHES, wish

if TYPE_CHECKING:
    from tests.machines.points import Site


@pytest.mark.parametrize("next_wish", WISHES)
def test_a_run_that_is_killed_while_the_host_boots_leaves_a_trial_that_the_next_run_ends(
    next_wish: str, installed: Site
) -> None:
    old = state(installed.machine)
    wanted = installed.operator.want(installed.host, kernelParams=f"fleet.try={WISHES.index(next_wish)}")
    installed.machine.forget_boots()
    run = installed.operator.start("switch", installed.host)
    installed.machine.await_boot()
    run.kill()
    wanted = wish(installed, next_wish, wanted, old.runs)
    done = installed.run("switch")
    assert done.code == 0, done.err
    installed.machine.await_up()
    assert_at_rest(installed.machine, wanted)


def test_a_host_whose_power_is_cut_while_it_boots_a_new_system_is_never_left_on_it_unproven(installed: Site) -> None:
    before = state(installed.machine)
    wanted = installed.operator.want(installed.host, kernelParams="fleet.try=cut")
    installed.machine.forget_boots()
    run = installed.operator.start("switch", installed.host)
    installed.machine.await_boot()
    installed.machine.cut_power()
    installed.machine.start()
    done = run.end()
    installed.machine.await_up()
    # The power may have gone before the boot loader used the one try up.
    assert state(installed.machine).boots_next == (wanted if done.code == 0 else before.runs), done.err
    done = installed.run("switch") if done.code else done
    assert done.code == 0, done.err
    installed.machine.await_up()
    assert_at_rest(installed.machine, wanted)


def test_a_system_that_boots_and_is_not_healthy_is_left_by_the_host_itself(installed: Site) -> None:
    before = state(installed.machine)
    installed.operator.watchdog_minutes = 1
    installed.operator.want(installed.host, kernelParams="fleet.try=silent", way="k3s-silent")
    installed.machine.forget_boots()
    run = installed.operator.start("switch", installed.host)
    installed.machine.await_boot()
    # Nobody is there who could tell it to.
    run.kill()
    installed.machine.await_boot()
    installed.machine.await_up()
    assert_at_rest(installed.machine, before.runs)
    said = installed.run("switch")
    assert (said.code, "in an earlier run the host left " in said.last) == (7, True), said.err

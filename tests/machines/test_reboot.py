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
    done = installed.operator.run("switch", installed.host)
    assert done.code == 0, done.err
    assert json.loads(done.out)["system"] == wanted
    installed.machine.await_up()
    after = state(installed.machine)
    assert (after.booted, after.boot_id != before.boot_id) == (wanted, True)
    assert_at_rest(installed.machine, wanted)


@pytest.mark.parametrize(
    "system",
    [{"kernel": "bad-6.12.2"}, {"kernel": "6.12.2", "way": "no-boot"}, {"way": "panics"}],
    ids=["a kernel that is none", "a first process that ends", "a panic while it is activated"],
)
def test_a_host_that_does_not_come_up_boots_what_had_proven_itself(system: dict[str, str], installed: Site) -> None:
    before = state(installed.machine)
    installed.operator.want(installed.host, **system)
    done = installed.operator.run("switch", installed.host)
    assert done.code == 7, done.err
    installed.machine.await_up()
    after = state(installed.machine)
    assert (after.booted, after.boot_id != before.boot_id) == (before.runs, True)
    assert_at_rest(installed.machine, before.runs)
    # The next run tries again, or tells of the first one; it never leaves the host on what does not come up.
    installed.operator.run("switch", installed.host)
    installed.machine.await_up()
    assert_at_rest(installed.machine, before.runs)


def test_a_host_whose_power_is_cut_while_it_boots_a_new_system_is_never_left_on_it_unproven(installed: Site) -> None:
    before = state(installed.machine)
    wanted = installed.operator.want(installed.host, kernel="6.12.2")
    run = installed.operator.start("switch", installed.host)
    installed.machine.await_boot()
    installed.machine.cut_power()
    installed.machine.start()
    done = run.end()
    installed.machine.await_up()
    after = state(installed.machine)
    assert after.boots_next == (wanted if done.code == 0 else before.runs), done.err
    again = installed.operator.run("switch", installed.host)
    if again.code == 7:
        again = installed.operator.run("switch", installed.host)
    assert again.code == 0, again.err
    installed.machine.await_up()
    assert_at_rest(installed.machine, wanted)

"""An update that is interrupted, and what comes next: the same wish, another one, or the old system."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.machines.host import assert_at_rest, state

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.machines.operator import Run
    from tests.machines.points import Site

LOST_SECONDS = 20
"""Longer than a connection lives without an answer (hostops/workspace.py)."""


def killed(_: Site, run: Run) -> None:
    """The operator's process, as by the engine."""
    run.kill()


def cut_off(site: Site, run: Run) -> None:
    """The connection, and then the operator gives up."""
    site.machine.cut_network()
    run.kill()
    site.machine.join_network()


def power_cut(site: Site, run: Run) -> None:
    """The host's power, and with it what its disk had not got."""
    site.machine.cut_power()
    site.machine.start()
    run.kill()
    site.machine.await_up()


INTERRUPTIONS = (killed, cut_off, power_cut)
WISHES = ("the same", "another", "the old one")


def wish(site: Site, next_wish: str, wanted: str, old: str) -> str:
    """Let the next run be for this wish; the store path that it means."""
    if next_wish == "another":
        return site.operator.want(site.host)
    if next_wish == "the old one":
        site.operator.mean(site.host, old)
        return old
    return wanted


@pytest.mark.parametrize("next_wish", WISHES)
@pytest.mark.parametrize("interruption", INTERRUPTIONS, ids=lambda one: one.__name__)
def test_what_interrupts_an_activation_leaves_a_host_that_the_next_run_brings_where_it_should_be(
    interruption: Callable[[Site, Run], None], next_wish: str, installed: Site
) -> None:
    old = state(installed.machine).runs
    wanted = installed.operator.want(installed.host, way="slow")
    run = installed.operator.start("switch", installed.host)
    run.until(": activate: watchdog armed")
    interruption(installed, run)
    if interruption is power_cut:
        # Nobody has asked it yet.
        assert_at_rest(installed.machine, old)
    wanted = wish(installed, next_wish, wanted, old)
    done = installed.run("switch")
    assert done.code == 0, done.err
    assert_at_rest(installed.machine, wanted)


@pytest.mark.parametrize("next_wish", ["another", "the old one"])
def test_an_activation_that_hangs_is_ended_by_a_run_for_another_wish(next_wish: str, installed: Site) -> None:
    old = state(installed.machine).runs
    wanted = installed.operator.want(installed.host, way="hangs-deaf")
    run = installed.operator.start("switch", installed.host)
    run.until(": activate: watchdog armed")
    run.kill()
    wanted = wish(installed, next_wish, wanted, old)
    done = installed.run("switch")
    assert done.code == 0, done.err
    assert_at_rest(installed.machine, wanted)


def test_a_run_whose_connection_is_lost_for_a_while_goes_on(installed: Site) -> None:
    wanted = installed.operator.want(installed.host, way="slow")
    run = installed.operator.start("switch", installed.host)
    run.until(": activate: watchdog armed")
    installed.machine.cut_network()
    # There is no event: what is awaited is that nothing comes.
    installed.machine.tell(f"sleep {LOST_SECONDS}")
    installed.machine.join_network()
    done = run.end()
    assert done.code == 0, done.err
    assert_at_rest(installed.machine, wanted)


def test_a_run_that_sees_a_power_cut_says_that_what_had_proven_itself_runs(installed: Site) -> None:
    old = state(installed.machine).runs
    wanted = installed.operator.want(installed.host, way="slow")
    run = installed.operator.start("switch", installed.host)
    run.until(": activate: watchdog armed")
    installed.machine.cut_power()
    installed.machine.start()
    done = run.end()
    text = (
        f"hostops: {installed.host}: rollback: failed: it was rebooted while {wanted} was unproven (a power cut, or a "
        f"watchdog of its hardware); it runs {old}, which had proven itself and boots by default; run again"
    )
    assert (done.code, done.last) == (7, text), done.err
    installed.machine.await_up()
    assert_at_rest(installed.machine, old)

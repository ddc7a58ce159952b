"""Every fault of the table on the real engine: the laws hold, and a second run without the fault ends well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from operate.messages import OperateError
from sim.machines import hostkeys
from sim.world import Fault
from tests.faults import judge
from tests.faults.table import GROUPS, ROWS, STATES

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.site import Site
    from sim.stage import Outcome
    from tests.faults.judge import Scene
    from tests.faults.sites import Kept
    from tests.faults.table import Group, Row

pytestmark = pytest.mark.engine
BEHIND_SECONDS = -2 * 86400
"""By more than the cluster's authority is old from its first day on (fleet/keys/authority.py)."""


def machine(made: Site, row: Row) -> str:
    """The id of the row's machine; empty for one that its cloud has not made."""
    found = made.stage.rack.by_name(row.host)
    return found.spec.id if found else ""


def break_it(made: Site, row: Row) -> str:
    """Let it go wrong; the host key that the machine had, where it has another one now."""
    rack = made.stage.rack
    if row.kind not in STATES:
        fault = Fault(machine=row.at or row.host, step=row.step, kind=row.kind, times=row.times)  # type: ignore[arg-type]  # the other kinds are states
        made.stage.world.inject(fault)
    elif row.kind == "gone":
        rack.remove(machine(made, row))
    elif row.kind == "off":
        rack.power(machine(made, row), on=False)
    elif row.kind == "disk full":
        rack.fill(machine(made, row), full=True)
    elif row.kind == "clock behind":
        rack.set_clock(machine(made, row), BEHIND_SECONDS)
    else:
        return rack.rekey(machine(made, row), hostkeys.new_key())
    return ""


def repair(made: Site, row: Row, key: str) -> None:
    """Put it right again."""
    rack, found = made.stage.rack, machine(made, row)
    if not found:
        return
    if row.kind == "wrong key":
        rack.rekey(found, key)
    rack.fill(found, full=False)
    rack.set_clock(found, 0)
    if row.step in ("boot", "k3s start") or row.kind == "clock behind":
        rack.reboot(found)
    rack.power(found, on=True)


def missed(made: Site) -> list[str]:
    """Faults that did not happen: their step is not one that the run takes."""
    faults = made.stage.world.read("faults").get("faults", [])
    return [f"{fault['machine']}: {fault['step']}" for fault in faults if fault["times"]]


def tokens(fleet: dict[str, Any], group: Group) -> None:
    """Do what was asked for."""
    for row in group.rows:
        if row.cure and not row.at:
            fleet["hosts"][row.host]["reinstall"] = f"{row.host}@once-more"


def adopted(made: Site, group: Group) -> Outcome | None:
    """Take in what a cloud has and the state does not know, after an `up` that was refused; None: there is nothing."""
    row = next((row for row in group.rows if row.cure and row.at), None)
    if row is None:
        return None
    with pytest.raises(OperateError) as refused:
        made.up()
    assert row.host in str(refused.value)
    assert row.cure in str(refused.value)
    return made.adopt()


def laws(group: Group, before: Scene, after: Scene, done: Outcome, made: Site) -> list[str]:
    """Everything that breaks a law that holds at any time."""
    told = [judge.Told(row.host, row.says) for row in group.rows if row.says]
    return [
        *judge.other_disks_untouched(before, after, group.installs),
        *judge.formatted_at_most_once(before, after, group.installs),
        *judge.one_cluster(before, after),
        *judge.one_leader(after),
        *([] if group.pair else judge.quorum_kept(before, after)),
        *judge.copies_kept(before, after),
        *judge.truthful(done.run.ok, after),
        *judge.named(done.run.ok, done.run.errors, told),
        *judge.silent((done.run.stdout, done.run.stderr, *done.run.errors), judge.secrets(made)),
    ]


# Those that begin from one site stay on one worker, by the end of their ids: it is brought up once then.
@pytest.mark.parametrize("group", GROUPS, ids=[f"{group.name}@{group.site}" for group in GROUPS])
def test_the_laws_hold_whatever_goes_wrong_and_a_second_run_heals(group: Group, kept: Callable[[str], Kept]) -> None:
    with kept(group.site).again(group.edit) as made:
        group.setting(made)
        before = judge.look(made)
        keys = {row: break_it(made, row) for row in group.rows}
        first = made.up()
        assert missed(made) == []
        assert laws(group, before, judge.look(made), first, made) == []
        assert [host for host in group.untouched if f"update {host}-system" in first.commands] == []
        assert first.run.ok is not any(row.says for row in group.rows), first.run.errors
        made.stage.world.clear_faults()
        for row, key in keys.items():
            repair(made, row, key)
        made.stage.rack.settle()
        contents = judge.look(made).contents
        second = adopted(made, group) or made.up()
        if any(row.cure and not row.at for row in group.rows):
            cures = [judge.Told(row.host, (row.cure,)) for row in group.rows if row.cure]
            assert (second.run.ok, judge.named(second.run.ok, second.run.errors, cures)) == (False, [])
            assert judge.look(made).contents == contents
            made.change(lambda fleet: tokens(fleet, group))
            second = made.up()
        after = judge.look(made)
        assert (second.run.ok, second.run.errors) == (True, ())
        assert [*laws(group, before, after, second, made), *judge.healthy(after)] == []


def test_there_are_sixty_faults_of_every_kind() -> None:
    assert len(ROWS) >= 60
    kinds = {row.kind for row in ROWS}
    assert kinds == {*STATES, "fail", "hang", "disconnect", "slow", "reboot", "power", "rate", "error"}

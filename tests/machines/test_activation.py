"""Updates on a real kernel, systemd and boot loader: what succeeds, what fails, and the way back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.machines.host import assert_at_rest, state

if TYPE_CHECKING:
    from tests.machines.points import Site


def test_a_host_that_runs_what_is_wanted_is_left_alone(installed: Site) -> None:
    before = state(installed.machine)
    done = installed.operator.run("switch", installed.host)
    assert (done.code, done.phases) == (0, ["look", "switch"]), done.err
    assert state(installed.machine) == before


def test_a_system_that_works_runs_and_boots_from_then_on(installed: Site) -> None:
    before = state(installed.machine)
    wanted = installed.operator.want(installed.host, label="second")
    assert wanted != before.runs
    done = installed.operator.run("switch", installed.host)
    assert done.code == 0, done.err
    assert json.loads(done.out) == {"generation": 2, "ready": True, "system": wanted}
    assert_at_rest(installed.machine, wanted)
    assert state(installed.machine).boot_id == before.boot_id

"""`rollout.window` on the engine: a run goes on past reboots that must wait, names them, and a later one makes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from operate.report import after_preview, reboots_wait
from tests.faults.sites import shelf, site

if TYPE_CHECKING:
    from pathlib import Path

    from sim.site import Site

pytestmark = pytest.mark.engine

OPEN = {"opens": "00:00", "closes": "23:59"}


def closed() -> dict[str, Any]:
    """A window that opens the day after tomorrow, whatever the time zone."""
    day = (datetime.now(UTC) + timedelta(days=2)).strftime("%a").lower()
    return {"days": [day], "opens": "02:00", "closes": "03:00"}


def boots_by_default(made: Site, host: str) -> bool:
    """Whether what the host runs is what it booted."""
    machine = made.stage.rack.by_name(host)
    assert machine is not None
    root = made.stage.world.root / "machines" / machine.spec.id / "root"
    return (root / "run/booted-system").resolve() == (root / "run/current-system").resolve()


def test_reboots_wait_for_their_window_and_nothing_waits_for_them(tmp_path: Path) -> None:
    fleet = shelf(1, 3)
    fleet["rollout"]["window"] = closed()
    made = site(tmp_path, fleet)
    with made.powered():
        first = made.up()
        assert (first.run.ok, reboots_wait(first.run)) == (True, ""), first.run.errors

        # s1 and a1 have new kernel parameters; a2 comes after both, a label after all hosts, a3's end after all steps.
        def change(fleet: dict[str, Any]) -> None:
            for host in ("s1", "a1"):
                fleet["hosts"][host]["tuning"] = {"kernelParams": ["quiet"]}
            fleet["hosts"]["a2"]["tuning"] = {"zramPercent": 50}
            fleet["hosts"]["a2"]["labels"] = {"example.net/shelf": "two"}
            del fleet["hosts"]["a3"]

        made.change(change)
        up = made.up()
        assert up.run.ok, up.run.errors
        assert {"update s1-system", "update a1-system", "update a2-system", "update fleet-reboots"} <= set(up.commands)
        waits = reboots_wait(up.run)
        assert waits.startswith("a1, s1: the reboot waits, because rollout.window ("), waits
        assert waits.endswith("; all else is done; a run inside the window makes it")
        assert [boots_by_default(made, host) for host in ("s1", "a1")] == [False, False]
        nodes = made.stage.world.read("clusters/shelf")["nodes"]
        assert (sorted(nodes), nodes["a2"]["metadata"]["labels"]["example.net/shelf"]) == (["a1", "a2", "s1"], "two")

        # The same again: nothing is touched, and it still says so.
        again = made.up()
        assert (reboots_wait(again.run), again.connections, again.commands) == (waits, 0, ())

        made.change(lambda fleet: fleet["rollout"].update(window=OPEN))
        told = after_preview(made.preview().run)
        for host in ("a1", "s1"):
            assert f"{host}    reboots, if rollout.window is open then" in told, told
        done = made.up()
        assert (done.run.ok, reboots_wait(done.run), done.commands) == (True, "", ("update fleet-reboots",))
        assert [boots_by_default(made, host) for host in ("s1", "a1")] == [True, True]
        same = made.up()
        assert (same.run.ok, same.connections, same.commands) == (True, 0, ())

"""`rollout.window` on the engine: a run goes on past reboots that must wait, names them, and a later one makes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from operate.actions import REBOOTS_WAIT, after_failure
from operate.report import after_preview
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
    fleet = shelf(1, 2)
    fleet["rollout"]["window"] = closed()
    made = site(tmp_path, fleet)
    with made.powered():
        first = made.up()
        assert first.run.ok, first.run.errors

        # s1 and a1 have new kernel parameters; a2 comes after both, and a label comes after all hosts.
        def change(fleet: dict[str, Any]) -> None:
            for host in ("s1", "a1"):
                fleet["hosts"][host]["tuning"] = {"kernelParams": ["quiet"]}
            fleet["hosts"]["a2"]["tuning"] = {"zramPercent": 50}
            fleet["hosts"]["a2"]["labels"] = {"example.net/shelf": "two"}

        made.change(change)
        up = made.up()
        assert not up.run.ok
        systems = {"update s1-system", "update a1-system", "update a2-system"}
        assert (set(up.commands[:-1]), up.commands[-1]) == (systems, "update fleet-reboots")
        (error,) = up.run.errors
        text, code = after_failure(up.run)
        assert error.startswith("sim: reboots: failed: a1, s1: the reboot waits, because rollout.window (")
        assert error.endswith("; all else is done; `make up` inside the window makes it (hostops reboots, exit code 8)")
        assert (code, text.splitlines()[0].endswith(": all but reboots, which wait")) == (REBOOTS_WAIT, True)
        assert [boots_by_default(made, host) for host in ("s1", "a1", "a2")] == [False, False, False]
        labels = made.stage.world.read("clusters/shelf")["nodes"]["a2"]["metadata"]["labels"]
        assert labels["example.net/shelf"] == "two"

        # The same again: no host is touched, and it still says so.
        again = made.up()
        assert (again.run.errors == up.run.errors, again.connections, again.commands) == (
            True,
            0,
            ("update fleet-reboots",),
        )
        foretold = made.preview()
        told = after_preview(foretold.run)
        for host in ("a1", "s1"):
            assert f"{host}    reboots, if rollout.window is open then" in told, told

        made.change(lambda fleet: fleet["rollout"].update(window=OPEN))
        done = made.up()
        assert done.run.ok, done.run.errors
        assert [boots_by_default(made, host) for host in ("s1", "a1")] == [True, True]
        same = made.up()
        assert (same.run.ok, same.connections, same.commands) == (True, 0, ())

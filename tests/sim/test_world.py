"""Laws of the world's documents. What they mean is tested where it is written."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

import pytest

from sim.world import Fault, World

if TYPE_CHECKING:
    from pathlib import Path

WRITERS, TIMES = 4, 50


def _count(root: Path) -> None:
    world = World(root)
    for _ in range(TIMES):
        with world.edit("counter") as document:
            document["value"] = document.get("value", 0) + 1
        world.record("m", "counted")


def test_no_change_and_no_event_of_concurrent_processes_is_lost(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_count, args=(tmp_path,)) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    world = World(tmp_path)
    assert world.read("counter") == {"value": WRITERS * TIMES}
    assert len(world.events("m", "counted")) == WRITERS * TIMES


def test_an_edit_that_raises_changes_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("a/b", {"value": 1})

    def break_off() -> None:
        with world.edit("a/b") as document:
            document["value"] = 2
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert world.read("a/b") == {"value": 1}
    assert world.names("a") == ("a/b",)


def test_documents_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("secret", {})
    assert world.path("secret").stat().st_mode & 0o777 == 0o600


def test_a_fault_hits_its_step_so_often_and_leaves_an_event(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.inject(Fault(machine="a", step="systemctl show", kind="fail", times=2))
    assert world.fault("b", "systemctl show x") is None
    assert world.fault("a", "systemctl showing") is None
    assert [world.fault("a", "systemctl show x") for _ in range(3)] == ["fail", "fail", None]
    assert [event.detail for event in world.events("a", "fault")] == ["fail: systemctl show x"] * 2


def test_a_fault_of_any_machine_hits_every_machine(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.inject(Fault(machine="*", step="boot", kind="hang", times=2))
    assert (world.fault("a", "boot"), world.fault("b", "boot")) == ("hang", "hang")


def test_cleared_faults_do_not_happen(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.inject(Fault(machine="a", step="boot", kind="hang"))
    world.clear_faults()
    assert world.fault("a", "boot") is None


def test_a_world_without_its_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NIXFLEET_SIM", raising=False)
    with pytest.raises(LookupError) as error:
        World.from_environment()
    assert error.value.args == ("NIXFLEET_SIM is not set: it names the folder of the simulated world; set it",)

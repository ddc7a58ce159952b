"""The step for reboots that wait: who waits, since when the window is open, and which stacks have the step."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from components.reboots import held, opened
from fleet.window import WEEK, Window
from tests.components.stacks import inputs_of

if TYPE_CHECKING:
    from tests.components.stacks import Deploy


def at_night(fleet: dict[str, Any]) -> None:
    """Reboots at night only."""
    fleet["rollout"] = {"window": {"opens": "02:00", "closes": "04:00"}}


def test_who_waits_is_what_switches_said() -> None:
    said = {"b": '{"held": "/nix/store/b boot-1", "ready": true}', "a": '{"ready": true}', "c": "", "d": "no JSON"}
    assert json.loads(held(said)) == {"b": "/nix/store/b boot-1"}


def test_an_opening_is_named_by_its_beginning_and_a_closed_window_by_nothing() -> None:
    """Another value whenever the window opens, so that the step runs then; the same one all the while."""
    fleet = inputs_of("sim", at_night).fleet

    def with_window(window: Window | None) -> str:
        return opened(fleet.model_copy(update={"rollout": fleet.rollout.model_copy(update={"window": window})}))

    always = Window(days=WEEK, opens="00:00", closes="23:59")
    assert with_window(always) == with_window(always)
    assert with_window(always)[10:19] == "T00:00:00"
    assert (with_window(None), with_window(Window(days=WEEK, opens="23:59", closes="00:00"))) == ("", "")


def test_only_a_stack_with_a_window_has_the_step_and_its_switches_leave_reboots_to_it(deploy: Deploy) -> None:
    def told(change: Any) -> tuple[list[str], set[str]]:
        plan = deploy("sim", change=change)
        systems = [item for item in plan.of("Command") if item.name.endswith("-system")]
        said = {system.inputs["environment"].get("NIXFLEET_REBOOTS", "") for system in systems}
        return sorted(item.name for item in plan.of("Command") if item.name.endswith("-reboots")), said

    assert told(None) == ([], {""})
    assert told(at_night) == (["fleet-reboots"], {"later"})

"""The engine ends no command before that has ended by itself and said why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from components.commands import INERT
from fleet.durations import MARGIN_SECONDS, told
from tests.components.plans import VARIANTS, plan
from tests.components.stacks import inputs_of, recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.components.plan import Resource

VERB = re.compile(r" -m hostops ([a-z]+) ")
SECONDS = re.compile(r"(\d+)s")


def patient(fleet: dict[str, Any]) -> None:
    """A stack that waits longer than others."""
    fleet["rollout"] = {
        "copyTimeoutSeconds": 86400,
        "drainTimeoutSeconds": 7200,
        "installTimeoutSeconds": 7200,
        "readyTimeoutSeconds": 3600,
        "watchdogMinutes": 60,
    }


CASES = {**VARIANTS, "patient": ("sim", patient)}


def operations(command: Resource) -> Iterator[tuple[str, str]]:
    """What the engine runs, and the text of it."""
    for operation in ("create", "update", "delete"):
        text = command.inputs.get(operation) or command.inputs.get("create" if operation == "update" else "", "")
        if text and text != INERT:
            yield operation, text


def limit(command: Resource, operation: str) -> int:
    """The engine's limit of an operation; 0 where it has none."""
    found = SECONDS.fullmatch(getattr(command.options.customTimeouts, operation))
    return int(found[1]) if found else 0


@pytest.mark.parametrize("case", CASES)
def test_the_engine_s_limit_of_every_command_is_derived_from_the_verb_s_own(case: str) -> None:
    commands = (plan(case) if case in VARIANTS else recorded(*CASES[case])).of("Command")
    fleet = inputs_of(*CASES[case]).fleet
    seen = set()
    for command in commands:
        for operation, text in operations(command):
            engine = limit(command, operation)
            verb = VERB.search(text)
            if verb is None:
                # It asks nobody, so it has no limit of its own.
                assert (text.endswith(" -m fleet.transition"), engine) == (True, MARGIN_SECONDS), command.name
                continue
            seen.add(verb[1])
            environment = command.inputs["environment"]
            assert engine == int(environment[f"NIXFLEET_{verb[1].upper()}_SECONDS"]) + MARGIN_SECONDS, command.name
            expected = told(verb[1], fleet.rollout, len(fleet.hosts))
            assert {name: environment.get(name) for name in expected} == dict(expected), command.name
    assert seen >= {"install", "kubeconfig", "leave", "switch"}

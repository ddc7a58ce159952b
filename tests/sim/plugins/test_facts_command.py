"""command holds what the real plugin did: differences by path, previews, error texts, what runs when."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import pytest

from sim.plugins.command import Command
from sim.plugins.kind import Resource
from sim.plugins.server import Refused
from sim.plugins.values import UNKNOWN, Properties, Secret
from sim.world import World
from tests.sim.plugins import bases
from tests.sim.plugins.facts import changed, check, diff, facts, kind_of, seen_kind, urn

if TYPE_CHECKING:
    from pathlib import Path

FACTS = facts("command")["resources"]
LOCAL, REMOTE = "command:local:Command", "command:remote:Command"
NOT_DOUBLED = {"command:remote:CopyToRemote": "files reach hosts by other ways; nothing here uses it"}
ROWS = [
    (token, action, seen)
    for token, resource in FACTS.items()
    if token not in NOT_DOUBLED
    for action, seen in resource["diff"].items()
]


class Lines:
    """An engine's log that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    async def info(self, urn: str, text: str) -> None:  # noqa: ARG002 - part of the interface
        self.lines.append(text)


@pytest.fixture
def log() -> Lines:
    return Lines()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def double(world: World, log: Lines) -> Command:
    return Command(world, log)  # type: ignore[arg-type]  # only `info` is used


def base(token: str) -> dict[str, Any]:
    names = FACTS[token]["inputs"]
    return {name: value for name, value in bases.COMMAND_BASE.items() if name in names}


def test_the_double_knows_exactly_the_resources_that_are_held(double: Command) -> None:
    assert set(double.kinds) == {token for token in FACTS if token not in NOT_DOUBLED}


@pytest.mark.parametrize(("token", "action", "seen"), ROWS, ids=lambda value: str(value)[:60])
def test_a_difference_is_what_the_real_plugin_said(double: Command, token: str, action: str, seen: Any) -> None:
    name, _, verb = action.partition(": ")
    old = new = base(token)
    if action in bases.COMMAND_TRIGGERS:
        new = old | {"triggers": bases.COMMAND_TRIGGERS[action]}
    elif verb == "change":
        new = old | {name: bases.COMMAND_OTHERS[name]}
    elif verb == "remove":
        new = changed(old, {name: None})
    elif verb == "add":
        old = changed(old, {name: None})
    answer = diff(double, token, old | {"stdout": "", "stderr": ""}, new)
    assert kind_of(answer) == seen_kind(seen)
    if isinstance(seen, dict):
        assert {path: change.kind.name for path, change in answer.detailed_diff.items()} == seen["detailed"]


def test_check_fills_in_a_connection_and_keeps_it_secret(double: Command) -> None:
    answer = check(double, REMOTE, {"connection": {"host": "192.0.2.1"}})
    seen = facts("command")["observed"]["remote.Command"]["check"]["defaults filled by Check"]
    filled = {key.removeprefix("connection."): value for key, value in seen.items()}
    assert answer.inputs["connection"] == Secret({"host": "192.0.2.1"} | filled)


@pytest.mark.parametrize(
    ("inputs", "failures"),
    [
        ({}, ["Missing required field 'connection'"]),
        ({"connection": {}}, ["Missing required field 'host'"]),
        ({"connection": {"host": "h", "port": "22"}}, ["Expected a number, got the string '22'"]),
        ({"connection": {"host": "h"}, "foo": 1}, ["Unrecognized field 'foo'"]),
        (
            {"connection": {"host": "h"}, "logging": "all"},
            ["logging: all is none of stdout, stderr, stdoutAndStderr, none"],
        ),
        ({"connection": {"host": "h", "hostKey": "garbage"}}, []),
        ({"connection": UNKNOWN}, []),
    ],
)
def test_check_refuses_what_the_real_plugin_refuses(double: Command, inputs: Properties, failures: list[str]) -> None:
    assert check(double, REMOTE, inputs).failures == failures


RESOURCE = Resource(urn=urn(LOCAL), type=LOCAL, name="x")


def created(double: Command, inputs: Properties) -> Properties:
    return asyncio.run(double.kinds[LOCAL].create(RESOURCE, inputs))[1]


def updated(double: Command, state: Properties, news: Properties) -> Properties:
    return asyncio.run(double.kinds[LOCAL].update(RESOURCE, "id", state, news))


def test_a_preview_runs_nothing(double: Command, world: World) -> None:
    foretold = double.kinds[LOCAL].foresee(RESOURCE, {"create": "false"})
    assert foretold == {"create": "false", "stdout": UNKNOWN, "stderr": UNKNOWN}
    assert world.events() == ()


def test_update_unset_runs_create_again(double: Command) -> None:
    state = created(double, {"create": "echo one"})
    assert updated(double, state, {"create": "echo two"})["stdout"] == "two"


def test_an_empty_update_runs_nothing_and_loses_the_output(double: Command) -> None:
    state = created(double, {"create": "echo one", "update": ""})
    assert updated(double, state, {"create": "exit 1", "update": ""})["stdout"] == ""


def test_delete_runs_with_the_inputs_of_the_last_run(double: Command, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    state = created(double, {"create": "true", "delete": f'echo "$WORD" > {gone}', "environment": {"WORD": "bye"}})
    asyncio.run(double.kinds[LOCAL].delete(RESOURCE, "id", state))
    assert gone.read_text() == "bye\n"


def test_the_last_output_is_in_the_environment_of_an_update(double: Command) -> None:
    state = created(double, {"create": "echo one"})
    assert updated(double, state, {"create": 'echo "was $PULUMI_COMMAND_STDOUT"'})["stdout"] == "was one"


def test_a_failure_shows_status_command_and_output(double: Command) -> None:
    with pytest.raises(Refused) as failed:
        created(double, {"create": "echo out; echo err >&2; exit 3"})
    assert str(failed.value) == 'exit status 3: running "echo out; echo err >&2; exit 3":\nout\nerr\n'


def test_secret_stdin_reaches_the_command_and_stays_secret(double: Command) -> None:
    state = created(double, {"create": "wc -c", "stdin": Secret("four")})
    assert (state["stdin"], state["stdout"].strip()) == (Secret("four"), "4")


def test_output_that_is_no_text_fails_after_the_command_ran(double: Command) -> None:
    with pytest.raises(Refused) as failed:
        created(double, {"create": r"printf '\377'", "logging": "none"})
    assert str(failed.value) == "string field contains invalid UTF-8"


def test_lines_are_shown_as_logging_says(double: Command, log: Lines) -> None:
    created(double, {"create": "echo out; echo err >&2", "logging": "stderr"})
    assert log.lines == ["err"]


def test_a_line_that_the_real_plugin_hangs_on_is_refused(double: Command) -> None:
    with pytest.raises(Refused) as failed:
        created(double, {"create": "head -c 65536 /dev/zero | tr '\\0' x"})
    assert str(failed.value) == (
        "x: an output line has 65536 bytes: with logging on the real plugin waits for ever on more than 65535; "
        'set logging="none" or break the line'
    )


@pytest.mark.parametrize(
    ("change", "stdout"),
    [({"create": "false"}, UNKNOWN), ({"environment": None}, UNKNOWN), ({"dir": "/"}, "old")],
    ids=["changed", "removed", "added: the real plugin's mistake"],
)
def test_a_previewed_update_knows_the_output_only_for_an_added_input(
    double: Command, change: Properties, stdout: Any
) -> None:
    old = {"create": "true", "environment": {"A": "b"}}
    state = old | {"stdout": "old", "stderr": ""}
    assert double.kinds[LOCAL].foresee_update(RESOURCE, state, changed(old, change))["stdout"] == stdout


def test_every_run_is_counted(double: Command, world: World) -> None:
    state = created(double, {"create": "true"})
    updated(double, state, {"create": "true", "update": "true"})
    assert [event.step for event in world.events(machine="command")] == ["create x", "update x"]


def test_a_command_without_texts_runs_nothing(double: Command, world: World) -> None:
    assert created(double, {}) == {"stdout": "", "stderr": ""}
    assert world.events() == ()


def test_commands_run_at_the_same_time(double: Command, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"

    async def both() -> list[tuple[str, Properties]]:
        kind = double.kinds[LOCAL]
        texts = (f"cat {pipe}", f"echo met > {pipe}")
        return list(await asyncio.gather(*(kind.create(RESOURCE, {"create": text}) for text in texts)))

    os.mkfifo(pipe)
    assert asyncio.run(asyncio.wait_for(both(), 10))[0][1]["stdout"] == "met"

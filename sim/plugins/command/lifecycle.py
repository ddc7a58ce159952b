"""What both kinds of command share: which text runs when, what an engine is told before, and how a failure reads."""

from __future__ import annotations

import abc
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.plugins.changes import ADD, Changes, compare
from sim.plugins.kind import Kind, Resource
from sim.plugins.server import Refused
from sim.plugins.values import UNKNOWN, Properties, Value, reveal, same

if TYPE_CHECKING:
    from pulumi.provider.experimental.provider import PropertyDiffKind

    from sim.plugins.server import EngineLog
    from sim.plugins.table import Failure
    from sim.world import World

LONGEST_LINE = 65535
"""Bytes of one output line that the real plugin can log; one more and it waits for ever."""

LOGGED = {"stdout": {"stdout"}, "stderr": {"stderr"}, "stdoutAndStderr": {"stdout", "stderr"}, "none": set()}
"""Values of `logging`; absent means both streams."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A command that ended."""

    status: str
    """Empty when it succeeded, else how it ended, in the words of the real plugin."""

    stdout: bytes
    stderr: bytes
    shown: bool = False
    """Whether its output went to the terminal while it ran."""


class CommandKind(Kind):
    """A command with its life: create, update, delete."""

    names: tuple[str, ...]
    """All inputs."""

    whole: frozenset[str] = frozenset()
    """Inputs that are compared as one value."""

    def __init__(self, world: World, log: EngineLog) -> None:
        """Commands are counted in the world's event log and shown in the engine's."""
        self.world = world
        self.log = log

    @abc.abstractmethod
    async def run(self, resource: Resource, command: str, inputs: Properties, environment: dict[str, str]) -> Finished:
        """Run one command to its end; inputs are revealed."""

    def check(
        self, resource: Resource, olds: Properties, news: Properties, seed: bytes
    ) -> tuple[Properties, list[Failure]]:
        """Check names and `logging`, as every field is optional here."""
        failures = [(key, f"Unrecognized field '{key}'") for key in news if key not in self.names]
        logging = reveal(news.get("logging"))
        if logging not in {None, UNKNOWN, *LOGGED}:
            failures.append(("logging", f"logging: {logging} is none of {', '.join(LOGGED)}"))
        return dict(news), failures

    def diff(self, resource: Resource, state: Properties, news: Properties) -> Changes:
        """Compare inputs; only a list of triggers that comes, goes or becomes unknown replaces."""
        parts = tuple(name for name in self.names if name not in self.whole)
        changes = compare(state, news, parts, replaces=_replaces)
        for name in self.whole:
            if not same(state.get(name), news.get(name)):
                changes.paths |= compare({name: 0}, {name: 1}, (name,), replaces=_replaces).paths
        return changes

    def foresee(self, resource: Resource, inputs: Properties) -> Properties:
        """Foretell unknown outputs; nothing is run."""
        return inputs | {"stdout": UNKNOWN, "stderr": UNKNOWN}

    def foresee_update(self, resource: Resource, state: Properties, news: Properties) -> Properties:
        """Foretell unknown outputs, but for an added input alone the old ones: the real plugin's mistake, kept."""
        added_only = all(kind == ADD for kind in self.diff(resource, state, news).paths.values())
        outputs = _outputs(state) if added_only else {"stdout": UNKNOWN, "stderr": UNKNOWN}
        return news | outputs

    async def create(self, resource: Resource, inputs: Properties) -> tuple[str, Properties]:
        """Run `create`, if there is one."""
        outputs = await self._perform(resource, "create", inputs, {})
        return f"{resource.name}{secrets.token_hex(4)}", inputs | (outputs or {"stdout": "", "stderr": ""})

    async def read(self, resource: Resource, resource_id: str, state: Properties) -> Properties:
        """Return the state: a command that ran cannot be looked at."""
        return state

    async def update(self, resource: Resource, resource_id: str, state: Properties, news: Properties) -> Properties:
        """Run `update`, or `create` once more when there is no `update`."""
        action = "create" if news.get("update") is None else "update"
        outputs = await self._perform(resource, action, news, self._previous(state, news))
        return news | (outputs or _outputs(state))

    async def delete(self, resource: Resource, resource_id: str, state: Properties) -> None:
        """Run `delete` with the inputs of the last run, if there is one."""
        await self._perform(resource, "delete", state, self._previous(state, state))

    def _previous(self, state: Properties, inputs: Properties) -> dict[str, str]:
        """Return the environment that repeats the last output."""
        if reveal(inputs.get("addPreviousOutputInEnv")) is False:
            return {}
        outputs = reveal(_outputs(state))
        return {"PULUMI_COMMAND_STDOUT": outputs["stdout"], "PULUMI_COMMAND_STDERR": outputs["stderr"]}

    async def _perform(
        self, resource: Resource, action: str, secret_inputs: Properties, environment: dict[str, str]
    ) -> Properties | None:
        """Run the command of an action; None when it has none."""
        inputs = reveal(secret_inputs)
        command = inputs.get(action)
        if command is None:
            return None
        self.world.record("command", f"{action} {resource.name}", resource.type)
        finished = await self.run(resource, command, inputs, environment)
        return await self._judged(resource, command, inputs, finished)

    async def _judged(self, resource: Resource, command: str, inputs: Properties, finished: Finished) -> Properties:
        """Turn an end into outputs, or into the failure the real plugin would show."""
        try:
            stdout, stderr = finished.stdout.decode(), finished.stderr.decode()
        except UnicodeDecodeError:
            raise Refused("string field contains invalid UTF-8") from None
        for name, text in (("stdout", stdout), ("stderr", stderr)):
            if self.logs(inputs, name):
                _hold_lines(resource, text)
                if not finished.shown:
                    await self.show(resource, text)
        if finished.status:
            raise Refused(f"{finished.status}: running {json.dumps(command, ensure_ascii=False)}:\n{stdout}{stderr}")
        return {"stdout": stdout.removesuffix("\n"), "stderr": stderr.removesuffix("\n")}

    @staticmethod
    def logs(inputs: Properties, stream: str) -> bool:
        """Whether that stream goes to the terminal."""
        return stream in LOGGED.get(inputs.get("logging") or "stdoutAndStderr", set())

    async def show(self, resource: Resource, text: str) -> None:
        """Show lines under the resource."""
        for line in text.splitlines():
            await self.log.info(resource.urn, line)


def _hold_lines(resource: Resource, text: str) -> None:
    """Refuse a line on which the real plugin would hang after the command has ended."""
    longest = max((len(line.encode()) for line in text.splitlines()), default=0)
    if longest > LONGEST_LINE:
        raise Refused(
            f"{resource.name}: an output line has {longest} bytes: with logging on the real plugin "
            f'waits for ever on more than {LONGEST_LINE}; set logging="none" or break the line'
        )


def _replaces(path: str, _kind: PropertyDiffKind) -> bool:
    return path == "triggers"


def _outputs(state: Properties) -> dict[str, Value]:
    return {"stdout": state.get("stdout", ""), "stderr": state.get("stderr", "")}

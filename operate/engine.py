"""One run of the real engine with the program served from this process, so that no language host is needed."""

from __future__ import annotations

import json
import os
import runpy
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import pulumi
from pulumi import automation as auto
from pydantic import ValidationError

from fleet.faults import FleetError
from operate.adoption import adopted, hold_strays, strays, wanted_of
from operate.command import EngineCommand
from operate.foresight import hold
from operate.messages import OperateError, explain
from operate.past import past
from operate.public import is_public, public_part
from operate.record import Operation, Recorder, Run
from operate.sdk import settled

if TYPE_CHECKING:
    from operate.past import Past

ROOT = Path(__file__).resolve().parent.parent
"""The checkout: where the program and its packages are."""

BEGAN = "NIXFLEET_BEGAN"
"""When the run began, in seconds since the epoch: what was off before that is no result of it (hostops/silence.py)."""

KNOWN_CLOSURES = "NIXFLEET_KNOWN_CLOSURES"
"""Names the file that components/evaluation.py reads."""

KNOWN_MACHINES = "NIXFLEET_KNOWN_MACHINES"
"""Has what components/inputs.py reads."""

T = TypeVar("T")

Verb = Literal["up", "preview", "refresh", "destroy"]
VERBS: tuple[Verb, ...] = ("up", "preview", "refresh", "destroy")

SETTINGS = {
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    # Without it an Output in an f-string becomes a warning inside the string.
    "PULUMI_ERROR_OUTPUT_STRING": "true",
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a stack is run from."""

    stack: str
    folder: Path = ROOT
    """Holds Pulumi.yaml and the stack files."""

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Beside this process's own: backend, passphrase, credentials."""

    program: Path = ROOT / "__main__.py"
    """What is deployed."""

    @property
    def stack_file(self) -> Path:
        """The stack's own file."""
        return self.folder / f"Pulumi.{self.stack.rsplit('/', maxsplit=1)[-1]}.yaml"

    def variables(self) -> dict[str, str]:
        """Everything that a run sets; `python -m hostops` finds this interpreter and our packages by it."""
        path = os.pathsep.join(
            [str(Path(sys.executable).parent), self.environment.get("PATH", os.environ.get("PATH", ""))]
        )
        packages = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        return {**SETTINGS, **self.environment, "PATH": path, "PYTHONPATH": packages}


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set `variables` for the program, which runs in this process, and put the old values back."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def remembered(known: Past) -> Iterator[None]:
    """Tell the program what the hosts were brought to: without Nix it cannot know whether a closure is another one."""
    with tempfile.NamedTemporaryFile("w", prefix="nixfleet-", suffix=".json", encoding="utf-8") as file:
        json.dump(known.closures, file)
        file.flush()
        with environment({KNOWN_CLOSURES: file.name, KNOWN_MACHINES: json.dumps(dict(known.machines))}):
            yield


def _program(path: Path) -> Callable[[], Awaitable[None]]:
    """The program; a refused document becomes one clean message instead of a traceback."""

    def deploy() -> Awaitable[None]:
        try:
            runpy.run_path(str(path), run_name="__main__")
        except (FleetError, ValidationError) as error:
            raise pulumi.RunError(str(error)) from None
        return settled()

    return deploy


def _known_stacks(folder: Path) -> str:
    names = sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in folder.glob("Pulumi.*.yaml"))
    return ", ".join(names) or "none"


class Workspace(auto.LocalWorkspace):
    """The engine's workspace, which knows the state that a stack had when it was selected."""

    state: str = "{}"
    """What `pulumi stack export` printed: secrets as they are stored."""

    def select_stack(self, stack_name: str) -> None:
        """Select by reading the state, which says as well that the stack exists: one call less of the CLI."""
        self.state = self._run_pulumi_cmd_sync(["stack", "export", "--stack", stack_name]).stdout

    def stack_outputs(self, stack_name: str) -> auto.OutputMap:
        """Outputs, and which of them are secret, by one call of the CLI instead of two."""
        words = ["stack", "export", "--show-secrets", "--stack", stack_name]
        state = json.loads(self._run_pulumi_cmd_sync(words).stdout)
        resources: list[dict[str, Any]] = (state.get("deployment") or {}).get("resources") or []
        outputs = next((found.get("outputs") or {} for found in resources if found["type"] == STACK), {})
        return {
            name: auto.OutputValue(value=_revealed(value), secret=isinstance(value, dict) and SECRET in value)
            for name, value in outputs.items()
        }


STACK = "pulumi:pulumi:Stack"
SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 - the state's mark of a secret value
"""sdk/go/common/resource/sig in Pulumi; with the mark comes `plaintext`, which is JSON."""


def _revealed(value: Any) -> Any:  # noqa: ANN401 - JSON of the engine
    """An output of a decrypted state, without marks."""
    if isinstance(value, dict):
        if SECRET in value:
            return _revealed(json.loads(value["plaintext"]))
        return {key: _revealed(item) for key, item in value.items()}
    return [_revealed(item) for item in value] if isinstance(value, list) else value


UNASKED = auto.UpdateSummary(
    kind="", start_time=datetime.min.replace(tzinfo=UTC), message="", environment={}, config={}, result=""
)
"""Of a run: nobody here reads the history, and the SDK would call the CLI for it after every run."""


def _opened(name: str, workspace: Workspace) -> auto.Stack:
    try:
        stack = auto.Stack.select(name, workspace)
    except auto.StackNotFoundError:
        stack = auto.Stack.create(name, workspace)
    stack.info = lambda show_secrets=True: UNASKED  # type: ignore[method-assign]  # noqa: ARG005 - the SDK's
    return stack


def select(place: Place) -> auto.Stack:
    """The stack, made in the backend where it is not there yet; raises OperateError for a stack without a file."""
    if not place.stack_file.is_file():
        raise OperateError(
            f"there is no stack {place.stack}: {place.stack_file} does not exist; "
            f"stacks here: {_known_stacks(place.folder)}; copy the nearest one's file to begin a new one"
        )
    variables = place.variables()
    workspace = Workspace(
        work_dir=str(place.folder),
        program=_program(place.program),
        env_vars=variables,
        pulumi_command=EngineCommand(variables["PATH"]),
    )
    return translated(place, lambda: _opened(place.stack, workspace))


def translated(place: Place, act: Callable[[], T]) -> T:
    """Do `act`; a failing CLI command becomes an OperateError that says what to do."""
    try:
        return act()
    except auto.CommandError as error:
        text = str(error)
        raise OperateError(explain(text, place.stack) or f"the engine refused: {_last_lines(text)}") from None


def _last_lines(text: str) -> str:
    lines = [
        line.removeprefix("error: ").strip()
        for line in text.splitlines()
        if line.strip() and not line.strip().startswith(("code:", "stdout:"))
    ]
    return "\n".join(lines[-4:]).removeprefix("stderr: ")


Watch = Callable[[auto.EngineEvent, Operation | None], object]
"""Sees each event, with the operation that it ended."""


def _opener(stack: auto.Stack) -> Callable[[str], str | None]:
    """Opens secrets of the stack; None for one that is not there, or that a preview cannot open."""

    def opened(key: str) -> str | None:
        try:
            return stack.get_config(key).value
        except auto.CommandError:
            return None  # an `up` cannot open it either, and the engine says why

    return opened


@contextmanager
def beheld(verb: Verb, place: Place, stack: auto.Stack, known: Past, *, adopting: bool) -> Iterator[tuple[str, ...]]:
    """Ask the clouds for what the state does not know, and take it over if that is wanted; what is to be said of it."""
    wanted = wanted_of(place.stack_file, ROOT, _opener(stack)) if verb in {"up", "preview"} else None
    if wanted is None:
        yield ()
        return
    seen = strays(place.stack, wanted, known, always=adopting)
    if not adopting:
        yield hold_strays(verb, place.stack, seen)
        return
    with adopted(place.stack, wanted, seen) as variables, environment(variables):
        yield ()


def run(verb: Verb, place: Place, *, watch: Watch | None = None, refresh: bool = False, adopting: bool = False) -> Run:
    """Run the engine once; with `refresh`, an `up` or a preview asks the clouds first what is there.

    `adopting` takes what clouds have and the state does not know into the state on the way.

    A run that fails is a result as well (`ok`, `errors`); only what cannot begin, or must not, raises OperateError.
    """
    if not is_public(verb, place):
        return _run(verb, place, watch, refresh=refresh, adopting=adopting)
    with public_part(place, lambda text: print(f"warning: {text}", file=sys.stderr)) as alone:
        return _run(verb, alone, watch, refresh=refresh, adopting=adopting)


def _run(verb: Verb, place: Place, watch: Watch | None, *, refresh: bool, adopting: bool) -> Run:
    recorder = Recorder()

    def on_event(event: auto.EngineEvent) -> None:
        ended = recorder.take(event)
        if watch:
            watch(event, ended)

    with environment({**place.variables(), BEGAN: str(time.time())}):
        stack = select(place)
        known = past(json.loads(cast("Workspace", stack.workspace).state).get("deployment"))
        hold(verb, place.stack, place.stack_file, ROOT, known)
        try:
            with remembered(known), beheld(verb, place, stack, known, adopting=adopting) as notices:
                asked = {"refresh": True} if refresh else {}
                result = getattr(stack, verb)(on_event=on_event, color="never", **asked)
        except auto.CommandError as error:
            return _failed(verb, place, recorder, str(error))
    outputs = getattr(result, "outputs", {})
    return Run(
        verb=verb,
        stack=place.stack,
        ok=True,
        operations=tuple(recorder.operations),
        outputs={name: output.value for name, output in outputs.items()},
        secret_outputs=frozenset(name for name, output in outputs.items() if output.secret),
        errors=(),
        raw_errors=(),
        seconds=recorder.now(),
        stdout=result.stdout,
        stderr=result.stderr,
        notices=notices,
    )


def errors_of(recorder: Recorder, stack: str, text: str) -> tuple[str, ...]:
    """The errors of a failed run as they are shown; `text` is everything that the engine said.

    Where a host or a cloud has said what is wrong, the engine's words around it are not searched for faults of this
    machine: a host's full disk is the host's.
    """
    if recorder.worded:
        said = (error if error in recorder.worded else explain(error, stack) or error for error in recorder.errors)
        return tuple(dict.fromkeys(said))
    known = explain(text, stack)
    return (known,) if known else tuple(recorder.errors) or (f"the engine refused: {_last_lines(text)}",)


def _failed(verb: Verb, place: Place, recorder: Recorder, text: str) -> Run:
    return Run(
        verb=verb,
        stack=place.stack,
        ok=False,
        operations=tuple(recorder.operations),
        outputs={},
        secret_outputs=frozenset(),
        errors=errors_of(recorder, place.stack, text),
        raw_errors=(*recorder.raw_errors, text),
        seconds=recorder.now(),
        stdout=text,
        stderr="",
    )

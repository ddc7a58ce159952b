"""What one run did, read from the engine's events: operations with their changes and times, errors, outputs.

Showing it is progress.py's and report.py's matter.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from operate.refusals import in_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi.automation.events import EngineEvent, StepEventMetadata

UNCHANGED = frozenset({"same", "read", "refresh"})
"""Operations that change nothing."""


def name_of(urn: str) -> str:
    """The resource's name: the last part of its URN."""
    return urn.rsplit("::", maxsplit=1)[-1]


def package_of(urn: str) -> str:
    """The package of the resource's type: `hcloud`, `kubernetes`, ..."""
    return qualified_type_of(urn).rsplit("$", maxsplit=1)[-1].partition(":")[0]


def qualified_type_of(urn: str) -> str:
    """The types of its parents and its own, joined by `$`."""
    return urn.split("::")[2]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One step that the engine took, or at a preview would take."""

    op: str
    """The engine's word: create, update, delete, replace, create-replacement, delete-replaced, same, ..."""

    urn: str
    changes: tuple[str, ...] = ()
    """Property paths that differ."""

    began: float = 0.0
    """Seconds since the run began."""

    ended: float = 0.0
    failed: bool = False
    protected: bool = False
    """Whether the engine refuses to delete what was there."""

    old: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Inputs before; secrets are blinded by the engine."""

    new: Mapping[str, Any] = field(default_factory=dict, repr=False)
    results: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The resource's outputs afterwards."""

    @property
    def name(self) -> str:
        """The resource's name."""
        return name_of(self.urn)

    @property
    def type(self) -> str:
        """The resource's own type token."""
        return qualified_type_of(self.urn).rsplit("$", maxsplit=1)[-1]

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began

    @property
    def changing(self) -> bool:
        """Whether it changes anything."""
        return self.op not in UNCHANGED


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the engine, from its first event to its last."""

    verb: str
    stack: str
    ok: bool
    operations: tuple[Operation, ...]
    outputs: Mapping[str, Any] = field(repr=False)
    """Stack outputs, secrets in clear: do not print."""

    secret_outputs: frozenset[str]
    errors: tuple[str, ...]
    """What failed, each text once, ready to be shown."""

    raw_errors: tuple[str, ...] = field(repr=False)
    """The same failures word for word, each with its resource: for the log."""

    seconds: float
    stdout: str = field(repr=False)
    stderr: str = field(repr=False)
    notices: tuple[str, ...] = ()
    """What was seen beside the run: objects in clouds that the state does not know."""

    @property
    def changes(self) -> tuple[Operation, ...]:
        """Operations that change something."""
        return tuple(operation for operation in self.operations if operation.changing)

    def of_type(self, token: str) -> tuple[Operation, ...]:
        """Operations on resources of type `token`."""
        return tuple(operation for operation in self.operations if operation.type == token)

    @property
    def counts(self) -> dict[str, int]:
        """How many operations of each kind changed something."""
        kinds = sorted({operation.op for operation in self.changes})
        return {kind: sum(operation.op == kind for operation in self.changes) for kind in kinds}


def _changes(step: StepEventMetadata) -> tuple[str, ...]:
    return tuple(sorted(step.detailed_diff or step.diffs or ()))


NO_NEWS = frozenset(
    {"", "update failed", "preview failed", "refresh failed", "destroy failed", "resource registration failed"}
)
"""What the engine adds to errors that it has told already."""

COMMAND_FAILED = re.compile(
    r'exit status (?P<code>\d+): running ".*?hostops (?P<verb>\S+) .*?":\n(?P<said>.*)', re.DOTALL
)
"""The command provider's words around what a failing `python -m hostops` said."""


def tidy(message: str) -> str:
    """An error as it is shown: of a failed hostops its last line (host, phase, cause, cure); anything else as it is."""
    text = message.strip().removeprefix("error: ").removeprefix("an unhandled error occurred: ")
    failed = COMMAND_FAILED.search(text)
    last = failed["said"].rstrip().rsplit("\n", maxsplit=1)[-1] if failed else ""
    # A verb that broke says nothing of its own at the end; then everything it said is wanted.
    if failed is None or not last.startswith("hostops: "):
        return text
    return f"{last.removeprefix('hostops: ')} (hostops {failed['verb']}, exit code {failed['code']})"


class Recorder:
    """Gathers the events of one run."""

    def __init__(self) -> None:
        """Start the clock."""
        self.started = time.monotonic()
        self.operations: list[Operation] = []
        self.errors: list[str] = []
        self.raw_errors: list[str] = []
        self.worded: set[str] = set()
        """Errors that name their host, cause and cure already, as hosts and clouds have them said."""

        self._open: dict[tuple[str, str], float] = {}

    def now(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.started

    @property
    def open(self) -> dict[str, float]:
        """Names of resources that are worked on, with the time at which that began."""
        return {name_of(urn): began for (urn, op), began in tuple(self._open.items()) if op not in UNCHANGED}

    def take(self, event: EngineEvent) -> Operation | None:
        """Note one event; returns the operation that it ended, if it ended one."""
        if event.diagnostic_event and event.diagnostic_event.severity == "error":
            self._fail(event.diagnostic_event.urn or "", event.diagnostic_event.message)
        if event.resource_pre_event:
            step = event.resource_pre_event.metadata
            self._open[step.urn, step.op.value] = self.now()
        if event.res_op_failed_event:
            return self._end(event.res_op_failed_event.metadata, failed=True)
        if event.res_outputs_event:
            return self._end(event.res_outputs_event.metadata, failed=False)
        return None

    def _fail(self, urn: str, message: str) -> None:
        self.raw_errors.append(f"{urn or 'engine'}: {message.strip()}")
        words = in_words(package_of(urn), name_of(urn), message) if urn else None
        text = words or tidy(message)
        if words or COMMAND_FAILED.search(message):
            self.worded.add(text)
        if text not in self.errors and text not in NO_NEWS:
            self.errors.append(text)

    def _end(self, step: StepEventMetadata, *, failed: bool) -> Operation:
        operation = Operation(
            op=step.op.value,
            urn=step.urn,
            changes=_changes(step),
            began=self._open.pop((step.urn, step.op.value), self.now()),
            ended=self.now(),
            failed=failed,
            protected=bool(step.old and step.old.protect),
            old=(step.old.inputs if step.old else None) or {},
            new=(step.new.inputs if step.new else None) or {},
            results=(step.new.outputs if step.new else None) or {},
        )
        # A component ends twice: when it is registered, and when its outputs are.
        again = (operation.urn, operation.op)
        self.operations = [known for known in self.operations if (known.urn, known.op) != again]
        self.operations.append(operation)
        return operation

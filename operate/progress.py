"""The terminal while a run lasts: a line per finished resource and per phase of a host, and a sign of life in between.

The summary is report.py's matter.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from operate.record import Recorder, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pulumi.automation.events import DiagnosticEvent, EngineEvent

    from operate.record import Operation

SILENCE_SECONDS = 15.0
"""After that long without a line, say what is worked on."""

DONE = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "replace": "replaced",
    "create-replacement": "replaced (new one made)",
    "delete-replaced": "replaced (old one deleted)",
    "discard": "forgotten",
    "import": "imported",
}
PLANNED = {
    "create": "would create",
    "update": "would update",
    "delete": "would delete",
    "replace": "would replace",
    "create-replacement": "would make anew",
    "delete-replaced": "would delete the old",
    "import": "would import",
}


def short_type(token: str) -> str:
    """`hcloud:index/server:Server` as `hcloud Server`."""
    parts = token.split(":")
    return f"{parts[0]} {parts[-1]}" if len(parts) > 1 else token


def operation_line(operation: Operation, words: dict[str, str]) -> str | None:
    """One line for an operation that changed something; None for no change, and for what only groups others."""
    if not operation.changing or operation.type.startswith(("nixfleet:", "pulumi:pulumi:", "pulumi:providers:")):
        return None
    word = "FAILED" if operation.failed else words.get(operation.op)
    if word is None:
        return None
    changes = (
        f" [{', '.join(operation.changes)}]" if operation.changes and operation.op in {"update", "replace"} else ""
    )
    took = f" ({operation.seconds:.1f} s)" if words is DONE else ""
    return f"{word:<12} {operation.name}  {short_type(operation.type)}{changes}{took}"


def message_lines(event: DiagnosticEvent) -> list[str]:
    """What a tool or the program said meanwhile: hostops' phases, and warnings with their resource."""
    if event.severity not in {"info", "info#err", "warning"}:
        return []  # errors are shown at the end, all together; the rest is for debugging the engine
    lines = [line for line in event.message.splitlines() if line.strip()]
    if event.severity == "warning":
        subject = f"{name_of(event.urn)}: " if event.urn else ""
        return [f"warning      {subject}{line.strip()}" for line in lines]
    return [f"  {line.strip().removeprefix('hostops: ')}" for line in lines]


class Progress:
    """Prints while a run lasts."""

    def __init__(
        self, *, planning: bool, stream: TextIO | None = None, log: Callable[[str], object] | None = None
    ) -> None:
        """`planning`: nothing is done, so say what would be; `log` gets every line as well."""
        self._words = PLANNED if planning else DONE
        self._stream = stream or sys.stderr
        self._log = log
        self._recorder = Recorder()
        self._spoke = threading.Event()
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """Print one line with the time since the run began."""
        line = f"[{self._recorder.now():5.0f} s] {text}"
        with self._lock:
            print(line, file=self._stream, flush=True)
            if self._log:
                self._log(line)
        self._spoke.set()

    def watch(self, event: EngineEvent, ended: Operation | None) -> None:
        """Show one event."""
        self._recorder.take(event)
        if event.diagnostic_event:
            for line in message_lines(event.diagnostic_event):
                self.say(line)
        done = operation_line(ended, self._words) if ended else None
        if done:
            self.say(done)

    def _still(self, stop: threading.Event) -> None:
        while not stop.is_set():
            if self._spoke.wait(SILENCE_SECONDS):
                self._spoke.clear()
                stop.wait(0.2)
                continue
            now = self._recorder.now()
            busy = sorted(f"{name} ({now - began:.0f} s)" for name, began in self._recorder.open.items())
            if busy and not stop.is_set():
                self.say(f"still at     {', '.join(busy[:6])}{' ...' if len(busy) > 6 else ''}")  # noqa: PLR2004  one line's worth

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Give a sign of life while the block lasts."""
        stop = threading.Event()
        thread = threading.Thread(target=self._still, args=(stop,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            self._spoke.set()
            thread.join()

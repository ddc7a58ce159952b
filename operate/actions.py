"""What each verb does: run the engine or read its state, and print. The engine itself is engine.py's matter."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from operate import report
from operate.engine import Place, Verb, environment, run, select, translated
from operate.messages import OperateError
from operate.progress import Progress
from operate.runlog import run_log
from operate.status import status

if TYPE_CHECKING:
    from collections.abc import Callable

    from operate.record import Run

AFTER: dict[Verb, Callable[[Run], str]] = {
    "up": report.after_up,
    "preview": report.after_preview,
    "refresh": report.summary,
    "destroy": report.summary,
}


def drive(verb: Verb, place: Place) -> int:
    """Run the engine with progress on the terminal and in a log, then report; 1 when the run failed."""
    with run_log(verb, place.stack, place.environment) as log:
        progress = Progress(planning=verb == "preview", log=log.say)
        with progress.alive():
            done = run(verb, place, watch=progress.watch)
        text = AFTER[verb](done) if done.ok else _failure(done)
        log.say("\n".join((text, *done.raw_errors)))
    if done.ok:
        print(f"\n{text}")
        return 0
    print(f"\n{text}\nlog: {log.path}", file=sys.stderr)
    return 1


def _failure(done: Run) -> str:
    """A failed run: what it did, then its errors."""
    return "\n".join((f"{report.summary(done)}: FAILED", *(f"error: {error}" for error in done.errors)))


def outputs(place: Place) -> int:
    """Print the outputs as JSON, secrets blinded."""
    with environment(place.variables()):
        stack = select(place)
        values = translated(place, stack.outputs)
    if not values:
        raise OperateError(f"stack {place.stack} has no outputs yet: run `make up STACK={place.stack}` first")
    shown = {name: "[secret]" if output.secret else output.value for name, output in values.items()}
    print(json.dumps(shown, indent=2, sort_keys=True))
    return 0


ACTIONS: dict[str, Callable[[Place], int]] = {
    "up": lambda place: drive("up", place),
    "preview": lambda place: drive("preview", place),
    "refresh": lambda place: drive("refresh", place),
    "destroy": lambda place: drive("destroy", place),
    "outputs": outputs,
    "status": status,
}

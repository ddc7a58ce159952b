"""What each verb does: run the engine or read its state, and print. The engine itself is engine.py's matter."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from operate import report
from operate.engine import Place, Verb, environment, run, select, translated
from operate.messages import OperateError
from operate.progress import Progress
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
    """Run the engine with progress on the terminal, then report; 1 when the run failed."""
    progress = Progress(planning=verb == "preview")
    with progress.alive():
        done = run(verb, place, watch=progress.watch)
    if done.ok:
        print(f"\n{AFTER[verb](done)}")
        return 0
    print(f"\n{report.summary(done)}: FAILED", file=sys.stderr)
    for error in done.errors:
        print(f"error: {error}", file=sys.stderr)
    return 1


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

"""What each verb does: run the engine or read its state, and print. The engine itself is engine.py's matter."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from operate import report
from operate.engine import ROOT, Place, Verb, environment, run, select, translated
from operate.foresight import wanted_fleet
from operate.judgement import broken
from operate.measured import note
from operate.messages import OperateError
from operate.progress import Progress
from operate.runlog import RunLog, run_log
from operate.statecopy import keep

if TYPE_CHECKING:
    from fleet.faults import Fault
    from operate.record import Run

REBOOTS_WAIT = 8
"""Exit code of a run that has done all but reboots outside of rollout.window: the next one inside makes them."""

Also = Callable[["Run", "tuple[Fault, ...]"], None]

AFTER: dict[Verb, Callable[[Run], str]] = {
    "up": report.after_up,
    "preview": report.after_preview,
    "refresh": report.summary,
    "destroy": report.summary,
}


def drive(verb: Verb, place: Place, *, refresh: bool = False, adopting: bool = False, also: Also | None = None) -> int:
    """Run the engine with progress on the terminal and in a log, then report; 1 when it failed, or no up may follow.

    `also` is done with a run that went well and the laws that a preview breaks, after its report.
    """
    with run_log("adopt" if adopting else verb, place.stack, place.environment) as log:
        progress = Progress(planning=verb == "preview", log=log.say)
        with progress.alive():
            done = run(verb, place, watch=progress.watch, refresh=refresh, adopting=adopting)
        text = AFTER[verb](done) if done.ok else _failure(done)
        log.say("\n".join((text, *done.raw_errors, *done.notices)))
        if verb != "preview":
            _keep_state(place, log)
        faults = judged(done, place) if done.ok and verb == "preview" else ()
        if faults:
            log.say("\n".join(str(fault) for fault in faults))
    note(done, log.path.parent)
    for said in done.notices:
        print(f"note: {said}", file=sys.stderr)
    if done.ok:
        print(f"\n{text}")
        if also:
            also(done, faults)
        for fault in faults:
            print(f"refused: {fault}", file=sys.stderr)
        if faults:
            return 1
        return REBOOTS_WAIT if verb == "up" and report.reboots_wait(done) else 0
    print(f"\n{text}\nlog: {log.path}", file=sys.stderr)
    return 1


def judged(done: Run, place: Place) -> tuple[Fault, ...]:
    """Laws that a preview breaks."""
    fleet = wanted_fleet(place.stack_file, ROOT)
    return broken(done, fleet) if fleet else ()


def _keep_state(place: Place, log: RunLog) -> None:
    """Copy the state; a run that went well is none the worse without the copy."""
    try:
        keep(place)
    except (OperateError, OSError) as error:
        log.say(f"no copy of the state was kept: {error}")


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
    "adopt": lambda place: drive("up", place, adopting=True),
    "preview": lambda place: drive("preview", place),
    "refresh": lambda place: drive("refresh", place),
    "destroy": lambda place: drive("destroy", place),
    "outputs": outputs,
}

"""How long work on each host took, kept beside the logs for the next plan (fleet/plan/times.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.contract.impact import Impact
from fleet.files import write_whole
from fleet.plan.effect import Effect
from fleet.plan.times import FILE, FIRST, INSTALL, LEAVE, read_times
from operate.past import INSTALLATION, MEMBERSHIP, SYSTEM
from operate.report import switch_impact

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from operate.record import Operation, Run

_SWITCHES = {Impact.UNITS: Effect.UNITS.value, Impact.K3S: Effect.K3S.value, Impact.REBOOT: Effect.REBOOT.value}
_CREATES, _DELETES = {"create", "create-replacement"}, {"delete", "delete-replaced"}


def _switch(operation: Operation) -> str | None:
    if operation.op in _CREATES:
        return FIRST
    if operation.op != "update":
        return None
    found = switch_impact(operation)
    return Effect.GENERATION.value if found is None else _SWITCHES.get(found)


def work_of(operation: Operation) -> tuple[str, str] | None:
    """Which work an operation was, and on which host; None where it was no work that a plan counts on."""
    name, op = operation.name, operation.op
    if operation.failed or not operation.type.startswith("command:local"):
        return None
    if name.endswith(INSTALLATION) and op in _CREATES:
        return INSTALL, name.removesuffix(INSTALLATION)
    if name.endswith(MEMBERSHIP) and op in _DELETES:
        return LEAVE, name.removesuffix(MEMBERSHIP)
    if name.endswith(SYSTEM) and (work := _switch(operation)):
        return work, name.removesuffix(SYSTEM)
    return None


def measured(operations: Iterable[Operation]) -> dict[str, dict[str, float]]:
    """Seconds by work and host."""
    found: dict[str, dict[str, float]] = {}
    for operation in operations:
        work = work_of(operation)
        if work:
            found.setdefault(work[0], {})[work[1]] = round(operation.seconds, 1)
    return found


def note(run: Run, folder: Path) -> None:
    """Keep what an `up` measured, beside what earlier ones did; a run that failed has measured what it ended."""
    found = measured(run.operations) if run.verb == "up" else {}
    if found:
        path = folder / FILE
        write_whole(path, read_times(path).merged(found).model_dump_json(indent=2) + "\n")

"""`make preview` with the plan: what the engine would do beside what the two revisions say, as a page or a comment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fleet.files import write_whole
from fleet.plan.command import make_plan
from fleet.plan.model import EngineOperation, EnginePlan, Refusal
from fleet.plan.renderings import RENDERINGS
from fleet.plan.revision import default_base
from operate.actions import drive
from operate.messages import OperateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fleet.faults import Fault
    from operate.engine import Place
    from operate.record import Operation, Run

PREVIEW_WORDS = {
    "BASE": "the revision that the plan compares with, the last commit unless named",
    "DRIFT": "yes: ask the clouds first what is there, and end with code 7 where anything differs",
    **{name.upper(): f"a file: {rendering.help}" for name, rendering in RENDERINGS.items()},
}

CHANGED = 7
"""Exit code for a difference where none was expected, as the engine's own (`--expect-no-changes`)."""

_PARTS = frozenset({"create-replacement", "delete-replaced", "discard-replaced"})
"""Steps of a replacement, which is told once."""

_ORDER = ("delete", "replace", "update", "create")


def host_of(operation: Operation, hosts: Iterable[str]) -> str | None:
    """The host that a resource belongs to, by its name: the longest that it is, begins with or ends with."""
    name = operation.name
    found = [
        host for host in hosts if name == host or name.startswith(f"{host}-") or name.endswith((f"-{host}", f":{host}"))
    ]
    return max(found, key=len, default=None)


def _rank(one: EngineOperation) -> tuple[int, str, str, str]:
    order = _ORDER.index(one.op) if one.op in _ORDER else len(_ORDER)
    return order, one.host or "", one.type, one.name


def engine_plan(run: Run, hosts: Iterable[str]) -> EnginePlan:
    """What the engine's preview said, deletions first."""
    known = tuple(hosts)
    told = [one for one in run.operations if one.op not in _PARTS]
    operations = [
        EngineOperation(
            op=one.op,
            type=one.type,
            name=one.name,
            host=host_of(one, known),
            protected=one.protected,
            changes=one.changes if one.op in {"update", "replace"} else (),
        )
        for one in told
        if one.changing
    ]
    return EnginePlan(operations=tuple(sorted(operations, key=_rank)), unchanged=len(told) - len(operations))


def _wanted(words: Mapping[str, str]) -> dict[str, Path]:
    return {name: Path(words[name.upper()]) for name in RENDERINGS if name.upper() in words}


def preview(place: Place, words: Mapping[str, str]) -> int:
    """Say what up would do, and write it down where that is asked for; 1 when the preview failed or breaks a law."""
    wanted, drift = _wanted(words), words.get("DRIFT") == "yes"
    if wanted and "BASE" not in words and default_base(place.folder) is None:
        raise OperateError(
            f"{place.folder} is no checkout with a commit, so there is nothing to compare with: name a revision by "
            "BASE=, or BASE=- for a first run"
        )
    seen: list[Run] = []

    def also(run: Run, faults: tuple[Fault, ...]) -> None:
        seen.append(run)
        if wanted:
            _write(place, words.get("BASE"), wanted, run, faults)

    code = drive("preview", place, refresh=drift, also=also)
    return CHANGED if drift and code == 0 and any(run.changes for run in seen) else code


def _write(place: Place, base: str | None, wanted: Mapping[str, Path], run: Run, faults: Iterable[Fault]) -> None:
    """Write the plan with the engine's side in it."""
    plan = make_plan(place.stack_file.stem.removeprefix("Pulumi."), place.folder, base)
    refused = tuple(Refusal.of(one) for one in faults)
    told = {"engine": engine_plan(run, plan.hosts), "refusals": (*plan.refusals, *refused)}
    whole = plan.model_copy(update=told)
    for name, path in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, RENDERINGS[name].render(whole))
        print(f"wrote {path}")

"""What a person wants to know after a run, as text. What happens meanwhile is progress.py's matter."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from fleet.contract.impact import Impact, Weight, impact
from fleet.contract.late import LATE
from fleet.contract.outputs import StackOutputs
from operate.past import LATECOMERS
from operate.phases import durations

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from operate.record import Operation, Run

WHERE = {
    "hcloud": "Hetzner Cloud",
    "ovh-instance": "OVH Public Cloud",
    "ovh-dedicated": "OVH dedicated",
    "bare-metal": "bare metal",
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as their widest cell."""
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def host_states(operations: Iterable[Operation]) -> dict[str, dict[str, Any]]:
    """What each host said when its system was last switched: the result line of `hostops switch`, kept in the state."""
    states: dict[str, dict[str, Any]] = {}
    late: dict[str, dict[str, Any]] = {}
    for operation in operations:
        said = operation.results.get("stdout")
        if operation.type.startswith("command:local") and operation.name.endswith("-system") and isinstance(said, str):
            states[operation.name.removesuffix("-system")] = _json(said)
        elif operation.name == LATECOMERS:
            late = _json(said if isinstance(said, str) else "")
    # Those that were off when it was their turn have answered later.
    return {name: late.get(name, state) if LATE in state else state for name, state in states.items()}


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def stack_outputs(run: Run) -> StackOutputs | None:
    """The exported model; None where a stack exports nothing yet."""
    try:
        return StackOutputs.model_validate(run.outputs.get("fleet"))
    except ValidationError:
        return None


def nodes(outputs: StackOutputs, states: dict[str, dict[str, Any]]) -> str:
    """One line per node."""
    rows = []
    for name, host in sorted(outputs.hosts.items(), key=lambda item: (item[1].role != "server", item[0])):
        state = states.get(name, {})
        ready = {True: "yes", False: "no"}.get(state.get("ready"), "unknown")  # type: ignore[arg-type]  # JSON may hold anything
        rows.append(
            (
                name,
                WHERE.get(host.kind, host.kind),
                host.role.value,
                host.address,
                str(state.get("generation", "-")),
                ready,
            )
        )
    return table(("NODE", "WHERE", "ROLE", "ADDRESS", "GENERATION", "READY"), rows)


def next_steps(stack: str) -> str:
    """What to do now."""
    suffix = "" if stack == "sim" else f" STACK={stack}"
    return (
        f"Next:  make status{suffix}   asks every host now\n"
        f"       make outputs{suffix}  what other stacks may read\n"
        f"       make kubeconfig{suffix}  writes a file for kubectl\n"
        f"       edit Pulumi.{stack}.yaml, then make contract{suffix} && make preview{suffix}"
    )


def after_up(run: Run) -> str:
    """Nodes, add-ons, times and what to do next."""
    outputs = stack_outputs(run)
    parts = []
    if outputs:
        parts.append(f"Cluster {outputs.cluster.name}: k3s {outputs.cluster.k3s_version} at {outputs.cluster.endpoint}")
        parts.append(nodes(outputs, host_states(run.operations)))
        parts.append(table(("ADD-ON", "VERSION"), sorted(outputs.addons.items())) if outputs.addons else "No add-ons.")
    times = durations(run.operations)
    if times:
        parts.append(table(("PHASE", "SECONDS"), [(phase, f"{seconds:.1f}") for phase, seconds in times.items()]))
    waits = reboots_wait(run)
    parts.append(f"{summary(run)}{': all but reboots that wait' if waits else ''}")
    parts += [waits] if waits else []
    parts.append(next_steps(run.stack))
    return "\n\n".join(parts)


def reboots_wait(run: Run) -> str:
    """Whose reboot rollout.window holds back, as the last step said; empty where nobody waits."""
    steps = (one for one in run.operations if one.name == REBOOTS and one.type.startswith("command:local"))
    return next((str(_json(str(one.results.get("stdout"))).get("waits") or "") for one in steps), "")


def summary(run: Run) -> str:
    """One line: what changed and how long it took."""
    counts = ", ".join(f"{count} {kind}" for kind, count in run.counts.items()) or "nothing changed"
    return f"{run.verb} of {run.stack}: {counts}; {run.seconds:.0f} s"


IMPACT = {
    ("mesh", "create"): "gets the list of its mesh peers",
    ("mesh", "update"): "gets a new list of its mesh peers",
    ("latecomers", "update"): "was off when it was its turn, and is brought up to date",
    ("system", "create"): "gets its first configuration",
    ("system", "update"): "switches to another generation, with a rollback if it does not come back healthy",
    ("reboots", "create"): "reboots, if rollout.window is open then",
    ("reboots", "update"): "reboots, if rollout.window is open then",
    ("install", "create"): "is installed from nothing: its system disk is formatted",
    ("install", "replace"): "is installed again: its system disk is formatted",
}
"""What an operation means for a host, by the end of the command's name and the engine's word; the gravest last."""


WEIGHED = {
    Impact.NOTHING: "is looked at, and keeps its generation",
    Impact.UNITS: "switches: units restart, k3s does not",
    Impact.K3S: "is drained and switches: k3s restarts",
    Impact.REBOOT: "is drained and reboots into the new generation",
}
"""What a switch does where both systems were evaluated; each with the way back of IMPACT."""

REBOOTS = "fleet-reboots"
"""The step that makes reboots which rollout.window held back (components/reboots.py)."""

WAITS = "; outside of rollout.window the reboot waits"


def switch_impact(operation: Operation) -> Impact | None:
    """What an update of a host's system does, where the state and the program know both systems."""
    old, new = (side.get("environment") or {} for side in (operation.old, operation.new))
    try:
        before, after = (Weight.model_validate_json(side["NIXFLEET_WEIGHT"]) for side in (old, new))
    except (KeyError, TypeError, ValueError):
        return None
    changed = old.get("NIXFLEET_CLOSURE") != new.get("NIXFLEET_CLOSURE")
    return impact(before, after, changed=changed)


def weighed(operation: Operation) -> str | None:
    """The same in words."""
    found = switch_impact(operation)
    if found is None:
        return None
    waits = found is Impact.REBOOT and (operation.new.get("environment") or {}).get("NIXFLEET_REBOOTS")
    return WEIGHED[found] + (WAITS if waits else "")


def held_back(operation: Operation) -> tuple[str, ...]:
    """Hosts whose reboot an earlier run held back; none where this run's own switches will say so."""
    return tuple(_json(str((operation.new.get("environment") or {}).get("NIXFLEET_HELD", ""))))


def host_changes(run: Run) -> dict[str, str]:
    """Which hosts change, and the gravest thing that happens to each."""
    found: dict[str, tuple[int, str]] = {}
    for operation in run.changes:
        name, _, noun = operation.name.rpartition("-")
        text = IMPACT.get((noun, operation.op))
        if operation.type.startswith("command:local") and text:
            told = (weighed(operation) if (noun, operation.op) == ("system", "update") else None) or text
            for host in _concerned(name, noun, operation):
                found[host] = max(found.get(host, (-1, "")), (tuple(IMPACT).index((noun, operation.op)), told))
    return {host: told for host, (_, told) in sorted(found.items())}


def _concerned(name: str, noun: str, operation: Operation) -> tuple[str, ...]:
    """Hosts that an operation is about."""
    if noun == "reboots":
        return held_back(operation)
    if noun == "latecomers":
        return tuple(_json((operation.new.get("environment") or {}).get("NIXFLEET_LATE") or "{}"))
    return ("every host",) if noun == "mesh" else (name,)


def after_preview(run: Run) -> str:
    """Which hosts change and how, and the count of all operations."""
    changes = host_changes(run)
    hosts = table(("HOST", "WHAT HAPPENS TO IT"), changes.items()) if changes else "No host changes."
    return f"{hosts}\n\n{summary(run)}"

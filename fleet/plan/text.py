"""The plan for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.plan import phrases

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fleet.plan.model import Plan


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _hosts(plan: Plan) -> Iterator[tuple[str, ...]]:
    for name in plan.changed:
        host = plan.hosts[name]
        first, *others = host.reasons or ("",)
        yield (host.effect.sign.mark, name, host.effect.value, first)
        for reason in others:
            yield ("", "", "", reason)


def _sections(plan: Plan) -> Iterator[str]:
    yield f"Plan of {plan.stack}, {phrases.compared(plan)}: {phrases.headline(plan)}."
    if plan.refusals:
        yield "\n".join(("REFUSED", *(f"  {refusal}" for refusal in plan.refusals)))
    if plan.changed:
        yield _table(("", "HOST", "EFFECT", "WHY"), _hosts(plan))
        signs = "\n".join(
            f"  {effect.sign.mark}  {effect.value}: the host {effect.sign.words}" for effect in plan.counts
        )
        yield f"{signs}\n{phrases.basis(plan)}"
    for packages, names in phrases.package_groups(plan).items():
        lines = "\n".join(f"  {phrases.package(one)}" for one in packages)
        yield f"Packages of {phrases.listed(names)}:\n{lines}"
    if plan.settings:
        rows = ((one.path, f"{one.before} -> {one.after}", one.words) for one in plan.settings)
        yield _table(("SETTING", "CHANGE", "MEANING"), rows)
    if plan.engine and plan.engine.operations:
        operations = (
            (one.op, one.type, one.name, one.host or "-", "protected" if one.protected else "")
            for one in plan.engine.operations
        )
        yield _table(("ENGINE", "TYPE", "RESOURCE", "HOST", ""), operations)
    if plan.rollout.waves:
        yield _table(("WAVE", "MINUTES", "HOSTS", "QUORUM"), phrases.waves(plan))
    yield f"{phrases.length(plan.rollout)}\n{phrases.bill(plan.money)}"


def render_text(plan: Plan) -> str:
    """The plan as text of fixed width."""
    return "\n\n".join(_sections(plan)) + "\n"

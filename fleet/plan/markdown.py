"""The plan as a comment on a pull request: the most important first, the rest folded, never over a platform's limit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fleet.plan import phrases

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fleet.plan.model import HostPlan, Plan

CHARACTERS = 64_000
"""GitHub refuses texts of a pull request over 65,536 code points; what posts a comment may add some."""

BYTES = 240_000
"""GitHub refuses comments over 262,144 bytes."""

OPEN_HOSTS = 10
"""Hosts that are shown without unfolding, the gravest first."""


def marker(stack: str) -> str:
    """The first line, by which a later run finds the comment to edit it in place."""
    return f"<!-- nixfleet plan of {stack} -->"


def _code(text: str) -> str:
    """Text of the stack file, shown as it is: no markup, no mention of a person, no cell's end."""
    flat = " ".join(text.split())
    if not flat:
        return ""
    fence = "`" * (max((len(run) for run in re.findall("`+", flat)), default=0) + 1)
    padding = " " if "`" in flat else ""
    # Inside a table a bar ends the cell, also in code, unless it is escaped.
    return f"{fence}{padding}{flat}{padding}{fence}".replace("|", "\\|")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _folded(summary: str, body: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def _row(name: str, host: HostPlan) -> tuple[str, ...]:
    mark = f"{host.effect.sign.mark} {host.effect.value}"
    return (f"**{name}**", _code(mark), host.role.value, host.site, "<br>".join(_code(one) for one in host.reasons))


_HOSTS = ("Host", "What happens", "Role", "Where", "Why")


def _hosts(plan: Plan) -> Iterator[str]:
    rows = [_row(name, plan.hosts[name]) for name in plan.changed]
    if rows:
        yield _table(_HOSTS, rows[:OPEN_HOSTS])
    if rows[OPEN_HOSTS:]:
        rest = rows[OPEN_HOSTS:]
        yield _folded(f"{phrases.hosts(len(rest))} more", _table(_HOSTS, rest))


def _sections(plan: Plan) -> Iterator[str]:
    """The parts, the most important first."""
    yield f"### Plan of {plan.stack}: {phrases.headline(plan)}"
    if plan.refusals:
        yield "\n".join(f"- **Refused** {_code(str(refusal))}" for refusal in plan.refusals)
    if plan.engine:
        grave = [one for one in plan.engine.operations if one.op in {"delete", "replace"}]
        if grave:
            operations = (
                (one.op, _code(one.type), _code(one.name), one.host or "", "yes" if one.protected else "")
                for one in grave
            )
            yield _table(("Engine", "Type", "Resource", "Host", "Protected"), operations)
    yield f"{phrases.length(plan.rollout)} {phrases.bill(plan.money)}"
    yield from _hosts(plan)
    for packages, names in phrases.package_groups(plan).items():
        lines = "\n".join(f"- {_code(phrases.package(one))}" for one in packages)
        yield _folded(f"Packages of {phrases.listed(names)}: {len(packages)}", lines)
    if plan.settings:
        rows = ((_code(one.path), _code(f"{one.before} -> {one.after}"), _code(one.words)) for one in plan.settings)
        yield _folded(f"Settings: {len(plan.settings)}", _table(("Setting", "Change", "Meaning"), rows))
    if plan.rollout.waves:
        yield _folded("Order of the rollout", _table(("Wave", "Minutes", "Hosts", "Quorum"), phrases.waves(plan)))
    if plan.changed:
        signs = "\n".join(f"- {_code(one.sign.mark)} {one.value}: the host {one.sign.words}" for one in plan.counts)
        yield _folded("What the words mean", f"{signs}\n\n{phrases.basis(plan)}")
    yield f"<sub>{phrases.compared(plan)}</sub>"


_LEFT_OUT = "_{} of {} parts are left out here, as a comment has a limit; the page has all of it._"


def render_markdown(plan: Plan) -> str:
    """The comment; a part that does not fit is left out as a whole, and that is said."""
    sections = list(_sections(plan))
    kept = [marker(plan.stack)]
    room = len(_LEFT_OUT) + 10
    for section in sections:
        text = "\n\n".join((*kept, section))
        if len(text) + room <= CHARACTERS and len(text.encode()) + room <= BYTES:
            kept.append(section)
    left = len(sections) - len(kept) + 1
    if left:
        kept.append(_LEFT_OUT.format(left, len(sections)))
    return "\n\n".join(kept) + "\n"

"""The page's tables; hosts and operations link to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.plan import phrases
from fleet.plan.markup import element, several

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from xml.etree.ElementTree import Element

    from fleet.plan.markup import Child
    from fleet.plan.model import PackageChange, Plan, Wave


def _table(name: str, caption: str, head: Sequence[str], rows: Iterable[Element]) -> Element:
    """A table that scrolls sideways by itself, also by keys, where the page is narrow."""
    heads = [element("th", text, scope="col") for text in head]
    made = element(
        "table",
        element("caption", caption, id=f"{name}-caption"),
        element("thead", element("tr", *heads)),
        element("tbody", *rows),
    )
    return element("div", made, class_="scroll", tabindex="0", role="region", aria_labelledby=f"{name}-caption")


def host_link(name: str) -> Element:
    """A link to a host's row."""
    return element("a", name, href=f"#host-{name}")


def _sign(plan: Plan, name: str) -> Element:
    effect = plan.hosts[name].effect
    return element("span", f"{effect.sign.mark} {effect.value}", class_=f"sign {effect.sign.tone}")


def _of_host(plan: Plan) -> dict[str, list[int]]:
    """Numbers of the engine's operations by the host that they belong to."""
    found: dict[str, list[int]] = {}
    for number, one in enumerate(plan.engine.operations if plan.engine else ()):
        if one.host:
            found.setdefault(one.host, []).append(number)
    return found


def _why(plan: Plan, name: str, operations: Sequence[int]) -> Element:
    reasons: list[Child] = list(several("li", plan.hosts[name].reasons))
    if operations and plan.engine:
        text = f"{len(operations)} operations of the engine" if len(operations) > 1 else "1 operation of the engine"
        reasons.append(element("li", element("a", text, href=f"#operation-{operations[0]}")))
    return element("td", element("ul", *reasons) if reasons else None, class_="why")


def host_table(plan: Plan) -> Element:
    """Every host; what changes first."""
    rows, operations = [], _of_host(plan)
    for name in (*plan.changed, *(name for name in plan.hosts if name not in plan.changed)):
        host = plan.hosts[name]
        rows.append(
            element(
                "tr",
                element("th", name, scope="row"),
                element("td", _sign(plan, name)),
                _why(plan, name, operations.get(name, ())),
                *several("td", (host.role.value, host.site, host.machine, host.address)),
                element("td", phrases.money_of(plan, name), class_="number"),
                id=f"host-{name}",
            )
        )
    head = ("Host", "What happens", "Why", "Role", "Where", "Machine", "Address", "EUR a month")
    return _table("hosts", f"{phrases.hosts(len(plan.hosts))}, those that change first", head, rows)


def setting_table(plan: Plan) -> Element:
    """Settings that differ."""
    rows = (
        element(
            "tr",
            element("th", element("code", one.path), scope="row"),
            *several("td", (one.before, one.after, one.words)),
        )
        for one in plan.settings
    )
    return _table("settings", "Settings beyond the hosts' own", ("Setting", "Before", "After", "Meaning"), rows)


def _bar(wave: Wave, minutes: float) -> Element:
    start, length = wave.begins_minute, wave.ends_minute - wave.begins_minute
    share = 100 / minutes if minutes else 0
    return element(
        "span",
        class_="bar" if wave.safe else "bar unsafe",
        style=f"margin-inline-start:{start * share:.1f}%;width:{length * share:.1f}%",
    )


def _names(names: Sequence[str]) -> list[Child]:
    found: list[Child] = []
    for name in names:
        found += [", ", host_link(name)] if found else [host_link(name)]
    return found


def wave_table(plan: Plan) -> Element:
    """The rollout in time."""
    rows = (
        element(
            "tr",
            element("th", str(number), scope="row"),
            element("td", *_names(wave.hosts)),
            element("td", f"{wave.begins_minute:.0f} to {wave.ends_minute:.0f}", class_="number"),
            element("td", _bar(wave, plan.rollout.minutes), class_="time"),
            element("td", phrases.quorum(wave)),
        )
        for number, wave in enumerate(plan.rollout.waves, start=1)
    )
    return _table("waves", phrases.length(plan.rollout), ("Wave", "Hosts", "Minutes", "Time", "Quorum"), rows)


def package_list(packages: Sequence[PackageChange], names: Sequence[str]) -> Element:
    """Packages that differ on the same hosts."""
    items = several("li", (phrases.package(one) for one in packages))
    summary = element("summary", f"{len(packages)} packages of {phrases.hosts(len(names))}")
    return element("details", summary, element("p", *_names(names)), element("ul", *items), open="open")


def engine_table(plan: Plan) -> Element:
    """Operations of the engine, deletions first."""
    engine = plan.engine
    assert engine is not None  # noqa: S101 - the caller has asked
    rows = (
        element(
            "tr",
            element("th", one.op, scope="row"),
            element("td", element("code", one.type)),
            element("td", element("code", one.name)),
            element("td", host_link(one.host) if one.host in plan.hosts else one.host),
            element("td", "protected" if one.protected else None),
            element("td", ", ".join(one.changes)),
            id=f"operation-{number}",
        )
        for number, one in enumerate(engine.operations)
    )
    count = "1 operation" if len(engine.operations) == 1 else f"{len(engine.operations)} operations, deletions first"
    caption = f"{count}; {engine.unchanged} resources stay as they are"
    return _table("operations", caption, ("Operation", "Type", "Resource", "Host", "Protection", "Properties"), rows)

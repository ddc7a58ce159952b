"""The plan as one HTML page that needs nothing else: no script, no font, no address is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.plan import phrases
from fleet.plan.markup import element, page, several
from fleet.plan.picture.drawing import NARROW, WIDE, draw
from fleet.plan.style import STYLE
from fleet.plan.tables import engine_table, host_table, package_list, setting_table, wave_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from fleet.plan.model import Plan


def _refused(plan: Plan) -> Element:
    items = [
        element("li", element("code", one.path), f": {one.value}: {one.law}; ", element("strong", one.cure))
        for one in plan.refusals
    ]
    return element("section", element("h2", "Refused"), element("ul", *items), class_="refused")


def _legend(plan: Plan) -> Element:
    items = [
        element(
            "li", element("span", f"{one.sign.mark} {one.value}", class_=f"sign {one.sign.tone}"), f": {one.sign.words}"
        )
        for one in phrases.effects_shown(plan)
    ]
    return element("ul", *items, class_="legend")


def _topology(plan: Plan) -> Iterator[Element]:
    yield element("h2", "Topology")
    yield element(
        "p",
        "Servers have corners and a bar at their left, agents are round. A host is a link to its row.",
        class_="soft",
    )
    yield _legend(plan)
    for width, identifier in ((WIDE, "wide"), (NARROW, "narrow")):
        yield draw(plan, width, identifier=identifier, linked=True)


def _sections(plan: Plan) -> Iterator[Element]:
    if plan.refusals:
        yield _refused(plan)
    yield element("section", *several("p", (phrases.length(plan.rollout), phrases.bill(plan.money))))
    if plan.engine and plan.engine.operations:
        yield element("section", element("h2", "Operations of the engine"), engine_table(plan))
    yield element("section", *_topology(plan))
    yield element("section", element("h2", "Hosts"), element("p", phrases.basis(plan), class_="soft"), host_table(plan))
    groups = phrases.package_groups(plan)
    if groups:
        yield element("section", element("h2", "Packages"), *(package_list(*group) for group in groups.items()))
    if plan.rollout.waves:
        yield element("section", element("h2", "Order of the rollout"), wave_table(plan))
    if plan.settings:
        yield element("section", element("h2", "Settings"), setting_table(plan))


def render_page(plan: Plan) -> str:
    """The page's bytes."""
    below = (
        element("p", phrases.compared(plan), class_="soft"),
        element("p", phrases.headline(plan), class_="verdict"),
    )
    return page(f"Plan of {plan.stack}", STYLE, below, *_sections(plan))

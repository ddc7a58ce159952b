"""The topology as SVG: what changes is told by colour, by shape and by word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.model import Role
from fleet.plan import phrases
from fleet.plan.effect import Effect
from fleet.plan.markup import element
from fleet.plan.markup import svg as file_of
from fleet.plan.palette import STYLE as COLOURS
from fleet.plan.picture.layout import lay_out

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from fleet.plan.model import Plan
    from fleet.plan.picture.box import Box, Label
    from fleet.plan.picture.layout import Head, HostBox, Layout, Line, SiteBox

WIDE, NARROW = 1200.0, 360.0

STYLE = (
    ".topology text{font-family:ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:var(--ink)}"
    ".topology .name{font-weight:700}.topology .fact{fill:var(--quiet)}.topology .effect{font-weight:700}"
    ".topology .site-box{fill:var(--panel);stroke:var(--line);stroke-width:1}"
    ".topology .head{fill:var(--panel);stroke:var(--line);stroke-width:1.5}"
    ".topology .host{fill:var(--ground);stroke-width:1.2}"
    ".topology .role{fill:var(--ink)}"
    ".topology .bus{fill:none;stroke:var(--line);stroke-width:2}"
    ".topology a:focus-visible .host{stroke-width:4}"
    ".topology .mark{font-weight:700;text-anchor:middle}"
    + "".join(
        f".topology text.{tone}{{fill:var(--{tone})}}"
        f".topology .host.{tone},.topology .badge.{tone}{{stroke:var(--{tone})}}"
        for tone in ("quiet", "mild", "firm", "new", "grave")
    )
    + ".topology .host.firm{stroke-width:2.5}.topology .host.new{stroke-width:3.5}"
    ".topology .host.grave{stroke-width:3.5;stroke-dasharray:9 4}"
    ".topology .host.mild{stroke-width:2.5;stroke-dasharray:2 2}"
    ".topology .badge{fill:var(--ground);stroke-width:2}"
)

DASHES = (None, "7 3", "2 3", "9 3 2 3", "4 4")
"""One for each bus, so that they can be told apart without colour."""


def _text(label: Label) -> Element:
    return element("text", label.text, x=label.x, y=label.baseline, font_size=label.size, class_=label.style)


def _badge(box: Box, effect: Effect) -> Iterator[Element]:
    """The effect's mark in the shape of its tone: a circle, a diamond, a square or an octagon."""
    sign = effect.sign
    x, y, side = box.x, box.y, box.width
    third = side * 0.3
    points = {
        "firm": ((side / 2, 0), (side, side / 2), (side / 2, side), (0, side / 2)),
        "new": ((0, 0), (side, 0), (side, side), (0, side)),
        "grave": (
            (third, 0),
            (side - third, 0),
            (side, third),
            (side, side - third),
            (side - third, side),
            (third, side),
            (0, side - third),
            (0, third),
        ),
    }.get(sign.tone)
    if points:
        yield element(
            "polygon", points=" ".join(f"{x + a:g},{y + b:g}" for a, b in points), class_=f"badge {sign.tone}"
        )
    else:
        yield element("circle", cx=x + side / 2, cy=y + side / 2, r=side / 2, class_=f"badge {sign.tone}")
    yield element("text", sign.mark, x=x + side / 2, y=y + side / 2 + 4.3, font_size=12.5, class_=f"mark {sign.tone}")


def _host(found: HostBox, *, linked: bool) -> Element:
    box, effect = found.box, found.host.effect
    parts = [
        element("title", f"{found.name}: {found.host.role.value}, {effect.sign.words}"),
        element(
            "rect",
            x=box.x,
            y=box.y,
            width=box.width,
            height=box.height,
            # A server has corners, an agent is round.
            rx=0 if found.host.role is Role.SERVER else 12,
            class_=f"host {effect.sign.tone}",
        ),
    ]
    if found.host.role is Role.SERVER:
        parts.append(element("rect", x=box.x, y=box.y, width=6, height=box.height, class_="role"))
    parts += [_text(label) for label in found.labels]
    if effect is not Effect.NOTHING:
        parts += _badge(found.badge, effect)
    return element("a", *parts, href=f"#host-{found.name}") if linked else element("g", *parts)


def _site(site: SiteBox, *, linked: bool) -> Iterator[Element]:
    box = site.box
    yield element("rect", x=box.x, y=box.y, width=box.width, height=box.height, rx=4, class_="site-box")
    yield _text(site.title)
    for host in site.hosts:
        yield _host(host, linked=linked)


def _head(head: Head) -> Iterator[Element]:
    box = head.box
    yield element(
        "rect",
        x=box.x,
        y=box.y,
        width=box.width,
        height=box.height,
        rx=4,
        stroke_dasharray=DASHES[head.bus % len(DASHES)],
        class_="head",
    )
    for label in head.labels:
        yield _text(label)


def _line(line: Line) -> Element:
    return element(
        "path",
        d=f"M{line.x1:g} {line.y1:g}L{line.x2:g} {line.y2:g}",
        stroke_dasharray=DASHES[line.bus % len(DASHES)],
        class_="bus",
    )


def _parts(layout: Layout, *, linked: bool) -> Iterator[Element]:
    for line in layout.lines:
        yield _line(line)
    for head in layout.heads:
        yield from _head(head)
    for site in layout.sites:
        yield from _site(site, linked=linked)


def alternative(plan: Plan) -> str:
    """The picture in words."""
    sites: dict[str, list[str]] = {}
    for name, host in plan.hosts.items():
        sites.setdefault(host.site, []).append(name)
    places = "; ".join(f"{site}: {phrases.listed(tuple(names))}" for site, names in sites.items())
    networks = ", ".join(f"{one.name} {one.range}" for one in plan.topology.networks)
    endpoint = plan.topology.endpoint
    return (
        f"{phrases.hosts(len(plan.hosts))} in {len(sites)} places ({places}). The API answers at {endpoint.name}, "
        f"{endpoint.words}. Networks: {networks}. {phrases.headline(plan)}."
    )


def draw(plan: Plan, width: float, *, identifier: str, linked: bool) -> Element:
    """The picture as an element; `identifier` begins its ids, `linked` makes each host a link to its row."""
    layout = lay_out(plan, width)
    title, text = f"{identifier}-title", f"{identifier}-text"
    return element(
        "svg",
        element("title", f"Topology of {plan.stack}", id=title),
        element("desc", alternative(plan), id=text),
        *_parts(layout, linked=linked),
        viewBox=f"0 0 {layout.width:g} {layout.height:g}",
        # What has links in it is no picture for those who hear the page.
        role="group" if linked else "img",
        aria_labelledby=f"{title} {text}",
        class_="topology",
        id=identifier,
    )


def render_picture(plan: Plan) -> str:
    """The picture alone, as a file."""
    drawn = draw(plan, WIDE, identifier="topology", linked=False)
    drawn.insert(0, element("style", COLOURS + STYLE))
    ground = element("rect", width="100%", height="100%", fill="var(--ground)")
    drawn.insert(1, ground)
    return file_of(drawn)

"""Where everything of the picture is: sites on shelves, hosts in a grid, networks as buses that never cross a host.

It depends on names and counts alone, so that a small change of a fleet is a small change of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet.model import Role
from fleet.plan.picture.box import Box, Label, cut

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fleet.plan.model import HostPlan, Plan

MARGIN = 12.0
GAP = 10.0
BUS = 12.0
"""From one bus to the next."""

HEAD_HEIGHT = 40.0
HOST_HEIGHT = 74.0
HOST_WIDTH = 190.0
"""The least; hosts share the width that there is."""

SITE_HEAD = 28.0
NAME_SIZE, TEXT_SIZE = 12.0, 10.5
BADGE = 22.0
"""Side of the square that holds an effect's mark."""


@dataclass(frozen=True, kw_only=True)
class HostBox:
    """One host."""

    name: str
    host: HostPlan
    box: Box
    labels: tuple[Label, ...]
    badge: Box


@dataclass(frozen=True, kw_only=True)
class SiteBox:
    """One place, with its hosts."""

    box: Box
    title: Label
    hosts: tuple[HostBox, ...]


@dataclass(frozen=True, kw_only=True)
class Head:
    """The endpoint or a network, at the top; its bus begins here."""

    box: Box
    labels: tuple[Label, ...]
    changed: bool
    bus: int


@dataclass(frozen=True, kw_only=True)
class Line:
    """A part of a bus, across or down."""

    bus: int
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The whole picture."""

    width: float
    height: float
    heads: tuple[Head, ...]
    sites: tuple[SiteBox, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class _Bus:
    title: str
    words: str
    changed: bool
    hosts: frozenset[str]


def _buses(plan: Plan) -> tuple[_Bus, ...]:
    endpoint = plan.topology.endpoint
    servers = frozenset(name for name, host in plan.hosts.items() if host.role is Role.SERVER)
    first = _Bus(
        title=endpoint.name, words=f"{endpoint.words}, {endpoint.address}", changed=endpoint.changed, hosts=servers
    )
    networks = (
        _Bus(title=one.name, words=one.range, changed=one.changed, hosts=frozenset(one.hosts))
        for one in plan.topology.networks
    )
    return (first, *networks)


def _host(name: str, host: HostPlan, box: Box) -> HostBox:
    left, room = box.x + 14, box.width - 22
    badge = Box(x=box.right - BADGE - 6, y=box.y + 6, width=BADGE, height=BADGE)
    storage = f", {host.volume_gib} GiB volume" if host.volume_gib else ", storage" if host.storage else ""
    texts = (
        (name, NAME_SIZE, "name", room - BADGE - 4),
        (f"{host.role.value}, {host.machine}", TEXT_SIZE, "fact", room),
        (f"{host.address}{storage}", TEXT_SIZE, "fact", room),
        (host.effect.value, TEXT_SIZE, f"effect {host.effect.sign.tone}", room),
    )
    labels, y = [], box.y + 7
    for text, size, style, width in texts:
        labels.append(Label(text=cut(text, width, size), x=left, y=y, size=size, style=style))
        y += size + 4.5
    return HostBox(name=name, host=host, box=box, labels=tuple(labels), badge=badge)


def _rank(item: tuple[str, HostPlan]) -> tuple[bool, str]:
    return item[1].role is not Role.SERVER, item[0]


def _places(plan: Plan) -> dict[str, list[tuple[str, HostPlan]]]:
    """Hosts by their site: sites with servers first."""
    sites: dict[str, list[tuple[str, HostPlan]]] = {}
    for name, host in sorted(plan.hosts.items(), key=_rank):
        sites.setdefault(host.site, []).append((name, host))
    return sites


def _shelves(sites: dict[str, list[tuple[str, HostPlan]]], columns: int) -> Iterator[list[str]]:
    """Sites side by side, as many as have room."""
    shelf: list[str] = []
    used = 0
    for site, hosts in sites.items():
        wanted = min(len(hosts), columns)
        if shelf and used + wanted > columns:
            yield shelf
            shelf, used = [], 0
        shelf.append(site)
        used += wanted
    if shelf:
        yield shelf


def _site(name: str, hosts: Sequence[tuple[str, HostPlan]], box: Box, columns: int) -> SiteBox:
    width = (box.width - GAP * (columns + 1)) / columns
    found = []
    for number, (host, facts) in enumerate(hosts):
        row, column = divmod(number, columns)
        place = Box(
            x=box.x + GAP + column * (width + GAP),
            y=box.y + SITE_HEAD + row * (HOST_HEIGHT + GAP),
            width=width,
            height=HOST_HEIGHT,
        )
        found.append(_host(host, facts, place))
    room = box.width - 2 * GAP
    counted = f"{name}, {'1 host' if len(hosts) == 1 else f'{len(hosts)} hosts'}"
    title = cut(name, room, NAME_SIZE) if cut(counted, room, NAME_SIZE) != counted else counted
    return SiteBox(
        box=box,
        title=Label(text=title, x=box.x + GAP, y=box.y + 8, size=NAME_SIZE, style="site"),
        hosts=tuple(found),
    )


def _heads(buses: Sequence[_Bus], left: float, width: float) -> Iterator[Head]:
    for number, bus in enumerate(buses):
        box = Box(x=left, y=MARGIN + number * (HEAD_HEIGHT + 6), width=width, height=HEAD_HEIGHT)
        title = f"{bus.title} (changes)" if bus.changed else bus.title
        labels = tuple(
            Label(text=cut(text, width - 20, size), x=left + 10, y=box.y + offset, size=size, style=style)
            for text, size, offset, style in (
                (title, NAME_SIZE, 4, "name"),
                (bus.words, TEXT_SIZE, 21, "fact"),
            )
        )
        yield Head(box=box, labels=labels, changed=bus.changed, bus=number)


def _bus_x(number: int) -> float:
    return MARGIN / 2 + number * BUS


def _branches(buses: Sequence[_Bus], shelf: Sequence[SiteBox], top: float) -> Iterator[Line]:
    """From each bus across to the sites of a shelf that it reaches, and down to them."""
    for number, bus in enumerate(buses):
        reached = [site for site in shelf if bus.hosts & {host.name for host in site.hosts}]
        y = top + BUS * (number + 0.5)
        drops = [site.box.x + 20 + BUS * number for site in reached]
        if drops:
            yield Line(bus=number, x1=_bus_x(number), y1=y, x2=max(drops), y2=y)
        for site, x in zip(reached, drops, strict=True):
            yield Line(bus=number, x1=x, y1=y, x2=x, y2=site.box.y)


def lay_out(plan: Plan, width: float) -> Layout:
    """The picture of a plan, so wide."""
    buses = _buses(plan)
    left = MARGIN / 2 + BUS * len(buses)
    room = width - left - MARGIN
    heads = tuple(_heads(buses, left, room))
    columns = max(1, int(room / (HOST_WIDTH + 3 * GAP)))
    unit = room / columns
    places = _places(plan)
    sites: list[SiteBox] = []
    lines: list[Line] = []
    y = heads[-1].box.bottom
    for shelf in _shelves(places, columns):
        top, y = y, y + BUS * len(buses) + 8
        made = []
        x = left
        for name in shelf:
            count = min(len(places[name]), columns)
            rows = -(-len(places[name]) // count)
            # The gap after a site is part of its columns, so that all shelves have the same grid.
            box = Box(x=x, y=y, width=count * unit - GAP, height=SITE_HEAD + rows * (HOST_HEIGHT + GAP))
            made.append(_site(name, places[name], box, count))
            x = box.right + GAP
        lines += _branches(buses, made, top)
        sites += made
        y = max(site.box.bottom for site in made)
    for head in heads:
        ends = [line.y1 for line in lines if line.bus == head.bus]
        middle = head.box.y + HEAD_HEIGHT / 2
        lines.append(Line(bus=head.bus, x1=_bus_x(head.bus), y1=middle, x2=head.box.x, y2=middle))
        lines.append(
            Line(bus=head.bus, x1=_bus_x(head.bus), y1=middle, x2=_bus_x(head.bus), y2=max(ends, default=middle))
        )
    return Layout(width=width, height=y + MARGIN, heads=heads, sites=tuple(sites), lines=tuple(lines))

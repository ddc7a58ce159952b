"""The picture: nothing covers anything else, at any width and size of a fleet, and everything can be read."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import pytest

from fleet.plan.comparison import compare
from fleet.plan.effect import SIGNS, Effect
from fleet.plan.palette import DARK, GROUNDS, LIGHT, LINES, TEXTS
from fleet.plan.picture.box import Box
from fleet.plan.picture.drawing import NARROW, WIDE
from fleet.plan.picture.layout import Layout, lay_out
from sim.crowd import many
from tests.plan.scenarios import CHANGES, TIMES, planned, revision

if TYPE_CHECKING:
    from pathlib import Path

    from fleet.plan.model import Plan

LONG = "a-host-with-a-name-as-long-as-dns-allows-it-to-be-in-one-label-"


def _crowd(count: int, folder: Path) -> Plan:
    fleet = many(count)["nixfleet:fleet"]
    plan = compare(None, revision(fleet, folder, ""), TIMES)
    return plan.model_copy(
        update={
            "hosts": {f"{LONG[: 60 - number % 30]}{number}": host for number, host in enumerate(plan.hosts.values())}
        }
    )


def _overlaps(boxes: list[tuple[str, Box]]) -> list[tuple[str, str]]:
    """Pairs that share room; the boxes are swept from the top, so that a hundred hosts are no million pairs."""
    found: list[tuple[str, str]] = []
    open_: list[tuple[str, Box]] = []
    for name, box in sorted(boxes, key=lambda item: item[1].y):
        open_ = [(other, lower) for other, lower in open_ if lower.bottom > box.y]
        found += [(other, name) for other, lower in open_ if lower.overlaps(box)]
        open_.append((name, box))
    return found


def _labels(layout: Layout) -> list[tuple[str, Box]]:
    hosts = [host for site in layout.sites for host in site.hosts]
    owned = [label for head in layout.heads for label in head.labels] + [label for one in hosts for label in one.labels]
    titles = [site.title for site in layout.sites]
    return [(label.text, label.box) for label in (*owned, *titles)] + [
        (f"{host.name}'s badge", host.badge) for host in hosts
    ]


@pytest.mark.parametrize("width", [NARROW, 700.0, WIDE])
@pytest.mark.parametrize("count", [6, 31, 100])
def test_no_label_covers_another_and_each_lies_in_what_it_belongs_to(count: int, width: float, tmp_path: Path) -> None:
    layout = lay_out(_crowd(count, tmp_path), width)
    hosts = [host for site in layout.sites for host in site.hosts]
    assert len(hosts) == count
    assert _overlaps(_labels(layout)) == []
    assert _overlaps([(host.name, host.box) for host in hosts]) == []
    assert (
        _overlaps(
            [(site.title.text, site.box) for site in layout.sites] + [("head", head.box) for head in layout.heads]
        )
        == []
    )
    outside = [
        host.name
        for host in hosts
        if not all(host.box.holds(one) for one in (host.badge, *(label.box for label in host.labels)))
    ]
    outside += [site.title.text for site in layout.sites for host in site.hosts if not site.box.holds(host.box)]
    outside += [site.title.text for site in layout.sites if not site.box.holds(site.title.box)]
    outside += [label.text for head in layout.heads for label in head.labels if not head.box.holds(label.box)]
    whole = Box(x=0, y=0, width=layout.width, height=layout.height)
    outside += [site.title.text for site in layout.sites if not whole.holds(site.box)]
    assert outside == []


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_no_bus_crosses_a_site_or_a_head(width: float, tmp_path: Path) -> None:
    layout = lay_out(_crowd(100, tmp_path), width)
    boxes = [site.box for site in layout.sites] + [head.box for head in layout.heads]
    lines = [
        Box(x=min(one.x1, one.x2), y=min(one.y1, one.y2), width=abs(one.x2 - one.x1), height=abs(one.y2 - one.y1))
        for one in layout.lines
    ]
    assert len(lines) > len(layout.heads)
    assert [(line, box) for line in lines for box in boxes if line.overlaps(box)] == []


@pytest.mark.parametrize("name", CHANGES)
def test_a_host_that_stays_in_its_site_is_drawn_after_the_same_ones(name: str, tmp_path: Path) -> None:
    def order(change: str) -> dict[str, list[str]]:
        layout = lay_out(planned(CHANGES[change], tmp_path), WIDE)
        return {site.title.text.partition(",")[0]: [host.name for host in site.hosts] for site in layout.sites}

    before, after = order("nothing"), order(name)
    for site, hosts in before.items():
        stay = [host for host in after.get(site, []) if host in hosts]
        assert stay == [host for host in hosts if host in stay]


def test_every_effect_has_a_mark_and_words_of_its_own() -> None:
    assert set(SIGNS) == set(Effect)
    assert len({sign.mark for sign in SIGNS.values()}) == len({sign.words for sign in SIGNS.values()}) == len(Effect)
    assert all(less.gravity < more.gravity for less, more in pairwise(Effect))


def _luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_every_pair_of_colours_that_meets_can_be_told_apart(palette: dict[str, str]) -> None:
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    assert {*GROUNDS, *TEXTS, *LINES} == set(palette)
    weak = [(text, ground) for text in TEXTS for ground in GROUNDS if _contrast(palette[text], palette[ground]) < 4.5]
    weak += [(line, ground) for line in LINES for ground in GROUNDS if _contrast(palette[line], palette[ground]) < 3]
    assert weak == []


def test_boxes_that_only_touch_do_not_overlap() -> None:
    box = Box(x=0, y=0, width=10, height=10)
    beside = Box(x=10, y=0, width=10, height=10)
    inside = Box(x=9, y=9, width=1, height=1)
    assert [one.overlaps(other) for one, other in combinations((box, beside, inside), 2)] == [False, True, False]

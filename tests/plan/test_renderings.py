"""Every rendering of ten changes, word for word; and what holds for each of them whatever it says."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from fleet.plan.markdown import BYTES, CHARACTERS, marker, render_markdown
from fleet.plan.model import Plan
from fleet.plan.page import render_page
from fleet.plan.picture.drawing import render_picture
from fleet.plan.renderings import RENDERINGS
from tests.plan.scenarios import CHANGES, crowd, planned

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).parent / "golden"
ENDINGS = {"html": "html", "json": "json", "markdown": "md", "text": "txt"}
PAGE_BYTES = 500_000


def same_keys(text: str) -> str:
    """Closure keys by their order: they are hashes of the whole contract, which is not what is shown here."""
    known: dict[str, str] = {}
    return re.sub("content-[0-9a-f]{64}", lambda found: known.setdefault(found[0], f"content-{len(known)}"), text)


@pytest.fixture(scope="module", name="crowd")
def _crowd(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return crowd(tmp_path_factory.mktemp("nix"))


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_rendered_as_stored(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    plan = planned(CHANGES[name], tmp_path)
    for form, rendering in RENDERINGS.items():
        stored, text = GOLDEN / f"{name}.{ENDINGS[form]}".replace(" ", "-"), same_keys(rendering.render(plan))
        if request.config.getoption("--update"):
            stored.write_text(text, encoding="utf-8")
        assert text == stored.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CHANGES)
def test_json_is_the_model_whole(name: str, tmp_path: Path) -> None:
    plan = planned(CHANGES[name], tmp_path)
    assert Plan.model_validate(json.loads(RENDERINGS["json"].render(plan))) == plan


class _Seen(HTMLParser):
    """Elements, ids and links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id" and value:
                self.ids.append(value)
            if name in {"href", "aria-labelledby"} and value:
                self.links |= set(value.replace("#", "").split())


@pytest.mark.parametrize("name", CHANGES)
def test_a_page_needs_nothing_else_and_its_links_lead_somewhere(name: str, tmp_path: Path) -> None:
    text = render_page(planned(CHANGES[name], tmp_path))
    seen = _Seen(text)
    assert len(seen.ids) == len(set(seen.ids))
    assert seen.links <= set(seen.ids)
    assert not seen.tags & {"script", "link", "img", "iframe", "object", "base", "form"}
    assert not {attribute for attribute in seen.attributes if attribute.startswith("on")} | seen.attributes & {"src"}
    assert "url(" not in text
    assert "://" not in text


def _hosts_of(text: str) -> Iterator[str]:
    yield from re.findall(r'id="host-([^"]+)"', text)


def test_a_page_of_a_hundred_hosts_is_at_most_half_a_megabyte(crowd: Plan) -> None:
    text = render_page(crowd)
    assert len(text.encode()) <= PAGE_BYTES
    assert sorted(_hosts_of(text)) == sorted(crowd.hosts)


def test_a_comment_of_a_hundred_hosts_is_within_every_platforms_limit(crowd: Plan) -> None:
    text = render_markdown(crowd)
    assert text.startswith(f"{marker('sim')}\n")
    assert len(text) <= CHARACTERS
    assert len(text.encode()) <= BYTES
    assert [name for name in crowd.hosts if f"**{name}**" not in text] == []


def test_a_comment_that_would_be_too_long_keeps_the_gravest_and_says_what_is_left_out(crowd: Plan) -> None:
    host = crowd.hosts["n100-1"]
    long = {name: host.model_copy(update={"reasons": ("x" * 5_000,)}) for name in crowd.hosts}
    text = render_markdown(crowd.model_copy(update={"hosts": long}))
    assert len(text) <= CHARACTERS
    assert "**hcloud-1**" in text
    assert text.endswith("_1 of 8 parts are left out here, as a comment has a limit; the page has all of it._\n")


def test_text_of_the_stack_file_is_no_markup_in_a_comment(tmp_path: Path) -> None:
    text = render_markdown(planned(CHANGES["a label and an option of the kernel"], tmp_path))
    assert "`` tuning.kernelParams: [] -> ['a\\|b`c`@ada<script>&amp;'] ``" in text


def test_the_picture_alone_is_a_file_with_a_text_of_its_own(tmp_path: Path) -> None:
    root = ET.fromstring(render_picture(planned(CHANGES["an agent goes"], tmp_path)))  # noqa: S314 - it is ours
    space = "{http://www.w3.org/2000/svg}"
    assert root.get("role") == "img"
    assert [one.text for one in root.findall(f"{space}title")] == ["Topology of sim"]
    assert [one.text for one in root.findall(f"{space}desc")] == [
        (
            "6 hosts in 3 places (Hetzner Cloud fsn1: hcloud-1, hcloud-2, hcloud-3; Bare metal: jetson-1, n100-1; OVH "
            "Public Cloud GRA11: ovh-1). The API answers at api.sim.example.net, load balancer lb11 in fsn1. Networks: "
            "WireGuard mesh: the cluster's 10.90.0.0/24, Private network of Hetzner 10.20.0.0/24. 1 of 6 hosts "
            "changes: 1 removed."
        )
    ]
    assert root.findall(f".//{space}a") == []

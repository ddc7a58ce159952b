"""The page in a browser: axe-core finds nothing, nothing is cut off or covered, at three widths, dark and light."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleet.plan.model import EngineOperation, EnginePlan
from fleet.plan.page import render_page
from tests.plan.browser import measured
from tests.plan.scenarios import CHANGES, crowd, planned
from tests.plan.test_systems import CHANGED

if TYPE_CHECKING:
    from pathlib import Path


def _everything(folder: Path) -> str:
    """A page with every part that a page can have."""
    plan = planned(CHANGES["two servers move at once"], folder)
    hosts = plan.hosts | {"hcloud-1": plan.hosts["hcloud-1"].model_copy(update={"packages": CHANGED})}
    settings = planned(CHANGES["settings that no host needs"], folder).settings
    operation = EngineOperation(
        op="replace",
        type="hcloud:index/server:Server",
        name="hcloud-2",
        host="hcloud-2",
        protected=True,
        changes=("location",),
    )
    engine = EnginePlan(operations=(operation,), unchanged=99)
    return render_page(plan.model_copy(update={"hosts": hosts, "settings": settings, "engine": engine}))


@pytest.mark.usefixtures("a_browser")
@pytest.mark.parametrize(("width", "dark"), [(320, True), (320, False), (1280, False), (2560, True)])
def test_a_page_with_every_part_is_accessible_and_fits(width: int, *, dark: bool, tmp_path: Path) -> None:
    """Of contrast axe cannot decide where a table is scrolled; test_picture.py computes every pair."""
    found = measured(_everything(tmp_path), tmp_path, width=width, dark=dark)
    assert (found["width"], found["dark"]) == (width, dark)
    assert found["violations"] == []
    assert [one for one in found["undecided"] if not one.startswith("color-contrast: ")] == []
    assert found["rules"] > 30
    assert (found["pictures"], found["covered"], found["sideways"]) == (1, [], 0)
    assert found["texts"] > 30


@pytest.mark.usefixtures("a_browser")
def test_no_text_of_a_picture_of_a_hundred_hosts_covers_another(tmp_path: Path) -> None:
    found = measured(render_page(crowd(tmp_path)), tmp_path, width=1280, dark=True)
    assert found["violations"] == []
    assert (found["pictures"], found["covered"], found["sideways"]) == (1, [], 0)
    assert found["texts"] > 400

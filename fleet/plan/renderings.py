"""Every form that a plan can be written in, by the name of its option."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet.plan.document import render_json
from fleet.plan.markdown import render_markdown
from fleet.plan.page import render_page
from fleet.plan.text import render_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleet.plan.model import Plan


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """One form."""

    render: Callable[[Plan], str]
    help: str


RENDERINGS = {
    "html": Rendering(render=render_page, help="write one self-contained page"),
    "json": Rendering(render=render_json, help="write the model as JSON"),
    "markdown": Rendering(render=render_markdown, help="write a comment for a pull request"),
    "text": Rendering(render=render_text, help="write what is printed without any of these"),
}

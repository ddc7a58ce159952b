"""HTML and SVG from plain functions: what is text is escaped, because only elements are markup."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET  # only written, never parsed

if TYPE_CHECKING:
    from collections.abc import Iterable

Child = ET.Element | str | None


def element(tag: str, *children: Child, **attributes: str | float | None) -> ET.Element:
    """An element; `class_` is `class`, `aria_label` is `aria-label`, and what is None is left out."""
    made = ET.Element(
        tag,
        {
            name.rstrip("_").replace("_", "-"): value if isinstance(value, str) else f"{value:g}"
            for name, value in attributes.items()
            if value is not None
        },
    )
    last: ET.Element | None = None
    for child in children:
        if isinstance(child, ET.Element):
            made.append(child)
            last = child
        elif child and last is None:
            made.text = (made.text or "") + child
        elif child and last is not None:
            last.tail = (last.tail or "") + child
    return made


def several(tag: str, texts: Iterable[Child]) -> list[ET.Element]:
    """One element for each child."""
    return [element(tag, text) for text in texts]


def page(title: str, style: str, below: Iterable[Child], *content: Child) -> str:
    """A whole document that loads nothing: its title, what stands below that in its header, and its content."""
    root = element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("title", title),
            element("style", style),
        ),
        element("body", element("header", element("h1", title), *below), element("main", *content)),
        lang="en",
    )
    return "<!DOCTYPE html>\n" + ET.tostring(root, encoding="unicode", method="html") + "\n"


def svg(root: ET.Element) -> str:
    """A file of its own."""
    root.set("xmlns", "http://www.w3.org/2000/svg")
    return ET.tostring(root, encoding="unicode", method="xml") + "\n"

"""The part of kubectl's JSONPath that scripts use: fields, `[*]`, `[n]` `{range}`, one filter. No slices."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.world import Json

_TEMPLATE = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"\{range ([^{}]*)\}(.*?)\{end\}", re.DOTALL)
_STEP = re.compile(
    r"""\.((?:\\.|[^.\[\]\\])+)|\[\*\]|\[(-?\d+)\]|\['([^']+)'\]|\[\?\(@\.([\w.]+)\s*==\s*["']([^"']*)["']\)\]"""
)


def render(template: str, document: Json) -> str:
    """Fill a template such as `{.status.conditions[?(@.type=="Ready")].status}`; raises ValueError for other syntax."""
    loop = _RANGE.search(template)
    if loop is None:
        return _TEMPLATE.sub(lambda match: _expression(match[1], document), template)
    before, path, body, after = template[: loop.start()], loop[1], loop[2], template[loop.end() :]
    items = (render(body, item) for item in _select(path, document))
    return render(before, document) + "".join(items) + render(after, document)


def _expression(text: str, document: Json) -> str:
    if text[:1] in "\"'":
        return text[1:-1].encode().decode("unicode_escape")
    return " ".join(_text(value) for value in _select(text, document))


def _text(value: Json) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int) else repr(value)


def _select(text: str, document: Json) -> list[Json]:
    index, found = int(text.startswith("$")), [document]
    while index < len(text):
        match = _STEP.match(text, index)
        if match is None:
            raise ValueError(f"jsonpath {{{text}}} is not simulated from {text[index:]!r} on")
        found = [value for parent in found for value in _step(match, parent)]
        index = match.end()
    return found


def _step(match: re.Match[str], parent: Json) -> list[Json]:
    field, number, quoted, key, wanted = match.groups()
    name = quoted or (field.replace("\\", "") if field else None)
    if name is not None and name != "*":
        return [parent[name]] if isinstance(parent, dict) and name in parent else []
    items = parent if isinstance(parent, list) else list(parent.values()) if isinstance(parent, dict) else []
    if number is not None:
        return items[int(number) :][:1]
    if key is not None:
        return [item for item in items if str(item.get(key)) == wanted]
    return items

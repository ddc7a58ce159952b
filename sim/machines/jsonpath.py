"""The part of kubectl's JSONPath that scripts use: fields, `[*]`, `[n]` and one equality filter. No range, no slices."""

from __future__ import annotations

import re
from typing import Any

_TEMPLATE = re.compile(r"\{([^{}]*)\}")
_STEP = re.compile(r"""\.((?:\\.|[^.\[\]\\])+)|\[\*\]|\[(-?\d+)\]|\['([^']+)'\]|\[\?\(@\.([\w.]+)\s*==\s*["']([^"']*)["']\)\]""")


def render(template: str, document: Any) -> str:
    """Fill a template such as `{.status.conditions[?(@.type=="Ready")].status}`; raises ValueError for other syntax."""
    return _TEMPLATE.sub(lambda match: _expression(match[1], document), template)


def _expression(text: str, document: Any) -> str:
    if text[:1] in "\"'":
        return text[1:-1].encode().decode("unicode_escape")
    position, found = text.startswith("$"), [document]
    index = int(position)
    while index < len(text):
        match = _STEP.match(text, index)
        if match is None:
            raise ValueError(f"jsonpath {{{text}}} is not simulated from {text[index:]!r} on")
        found = [value for parent in found for value in _step(match, parent)]
        index = match.end()
    return " ".join(str(value) if isinstance(value, str | int) else repr(value) for value in found)


def _step(match: re.Match[str], parent: Any) -> list[Any]:
    field, number, quoted, key, wanted = match.groups()
    name = quoted or (field.replace("\\", "") if field else None)
    if name is not None:
        return [parent[name]] if isinstance(parent, dict) and name in parent else []
    items = parent if isinstance(parent, list) else list(parent.values()) if isinstance(parent, dict) else []
    if number is not None:
        return items[int(number) :][:1]
    if key is not None:
        return [item for item in items if str(item.get(key)) == wanted]
    return items

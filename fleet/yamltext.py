"""YAML as text: reading it as Pulumi does, and replacing one key of a stack file without touching a byte of the rest.

Left out: what the keys mean; that is stackfile.py's matter.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]  # the C loader is chosen at run time
    """Scalars as the engine's own parser reads them: the hardware address 52:54:00:01:01:01 is no number."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])


class YamlError(Exception):
    """Text that is no YAML document, or says a key twice; the message has the line."""


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[str, object]:
    seen: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
            if key.value in seen:
                raise YamlError(f"line {line}: the key {key.value!r} stands in line {seen[key.value]} too; remove one")
            seen[key.value] = line
        elif not isinstance(key, yaml.ScalarNode):
            raise YamlError(f"line {line}: a key is a word, and this one is a list or a mapping; write a word")
    loader.flatten_mapping(node)
    # The engine has no keys but text either: 1 is "1".
    return {str(key.value): loader.construct_object(value, deep=True) for key, value in node.value}


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def parse(text: str) -> object:
    """The document's plain data; raises YamlError with the line of the fault."""
    try:
        found: object = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader: it constructs plain data only
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise YamlError(f"{where}{error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise YamlError(" ".join(str(error).split())) from None
    return found


def _entry(lines: list[str], key: str, indent: str) -> tuple[int, int] | None:
    """Lines of `key` and all that belongs to it; comments that stand before the next key belong to that."""
    start = re.compile(rf"^{indent}(?:{re.escape(key)}|\"{re.escape(key)}\"|'{re.escape(key)}')\s*:(?:\s|$)")
    first = next((number for number, line in enumerate(lines) if start.match(line)), None)
    if first is None:
        return None
    inside = re.compile(rf"^{indent}\s+\S")
    last = first + 1
    for number in range(first + 1, len(lines)):
        if inside.match(lines[number]):
            last = number + 1
        elif lines[number].strip() and not lines[number].lstrip().startswith("#"):
            break
    return first, last


def _config(lines: list[str]) -> tuple[int, int, str]:
    """First and last line of the body of `config:`, and how far its keys are indented."""
    head = next((number for number, line in enumerate(lines) if re.match(r"^config:\s*(#.*)?$", line)), None)
    if head is None:
        raise YamlError("no line `config:` with its keys below it; write the configuration as a block")
    end = head + 1
    indent = ""
    for number in range(head + 1, len(lines)):
        found = re.match(r"^(\s+)[^\s#]", lines[number])
        if found:
            indent = indent or found[1]
            end = number + 1
        elif re.match(r"^[^\s#]", lines[number]):
            break
    return head + 1, end, indent or "  "


def set_config(text: str, key: str, body: list[str] | None) -> str:
    """Replace (or add at the end) the configuration key `key` by `body`, lines relative to it; None removes it."""
    lines = text.splitlines()
    start, end, indent = _config(lines)
    new = [f"{indent}{key}:", *(f"{indent}{line}" for line in body)] if body is not None else []
    found = _entry(lines[start:end], key, indent)
    first, last = (start + found[0], start + found[1]) if found else (end, end)
    return "\n".join([*lines[:first], *new, *lines[last:]]) + "\n"


def set_scalar(text: str, key: str, value: str) -> str:
    """Replace (or add at the end) the one-line configuration key `key`; the value is quoted."""
    lines = set_config(text, key, None).splitlines()
    _, end, indent = _config(lines)
    return "\n".join([*lines[:end], f'{indent}{key}: "{value}"', *lines[end:]]) + "\n"


def set_top(text: str, key: str, value: str) -> str:
    """Replace (or add at the end) the one-line key `key` of the document itself."""
    lines = text.splitlines()
    found = _entry(lines, key, "")
    first, last = found or (len(lines), len(lines))
    return "\n".join([*lines[:first], f"{key}: {value}", *lines[last:]]) + "\n"

"""A resource type as a table: types of inputs, what is required, computed, replacing; and the check that follows.

The messages are those of the bridged Terraform plugins. One binary holds two generations: "SDKv2" and "framework".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from sim.plugins.server import Refused
from sim.plugins.values import UNKNOWN, Properties, Secret, Value, reveal

Type: TypeAlias = "str | list[Type] | dict[str, Type]"
"""`string`, `integer`, `boolean`; `[T]` a list; `{"<any>": T}` a map; other dicts are objects, `*` means required."""

Failure: TypeAlias = tuple[str, str]
"""Property path and reason."""

Rule: TypeAlias = Callable[[str, Properties], Iterator[Failure]]
"""A law over several fields: takes the resource's name and its inputs."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a check and a diff need to know about one resource type."""

    fields: Mapping[str, Type]
    required: tuple[str, ...] = ()
    replaces: frozenset[str] = frozenset()
    """Inputs whose change needs a new resource; `network.private` is a part of one."""

    kept: frozenset[str] = frozenset()
    """Optional inputs that the cloud fills: leaving one out changes nothing."""

    parts_kept: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The same for fields of the objects in a list."""

    parts_default: Mapping[str, Properties] = field(default_factory=dict)
    """What the plugin adds to the objects in a list."""

    unordered: frozenset[str] = frozenset()
    """Lists whose order means nothing."""

    outputs: tuple[str, ...] = ()
    """Properties that only the cloud sets."""

    framework: Mapping[str, str] | None = None
    """Set for framework resources: descriptions of required inputs, which their messages repeat."""

    rules: tuple[Rule, ...] = ()
    defaults: Mapping[str, Value] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()
    """Inputs that the cloud does not tell: an import has none of them."""

    hashed: frozenset[str] = frozenset()
    """Inputs of which the state keeps a digest only."""

    @property
    def names(self) -> tuple[str, ...]:
        """All inputs."""
        return tuple(self.fields)

    def deletes_first(self, inputs: Properties) -> bool:
        """Say whether a replacement deletes the old one first: only where an explicit name would collide."""
        return self.framework is None and "name" in self.fields and "name" not in reveal(inputs.get("__defaults", []))


def snake(name: str) -> str:
    """Spell a camelCase property as Terraform does."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def check(table: Table, name: str, inputs: Properties, seed: bytes) -> tuple[Properties, list[Failure]]:
    """Check and complete the inputs of the resource `name`.

    Returns:
        The inputs as the engine shall keep them, and what is wrong with them.

    Raises:
        Refused: a value that the real plugin cannot even encode.
    """
    checked = {key: item for key, item in inputs.items() if not key.startswith("__") and reveal(item) is not None}
    failures = [_unknown_key(name, key) for key in checked if key not in table.fields]
    defaults = []
    for key, item in (dict(table.defaults) | _made_up_name(table, name, inputs, seed)).items():
        if key not in checked:
            checked[key] = item
            defaults.append(key)
    failures += _missing(table, name, checked)
    for key, item in checked.items():
        if key in table.fields:
            checked[key] = _completed(table, key, _typed(table, snake(key), table.fields[key], item))
            failures += _missing_parts(name, key, table.fields[key], checked[key])
    for rule in table.rules:
        failures += rule(name, reveal(checked))
    if defaults:
        checked["__defaults"] = sorted(defaults)
    return checked, failures


def _unknown_key(name: str, key: str) -> Failure:
    return key, f"Invalid or unknown key. Examine values at '{name}.{key}'."


def _made_up_name(table: Table, name: str, inputs: Properties, seed: bytes) -> Properties:
    if "name" not in table.fields or reveal(inputs.get("name")) is not None:
        return {}
    return {"name": f"{name}-{seed.hex()[:7]}"}


def _missing(table: Table, name: str, inputs: Properties) -> Iterator[Failure]:
    for key in table.required:
        if key in inputs:
            continue
        if table.framework is not None:
            yield key, f"Missing required property '{key}': {table.framework[key]}"
        else:
            yield key, _missing_argument(snake(key), f"{name}.{key}")


def _missing_argument(argument: str, path: str) -> str:
    return (
        f'Missing required argument. The argument "{argument}" is required, but no definition was found.. '
        f"Examine values at '{path}'."
    )


def _missing_parts(name: str, key: str, kind: Type, value: Value) -> Iterator[Failure]:
    """Find required fields that single objects leave out."""
    value = reveal(value)
    if not isinstance(kind, dict) or not isinstance(value, dict):
        return
    for part in kind:
        if part.endswith("*") and value.get(part[:-1]) is None:
            argument = f"{snake(key)}.0.{snake(part[:-1])}"
            yield key, _missing_argument(argument, f"{name}.{key}.{part[:-1]}" if value else f"{name}.{key}")


def _typed(table: Table, path: str, kind: Type, value: Value) -> Value:
    """Bring a value into the type its field has; framework resources keep what they are given."""
    if isinstance(value, Secret):
        return Secret(_typed(table, path, kind, value.value))
    if value is UNKNOWN or value is None:
        return value
    if isinstance(kind, list) and isinstance(value, list):
        return [_typed(table, path, kind[0], item) for item in value]
    if isinstance(kind, dict) and isinstance(value, dict):
        fields = {key.rstrip("*"): item for key, item in kind.items()}
        anything = fields.get("<any>", "any")
        return {key: _typed(table, snake(key), fields.get(key, anything), item) for key, item in value.items()}
    if table.framework is not None:
        return value
    return _scalar(path, kind, value)


def _completed(table: Table, key: str, value: Value) -> Value:
    """Add the plugin's own defaults to the objects in a list."""
    default = table.parts_default.get(key)
    if default is None or not isinstance(value, list):
        return value
    return [default | part if isinstance(part, dict) else part for part in value]


def _scalar(path: str, kind: Type, value: Value) -> Value:
    if kind == "integer" and isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            raise Refused(f'{path}: strconv.ParseInt: parsing "{value}": invalid syntax') from None
    if kind == "string" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return value

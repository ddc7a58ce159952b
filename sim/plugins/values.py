"""What engines send and get, as plain Python: dicts, lists, scalars, `UNKNOWN`, `Secret`; no resource references."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias

import pulumi
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import rpc

Value: TypeAlias = Any
"""None, bool, int, float, str, list, dict, asset, archive, `Secret` or `UNKNOWN`: the wire knows no narrower type."""

Properties: TypeAlias = dict[str, Value]


class Unknown(Enum):
    """The type of `UNKNOWN`, a value that a preview cannot know yet; there is one, whoever copies it."""

    VALUE = "unknown"

    def __repr__(self) -> str:
        """Name it as it is written in messages."""
        return "<unknown>"


UNKNOWN: Final = Unknown.VALUE


@dataclass(frozen=True)
class Secret:
    """A value that must stay encrypted in the state."""

    value: Value


def decode(wire: PropertyValue) -> Value:
    """Turn one wire value into plain Python; whole numbers become ints, as every number here counts something."""
    if wire.is_secret:
        return Secret(decode(wire.with_secret(is_secret=False)))
    value = wire.value
    if isinstance(value, str):
        return UNKNOWN if value == rpc.UNKNOWN else value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, tuple):
        return [decode(item) for item in value]
    if isinstance(value, Mapping):
        return {key: decode(item) for key, item in value.items()}
    return value


def decode_map(wire: dict[str, PropertyValue]) -> Properties:
    """Turn the properties of a request into plain Python."""
    return {key: decode(item) for key, item in wire.items()}


def encode(value: Value) -> PropertyValue:
    """Turn plain Python into a wire value."""
    if isinstance(value, Secret):
        return encode(value.value).with_secret(is_secret=True)
    if value is UNKNOWN:
        return PropertyValue(rpc.UNKNOWN)
    if isinstance(value, dict):
        return PropertyValue({key: encode(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return PropertyValue([encode(item) for item in value])
    if isinstance(value, int) and not isinstance(value, bool):
        return PropertyValue(float(value))
    return PropertyValue(value)


def encode_map(values: Properties) -> dict[str, PropertyValue]:
    """Turn plain properties into those of an answer."""
    return {key: encode(item) for key, item in values.items()}


def reveal(value: Value) -> Value:
    """Take every secret wrapper off, at any depth."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, dict):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item) for item in value]
    return value


def has_unknown(value: Value) -> bool:
    """Say whether any part of a value is unknown."""
    if isinstance(value, Secret):
        return has_unknown(value.value)
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return value is UNKNOWN


def has_secret(value: Value) -> bool:
    """Say whether any part of a value is a secret."""
    if isinstance(value, Secret):
        return True
    if isinstance(value, dict):
        return any(has_secret(item) for item in value.values())
    return isinstance(value, list) and any(has_secret(item) for item in value)


def same(old: Value, new: Value) -> bool:
    """Compare as providers do: secretness and the kind of an asset are no difference, unknown is always one."""
    old, new = reveal(old), reveal(new)
    if has_unknown(old) or has_unknown(new):
        return False
    if isinstance(old, pulumi.Asset) and isinstance(new, pulumi.Asset):
        return asset_bytes(old) == asset_bytes(new)
    return bool(old == new) and isinstance(old, bool) == isinstance(new, bool)


def asset_bytes(asset: pulumi.Asset) -> bytes:
    """Read what a file or text asset holds."""
    if isinstance(asset, pulumi.FileAsset):
        with open(asset.path, "rb") as file:  # noqa: PTH123 - the SDK's path may be any path-like
            return file.read()
    if isinstance(asset, pulumi.StringAsset):
        return str(asset.text).encode()
    raise TypeError(f"{type(asset).__name__}: only file and text assets can be read; write the text into the program")

"""What the real plugins did, row by row, and how a double is asked the same: check, foretell, fill unknowns, diff."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi.provider.experimental import provider as sdk

from sim.plugins.server import Refused
from sim.plugins.values import UNKNOWN, Properties, decode_map, encode_map

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.plugins.base import Double

FOLDER = Path(__file__).parents[2] / "data" / "providers"
SEED = bytes.fromhex("1d33abe1" + "00" * 28)
SPELLED_UNKNOWN = ("<unknown>", "04da6b54-80e4-46f7-96ec-b56ff0331ba9")


def facts(plugin: str) -> dict[str, Any]:
    """Read one plugin's observations."""
    read: dict[str, Any] = json.loads((FOLDER / f"{plugin}.json").read_text())
    return read


def urn(token: str) -> str:
    return f"urn:pulumi:s::p::nixfleet:index:Host${token}::x"


@dataclass(frozen=True)
class Checked:
    """Answer of a check; a gRPC error is one failure that starts with `rpc: `."""

    inputs: Properties
    failures: list[str]


def check(double: Double, token: str, inputs: Properties, olds: Properties | None = None) -> Checked:
    request = sdk.CheckRequest(urn(token), encode_map(olds or {}), encode_map(inputs), SEED)
    try:
        answer = asyncio.run(double.check(request))
    except Refused as error:
        return Checked({}, [f"rpc: {error}"])
    return Checked(decode_map(answer.inputs or {}), sorted(failure.reason for failure in answer.failures or []))


def foretold(double: Double, token: str, inputs: Properties, fill: Properties) -> Properties:
    """Preview a create, with every unknown output replaced by what `fill` says, or by a dummy."""
    answer = asyncio.run(double.create(sdk.CreateRequest(urn(token), encode_map(inputs), 0, preview=True)))
    state = decode_map(answer.properties)
    return {key: fill.get(key, "dummy") if item is UNKNOWN else item for key, item in state.items()}


def diff(double: Double, token: str, state: Properties, inputs: Properties) -> sdk.DiffResponse:
    request = sdk.DiffRequest(urn(token), "id", encode_map(state), encode_map(inputs), [])
    return asyncio.run(double.diff(request))


def kind_of(answer: sdk.DiffResponse) -> str:
    """Name a difference as the facts do."""
    if not answer.changes:
        return "none"
    if not answer.replaces:
        return "update"
    return "replace(deleteBeforeReplace)" if answer.delete_before_replace else "replace"


def changed(base: Properties, changes: Properties) -> Properties:
    """Apply changes to a copy; None removes."""
    return {key: item for key, item in (base | changes).items() if item is not None}


def spelled(value: Any) -> Any:
    """Read the facts' short forms: unknowns and texts of a given length."""
    if isinstance(value, dict):
        return {key: spelled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [spelled(item) for item in value]
    if value in SPELLED_UNKNOWN:
        return UNKNOWN
    if isinstance(value, str) and value.startswith("<") and value.endswith(" chars>"):
        return "x" * int(value[1:].split()[0])
    return value


def plain(value: Any) -> Any:
    """Drop what the bridge notes for itself, and show unknowns as text."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key != "__defaults"}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return "<unknown>" if value is UNKNOWN or value in SPELLED_UNKNOWN else value


Row = tuple[str, str, str, Any]
"""Token, variant of the base, what was done, what was seen."""


def diff_rows(resources: dict[str, Any], tokens: Callable[[str], bool]) -> list[Row]:
    return [
        (token, variant, action, seen)
        for token, resource in resources.items()
        if tokens(token)
        for variant, rows in resource["diff"].items()
        for action, seen in rows.items()
    ]


def seen_kind(seen: Any) -> str:
    return str(seen["kind"] if isinstance(seen, dict) else seen)

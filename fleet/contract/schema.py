"""The JSON Schema of a whole stack file, for editors: `config` with the fleet and the identities in it.

The laws between fields are no part of it; `python -m fleet check` holds a file to them.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import models_json_schema

from fleet.keys.identities import Identities
from fleet.keys.pairs import CLUSTER_KEY, HOST_KEY_PREFIX
from fleet.settings import Fleet

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _closed(part: object) -> object:
    """Mappings by pattern take no other keys: the models do not either, and pydantic does not write it down."""
    if isinstance(part, list):
        return [_closed(inner) for inner in part]
    if not isinstance(part, dict):
        return part
    closed = {key: _closed(inner) for key, inner in part.items()}
    return closed | {"additionalProperties": False} if "patternProperties" in part else closed


def schema() -> dict[str, Any]:
    """The schema as plain data; knows every kind of host that is registered when it is called."""
    _, definitions = models_json_schema([(Fleet, "validation"), (Identities, "validation")], by_alias=True)
    secret = {"type": "object", "properties": {"secure": {"type": "string"}}, "required": ["secure"]}
    config = {
        "type": "object",
        "required": ["nixfleet:fleet"],
        "properties": {
            "nixfleet:fleet": {"$ref": "#/$defs/Fleet"},
            "nixfleet:identities": {"$ref": "#/$defs/Identities"},
            CLUSTER_KEY: secret,
        },
        "patternProperties": {f"^{HOST_KEY_PREFIX}": secret},
    }
    return {
        "$schema": _DIALECT,
        "title": "Stack file",
        "description": "Pulumi.<stack>.yaml: the fleet and its public keys, beside the engine's own configuration.",
        "type": "object",
        "required": ["config"],
        "properties": {"config": config},
        "$defs": _closed(definitions["$defs"]),
    }


def render_schema() -> str:
    """The schema's bytes, the same on every machine."""
    return json.dumps(schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"

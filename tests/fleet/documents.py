"""Documents for the tests of the language: lawful bases, and one change of them."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from fleet.profiles import load_profiles
from fleet.stackfile import ROOT
from fleet.yamltext import parse

HERE = Path(__file__).parent
_FLAT = {"name": "lab-flat", "storage": None}
COMMITTED = load_profiles(ROOT)
PROFILES = COMMITTED | {"lab-flat": COMMITTED["lab-trunk"].model_copy(update=_FLAT)}
"""The committed profiles, and one of the lab without a storage network."""


def table(name: str) -> Any:
    return parse((HERE / name).read_text(encoding="utf-8"))


_BASES = table("bases.yaml")


def base(name: str) -> Any:
    # What YAML's anchors share would be changed in all places at once.
    return json.loads(json.dumps(_BASES[name]))


def _parent(document: Any, path: str) -> tuple[Any, str]:
    *parents, last = path.split("/")
    for part in parents:
        document = document.setdefault(part, {})
    return document, last


def changed(case: dict[str, Any], document: Any) -> Any:
    """The document after the removals and settings of `case`, whose paths are joined by slashes."""
    for path in case.get("remove", []):
        parent, last = _parent(document, path)
        del parent[last]
    for path, value in case.get("set", {}).items():
        if not path:
            return value
        parent, last = _parent(document, path)
        parent[last] = copy.deepcopy(value)
    return document

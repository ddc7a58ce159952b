"""What Hetzner Cloud sells, read from `sim/plugins/data/hcloud.json` (crawled from the vendor's API, 2026-01)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from sim.plugins.server import Refused

FILE = Path(__file__).parents[1] / "data" / "hcloud.json"


@cache
def catalog() -> dict[str, Any]:
    """Read the catalogue once."""
    read: dict[str, Any] = json.loads(FILE.read_text())
    return read


def server_type(name: str) -> dict[str, Any]:
    """Return a type that can be ordered, or refuse."""
    found: dict[str, Any] | None = catalog()["serverTypes"].get(name)
    if found is None:
        raise refusal(f"server type {name} not found", "not_found")
    if not found["orderable"]:
        raise refusal(f"server type {name} is deprecated", "invalid_input")
    return found


def location(name: str, arch: str) -> str:
    """Return a location's network zone, or refuse; arm64 servers stand in some locations only."""
    zones: dict[str, str] = catalog()["locations"]
    if name not in zones:
        raise refusal(f"location {name} not found", "not_found")
    if arch == "arm64" and name not in catalog()["armLocations"]:
        raise refusal(f"unsupported location for server type: {arch} in {name}", "invalid_input")
    return zones[name]


def image(name: str | None) -> str:
    """Return a known image's name, or refuse."""
    if name not in catalog()["images"]:
        raise refusal(f"image {name} not found", "not_found")
    return str(name)


def refusal(message: str, code: str) -> Refused:
    """Make an error of the cloud's API: text and code."""
    return Refused(f"{message} ({code})")

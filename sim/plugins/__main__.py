"""Run one double as a plugin: `python -m sim.plugins NAME VERSION ENGINE_ADDRESS`. Only what it needs is imported."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from sim.plugins.server import EngineLog, serve
from sim.world import World

if TYPE_CHECKING:
    from sim.plugins.base import Double

CLASSES = {"command": "Command", "hcloud": "Hcloud", "kubernetes": "Kubernetes", "ovh": "Ovh"}
"""Plugin to its class in the package of the same name."""


def double(name: str, world: World, log: EngineLog) -> Double:
    """Make the double of the named plugin."""
    made: Double = getattr(importlib.import_module(f"sim.plugins.{name}"), CLASSES[name])(world, log)
    return made


def main(argv: list[str]) -> None:
    """Serve the double named by the first argument to the engine whose address follows; the version is the third."""
    if len(argv) < 3 or argv[0] not in CLASSES:  # noqa: PLR2004 - plugin, version, engine
        sys.exit(f"sim.plugins: {argv}: wanted NAME VERSION ENGINE_ADDRESS with NAME one of {', '.join(CLASSES)}")
    name, version, engine = argv[:3]
    serve(double(name, World.from_environment(), EngineLog(engine)), version, engine)


if __name__ == "__main__":
    main(sys.argv[1:])

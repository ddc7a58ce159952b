"""Put launchers of the doubles where an engine looks for plugins: a folder each, named with the exact version."""

from __future__ import annotations

import importlib.util
import json
import shlex
from pathlib import Path

from sim.launch import forked

PLUGINS = ("command", "hcloud", "kubernetes", "ovh")

REPOSITORY = Path(__file__).resolve().parents[2]


def version(plugin: str) -> str:
    """Return the version that the installed SDK asks its engine for."""
    spec = importlib.util.find_spec(f"pulumi_{plugin}")
    if spec is None or spec.origin is None:
        raise LookupError(f"pulumi_{plugin} is not installed: its plugin has no version; install requirements.lock")
    return str(json.loads((Path(spec.origin).parent / "pulumi-plugin.json").read_text())["version"])


def install(plugins_dir: Path, python: Path) -> None:
    """Write a launcher for every double.

    Args:
        plugins_dir: `$PULUMI_HOME/plugins`.
        python: the interpreter whose environment holds the SDKs.
    """
    for plugin in PLUGINS:
        number = version(plugin)
        launcher = plugins_dir / f"resource-{plugin}-v{number}" / f"pulumi-resource-{plugin}"
        launcher.parent.mkdir(parents=True, exist_ok=True)
        launcher.write_text(_launcher(plugin, number, python))
        launcher.chmod(0o755)


def _launcher(plugin: str, number: str, python: Path) -> str:
    """Compose the launcher; the caller's working directory stays, as commands run in it."""
    return (
        "#!/bin/sh\n"
        f"PYTHONPATH={shlex.quote(str(REPOSITORY))}${{PYTHONPATH:+:$PYTHONPATH}}; export PYTHONPATH\n"
        f'exec {shlex.join(forked(python))} -m sim.plugins {plugin} {number} "$@"\n'
    )

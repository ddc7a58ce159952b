"""What all doubles of tools share: steps that a fault can hit, ssh, and how they end."""

from __future__ import annotations

import base64
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, NoReturn

from sim.tools.flake import EvaluationError
from sim.world import SLOW_SECONDS, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sim.tools.flake import System


class ToolError(Exception):
    """A tool's own failure with the exit status that the real one has."""

    def __init__(self, message: str, status: int = 1) -> None:
        """A message for the user and the exit status."""
        super().__init__(message)
        self.status = status


def step(host: str, name: str) -> None:
    """Begin a step of a tool: note it, and let a fault happen. A tool has no connection, so `disconnect` fails too.

    When the machine loses its power, the tool goes on and meets what is left.
    """
    world = World.from_environment()
    world.record(host, name)
    fault = world.fault(host, name)
    if fault == "hang":
        signal.pause()
    if fault == "slow":
        time.sleep(SLOW_SECONDS)
    elif fault in ("reboot", "power"):
        from sim.machines.rack import Rack  # noqa: PLC0415 - its imports would double the time of each of these tools

        rack = Rack(world)
        machine = rack.by_name(host)
        if machine is not None and fault == "reboot":
            rack.reboot(machine.spec.id)
        elif machine is not None:
            rack.power(machine.spec.id, on=False)
    elif fault:
        raise ToolError(f"{name}: simulated fault")


def say(text: str) -> None:
    """Tell the user how it goes, as the real tools do: on stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def ssh(options: list[str], target: str, *command: str, data: bytes | None = None) -> str:
    """Run a command over ssh; its output. Raises ToolError with ssh's own status."""
    ended = subprocess.run(
        ["ssh", *options, target, "--", *command],
        input=data,
        stdin=subprocess.DEVNULL if data is None else None,
        stdout=subprocess.PIPE,
        check=False,
    )
    if ended.returncode != 0:
        raise ToolError(f"ssh {target} {shlex.join(command)[:120]}: exit status {ended.returncode}", ended.returncode)
    return ended.stdout.decode(errors="replace")


def build(system: System) -> None:
    """Put a system into the local store, as a build does."""
    host = system.document["host"]
    world = World.from_environment()
    path = world.root / system.path.lstrip("/")
    if path.exists():
        return
    step(host, "nix build")
    path.mkdir(parents=True, exist_ok=True)
    (path / "closure.json").write_text(json.dumps(system.document, indent=1, sort_keys=True))


def copy(options: list[str], target: str, root: str, path: str, *, sudo: bool = False) -> None:
    """Copy a system from the local store into a machine's, `root` being `/` or `/mnt`."""
    source = World.from_environment().root / path.lstrip("/") / "closure.json"
    if not source.exists():
        raise ToolError(f"error: path '{path}' is not valid")
    document = base64.b64encode(source.read_bytes()).decode()
    ssh(options, target, *(["sudo"] if sudo else []), "sim-receive", root, path, document)


def run(main: Callable[[list[str]], None]) -> NoReturn:
    """Run a tool's main function; an error is one message and the real tool's status."""
    try:
        main(sys.argv[1:])
    except ToolError as error:
        say(str(error))
        sys.exit(error.status)
    except (EvaluationError, LookupError) as error:
        say(str(error.args[0]))
        sys.exit(1)
    sys.exit(0)


def environment_options(name: str) -> list[str]:
    """Options from an environment variable such as NIX_SSHOPTS."""
    return shlex.split(os.environ.get(name, ""))


def end_shared(folder: Path) -> None:
    """End the shared connections whose sockets lie in a folder."""
    for path in folder.iterdir():
        subprocess.run(["ssh", "-o", f"ControlPath={path}", "-O", "exit", "any"], capture_output=True, check=False)


def public_half(key: Path) -> str:
    """The public line of a private key."""
    ended = subprocess.run(["ssh-keygen", "-y", "-f", str(key)], capture_output=True, check=False, text=True)
    if ended.returncode != 0:
        raise ToolError(f"ssh-keygen: {ended.stderr.strip()}")
    return ended.stdout.strip()

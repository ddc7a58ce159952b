"""Kills a process of a run after so many events in its world, and looks after what is left of the run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from operate.engine import ROOT
from operate.messages import OperateError
from sim.session import drop_stale_locks

if TYPE_CHECKING:
    from sim.site import Site

Target = Literal["engine", "program", "plugin", "command"]
TARGETS: tuple[Target, ...] = get_args(Target)

LOOK_SECONDS = 0.02
"""Between two looks at the world's log: there is no event for a process that was started."""

LEFT_SECONDS = 90
"""For everything that a killed run started to have ended: ssh keeps a shared connection for 60 s."""


REAPED_SECONDS = 20
"""For the system to forget a process that has ended."""


@dataclass(frozen=True, kw_only=True)
class Kill:
    """Which process is killed, and when."""

    target: Target
    events: int
    """So many events in the world's log after the run began."""

    def __str__(self) -> str:
        """For people."""
        return f"{self.target} after {self.events} events"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run ended."""

    ok: bool
    errors: tuple[str, ...]
    shown: tuple[str, ...]
    killed: int
    """The process that was killed; 0: the run ended before."""


def _environment(pid: str) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes()
    return b""


def processes(made: Site) -> dict[int, str]:
    """Processes of a site's runs, with their command lines; its machines are not among them."""
    mark, found = f"NIXFLEET_SIM={made.stage.world.root}\0".encode(), {}
    for path in Path("/proc").glob("[0-9]*"):
        if mark in _environment(path.name):
            with suppress(OSError):
                found[int(path.name)] = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return found


def kind_of(command: str) -> Target | None:
    """What a process of a run is, by its command line."""
    words = command.split()
    if "tests.faults.once" in words:
        return "program"
    if "hostops" in words:
        return "command"
    if "sim.plugins" in words:
        return "plugin"
    return "engine" if words and Path(words[0]).name == "pulumi" else None


def run(made: Site, kill: Kill | None = None) -> Ended:
    """Bring a powered site up in a process of its own, and kill something on the way."""
    place = made.stage.place
    asked = {"stack": place.stack, "folder": str(place.folder), "environment": dict(place.environment), "verb": "up"}
    variables = {**os.environ, "NIXFLEET_SIM": str(made.stage.world.root)}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.once"],
        cwd=ROOT,
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    hit: list[int] = []
    watcher = threading.Thread(target=_watch, args=(made, kill, process, hit), daemon=True)
    if kill:
        watcher.start()
    out, _ = process.communicate(json.dumps(asked))
    if kill:
        watcher.join()
    answer = json.loads(out.splitlines()[-1]) if out.strip().startswith("{") else {}
    return Ended(
        ok=bool(answer.get("ok")) and process.returncode == 0,
        errors=tuple(answer.get("errors", ())),
        shown=tuple(answer.get("shown", ())),
        killed=hit[0] if hit else 0,
    )


def _watch(made: Site, kill: Kill, process: subprocess.Popen[str], hit: list[int]) -> None:
    """Wait for the moment; then kill the first process of that kind that there is."""
    log = made.stage.world.root / "events.jsonl"
    begun = log.read_bytes().count(b"\n") if log.exists() else 0
    while process.poll() is None:
        if log.exists() and log.read_bytes().count(b"\n") - begun >= kill.events:
            for pid, command in sorted(processes(made).items()):
                if kind_of(command) == kill.target:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        hit.append(pid)
                        return
        time.sleep(LOOK_SECONDS)


def unlock(made: Site) -> None:
    """Remove the lock of an engine that was killed; one that has ended may not have been reaped yet."""
    deadline = time.monotonic() + REAPED_SECONDS
    while True:
        try:
            drop_stale_locks(made.stage.base / "state")
        except OperateError:
            if time.monotonic() > deadline:
                raise
        else:
            return
        time.sleep(LOOK_SECONDS * 10)


def left_behind(made: Site) -> dict[int, str]:
    """Processes of the run that still live when they should have ended; ends them."""
    deadline = time.monotonic() + LEFT_SECONDS
    while (found := processes(made)) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS * 10)
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return found

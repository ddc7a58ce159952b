"""One command on a simulated world: it is alone there, and the machines run as long as it does."""

from __future__ import annotations

import fcntl
import json
import os
import selectors
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from operate.engine import ROOT
from operate.messages import OperateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READY_SECONDS = 30.0
"""How long the machines may take to be on the network."""

END_SECONDS = 10.0


@contextmanager
def alone(base: Path) -> Iterator[None]:
    """Hold the world's lock; raises OperateError while another command holds it.

    The lock ends with its holder, however that ends.
    """
    base.mkdir(parents=True, exist_ok=True)
    with (base / "lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            holder = handle.read().strip() or "unknown"
            raise OperateError(
                f"another command works on the simulated fleet in {base} (process {holder}): wait until it has ended"
            ) from None
        handle.truncate(0)
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        yield


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def drop_stale_locks(state: Path) -> None:
    """Remove the locks of engines that were killed; raises OperateError for one that still runs.

    Call it holding `alone`.
    """
    for path in sorted((state / ".pulumi" / "locks").rglob("*.json")):
        pid = int(json.loads(path.read_bytes()).get("pid", 0))
        if pid and _alive(pid):
            raise OperateError(
                f"an engine of an earlier, killed command still works on this fleet (process {pid}): wait "
                f"until it has ended, or end it with `kill {pid}`"
            )
        path.unlink(missing_ok=True)


def _first_line(process: subprocess.Popen[str], log: Path) -> str:
    with selectors.DefaultSelector() as selector:
        assert process.stdout is not None  # noqa: S101  it was asked for
        selector.register(process.stdout, selectors.EVENT_READ)
        line = process.stdout.readline() if selector.select(READY_SECONDS) else ""
    if not line:
        process.kill()
        said = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
        raise OperateError(
            f"the simulated machines did not start within {READY_SECONDS:.0f} s; their log {log} ends with:\n{said}"
        )
    return line


@contextmanager
def machines(world: Path, log: Path) -> Iterator[None]:
    """Run the machines' daemon while the block lasts."""
    world.mkdir(parents=True, exist_ok=True)
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "sim.machines.daemon", "--world", str(world), "--attached"],
            # The daemon ends when this pipe does, so it cannot outlive a killed command.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        )
    try:
        _first_line(process, log)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()

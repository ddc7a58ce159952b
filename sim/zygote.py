"""A process that has imported what programs here need, and forks each of them: imports take longer than most run.

launch.py is what stands where such a program is started: plugins by an engine, hostops and tools by a plugin.
"""

from __future__ import annotations

import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import traceback
from contextlib import contextmanager, suppress
from multiprocessing import parent_process
from typing import TYPE_CHECKING, Any, NoReturn

from sim.apart import PROCESSES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

STREAMS = 3
WAITING = 64
"""Programs that may wait for their turn; each takes milliseconds."""

SIGNALLED = 128
"""A shell's status for a program that a signal ended begins here."""


@contextmanager
def zygote(address: Path) -> Iterator[None]:
    """Have programs forked for whoever connects to that address, while the block lasts."""
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_serve, args=(str(address), theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        ours.recv()
        yield
    finally:
        ours.close()
        process.terminate()
        process.join()
        address.unlink(missing_ok=True)


def _serve(address: str, ready: Connection) -> None:
    # A terminal's interrupt is for the engine, which lets its plugins finish.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    # One of a run that was killed; whoever begins here has the place for himself.
    with suppress(FileNotFoundError):
        os.unlink(address)  # noqa: PTH108 - a string, as bind() wants it
    listener.bind(address)
    listener.listen(WAITING)
    ready.send(True)  # noqa: FBT003 - any word will do
    ready.close()
    starter = parent_process()
    assert starter is not None  # noqa: S101 - for the type checker: this is no main process
    running: dict[int, tuple[int, socket.socket]] = {}
    while True:
        found = select.select([listener.fileno(), starter.sentinel, *running], [], [])[0]
        if starter.sentinel in found:
            return
        for ended in set(found) & set(running):
            _tell_end(ended, *running.pop(ended))
        if listener.fileno() in found:
            connection, _ = listener.accept()
            child = os.fork()
            if child == 0:
                listener.close()
                for handle, (_, other) in running.items():
                    os.close(handle)
                    other.close()
                _become(connection)
            running[os.pidfd_open(child)] = child, connection


def _tell_end(handle: int, child: int, connection: socket.socket) -> None:
    os.close(handle)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with suppress(OSError), connection:
        connection.send(bytes([code if code >= 0 else SIGNALLED - code]))


def _become(connection: socket.socket) -> NoReturn:
    """Be the program that the launcher at the other end of the connection wants."""
    code = 1
    try:
        wish = _taken(connection)
        # As with an engine's own plugins: what a program starts is in its group.
        os.setsid()
        threading.Thread(target=_obey, args=(connection,), daemon=True).start()
        os.environ.clear()
        os.environ.update(wish["environment"])
        os.chdir(wish["folder"])
        sys.argv = wish["argv"]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = _code(end.code)
    except BaseException:  # noqa: BLE001 - it ends here whatever happened
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _code(said: object) -> int:
    """The exit code of sys.exit(said)."""
    if said is None or isinstance(said, int):
        return (said or 0) & 0xFF
    sys.stderr.write(f"{said}\n")
    return 1


def _taken(connection: socket.socket) -> dict[str, Any]:
    """Take over the launcher's streams; what it wants."""
    _, streams, _, _ = socket.recv_fds(connection, 1, STREAMS)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    # A process of multiprocessing has another one.
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - a descriptor, for as long as the program lasts
    with connection.makefile("rb") as words:
        wish: dict[str, Any] = json.loads(words.readline())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    return wish


def _obey(connection: socket.socket) -> None:
    """Hand on what the launcher is signalled; without a launcher nobody knows the program any more."""
    while word := connection.recv(1):
        os.killpg(0, word[0])
    os._exit(1)

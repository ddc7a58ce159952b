"""A process that has imported all doubles, and forks each plugin that an engine starts: an import takes a second.

launch.py is what the engine starts.
"""

from __future__ import annotations

import json
import os
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
from sim.plugins.__main__ import main as plugin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

STREAMS = 3
WAITING = 16
"""Plugins that may wait for their turn; each takes milliseconds."""


@contextmanager
def zygote(address: Path) -> Iterator[None]:
    """Have plugins forked for whoever connects to that address, while the block lasts."""
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
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(WAITING)
    ready.send(True)  # noqa: FBT003 - any word will do
    ready.close()
    starter = parent_process()
    assert starter is not None  # noqa: S101 - for the type checker: this is no main process
    watched = [listener.fileno(), starter.sentinel]
    while starter.sentinel not in select.select(watched, [], [])[0]:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _become(connection)
        connection.close()
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _become(connection: socket.socket) -> NoReturn:
    """Be the plugin that the launcher at the other end of the connection wants."""
    code = 1
    try:
        wish = _taken(connection)
        # As in the engine's own plugins: what a plugin starts is in its group.
        os.setsid()
        threading.Thread(target=_obey, args=(connection,), daemon=True).start()
        os.environ.clear()
        os.environ.update(wish["environment"])
        os.chdir(wish["folder"])
        plugin(wish["argv"])
        code = 0
    except SystemExit as end:
        sys.stderr.write(f"{end.code}\n")
    except BaseException:  # noqa: BLE001 - it ends here whatever happened
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        with suppress(OSError):
            connection.send(bytes([code]))
        os._exit(code)


def _taken(connection: socket.socket) -> dict[str, Any]:
    """Take over the launcher's streams; what it wants."""
    _, streams, _, _ = socket.recv_fds(connection, 1, STREAMS)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    with connection.makefile("rb") as words:
        wish: dict[str, Any] = json.loads(words.readline())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    return wish


def _obey(connection: socket.socket) -> None:
    """Hand on what the launcher is signalled; without a launcher nobody knows the plugin any more."""
    while word := connection.recv(1):
        os.killpg(0, word[0])
    os._exit(1)

"""`python`, for programs of this repository: what it runs is a fork of a process that has imported everything already.

It is started without `site` and imports next to nothing. Whoever ends it ends the program, and what it is signalled the
program's group is. Where no zygote answers (zygote.py), it becomes the program by itself.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys

ADDRESS = "NIXFLEET_ZYGOTE"
"""Names the socket of the zygote."""

LOOK_SECONDS = 1.0
"""How often it looks whether whoever started it is still there."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def forked(python: object = sys.executable) -> tuple[str, ...]:
    """The words that take the place of that interpreter."""
    return (str(python), "-P", "-S", "-s", os.path.abspath(__file__))  # noqa: PTH100 - pathlib costs


def _connection() -> socket.socket | None:
    address = os.environ.get(ADDRESS)
    if not address or sys.argv[1:2] != ["-m"]:
        return None
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(address)
    except OSError:
        connection.close()
        return None
    return connection


def _follow(connection: socket.socket) -> int:
    """Wait for the program's end, or for that of whoever started this; its exit code."""
    starter = os.getppid()
    connection.settimeout(LOOK_SECONDS)
    while os.getppid() == starter:
        try:
            code = connection.recv(1)
        except TimeoutError:
            continue
        return code[0] if code else 1
    return 1


def main() -> int:
    """Have the program forked, and follow it to its end."""
    connection = _connection()
    if connection is None:
        os.execv(sys.executable, [sys.executable, *sys.argv[1:]])  # noqa: S606 - no shell is wanted
    for number in SIGNALS:
        signal.signal(number, lambda number, _: connection.send(bytes([number])))
    wish = {"argv": sys.argv[2:], "environment": dict(os.environ), "folder": os.getcwd()}  # noqa: PTH109 - pathlib costs
    socket.send_fds(connection, [b"!"], [0, 1, 2])
    connection.sendall(json.dumps(wish).encode() + b"\n")
    return _follow(connection)


if __name__ == "__main__":
    sys.exit(main())

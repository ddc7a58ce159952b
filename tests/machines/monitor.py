"""The two ways into a machine that need no network: QEMU's own protocol, and the channel to the guest's driver."""

from __future__ import annotations

import base64
import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

CONNECT_SECONDS = 60
"""For a QEMU that was started to connect to its sockets."""


class Gone(Exception):  # noqa: N818 - a machine that ends is what many tests want
    """The other end is gone: the machine has lost its power."""


class Listener:
    """A socket that QEMU connects to, so that nobody has to wait for a file to appear."""

    def __init__(self, path: Path) -> None:
        """Listen at `path`."""
        path.unlink(missing_ok=True)
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen(1)
        self._socket.settimeout(CONNECT_SECONDS)

    def accept(self) -> socket.socket:
        """The connection of a QEMU; raises TimeoutError where none came."""
        connection, _ = self._socket.accept()
        self._socket.close()
        connection.settimeout(None)
        return connection


class Monitor:
    """QEMU's machine protocol."""

    def __init__(self, connection: socket.socket) -> None:
        """Agree on the protocol's version, as it asks for."""
        self._connection = connection
        self._stream = connection.makefile("rw")
        self._events: list[dict[str, Any]] = []
        self._read()
        self.do("qmp_capabilities")

    def do(self, command: str, **arguments: object) -> Any:  # what comes back is the command's own JSON
        """Run a command; raises RuntimeError with QEMU's own words."""
        request = {
            "execute": command,
            "arguments": {name.replace("_", "-"): value for name, value in arguments.items()},
        }
        self._stream.write(f"{json.dumps(request)}\n")
        self._stream.flush()
        while True:
            message = self._read()
            if "event" in message:
                self._events.append(message)
            elif "error" in message:
                raise RuntimeError(f"{command} {arguments}: {message['error']['desc']}")
            else:
                return message["return"]

    def hmp(self, line: str) -> str:
        """Run a line of the monitor for people."""
        said = self.do("human-monitor-command", command_line=line)
        return str(said)

    def wait_for(self, name: str, **data: object) -> dict[str, Any]:
        """The next event of that name with these data, of those that nobody took yet."""
        while True:
            for event in self._events:
                if event["event"] == name and data.items() <= event.get("data", {}).items():
                    self._events.remove(event)
                    return event
            message = self._read()
            if "event" in message:
                self._events.append(message)

    def forget_events(self) -> None:
        """Let the events go that have come so far."""
        self.do("query-status")
        self._events.clear()

    def _read(self) -> dict[str, Any]:
        line = self._stream.readline()
        if not line:
            raise Gone
        message: dict[str, Any] = json.loads(line)
        return message

    def close(self) -> None:
        """Hang up."""
        self._stream.close()
        self._connection.close()


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a script on a machine said."""

    status: int
    text: str
    """Output and errors."""


class Channel:
    """Scripts for the guest's own driver (image/tree/usr/lib/fleet/driver): they wait until the guest is up."""

    def __init__(self, connection: socket.socket) -> None:
        """Number scripts from a new start, so that an answer from before a boot is known as such."""
        self._connection = connection
        self._stream = connection.makefile("rw")
        self._number = 0

    def run(self, script: str) -> Said:
        """Run a script to its end; raises Gone when the machine ends before."""
        self._number += 1
        self._stream.write(f"{self._number} {base64.b64encode(script.encode()).decode()}\n")
        self._stream.flush()
        while True:
            line = self._stream.readline()
            if not line:
                raise Gone
            number, status, text = (*line.rstrip("\n").split(" "), "")[:3]
            if number == str(self._number):
                return Said(status=int(status), text=base64.b64decode(text).decode(errors="replace"))

    def close(self) -> None:
        """Hang up."""
        self._stream.close()
        self._connection.close()

"""The two ways into a machine that need no network: QEMU's own protocol, and the channel to the guest's driver."""

from __future__ import annotations

import base64
import json
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

CONNECT_SECONDS = 60
"""For a QEMU that was started to connect to its sockets."""

SILENCE_SECONDS = 900
"""A machine that says nothing for so long hangs: it fails its test, and holds up no others."""


class Gone(Exception):  # noqa: N818 - a machine that ends is what many tests want
    """The other end is gone: the machine has lost its power."""


class Silent(Exception):  # noqa: N818 - as above
    """The other end has said nothing for SILENCE_SECONDS."""


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
        connection.settimeout(SILENCE_SECONDS)
        return connection


class _Stream:
    """Lines to and from the other end."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._file = connection, connection.makefile("rw")

    def write(self, line: str) -> None:
        try:
            self._file.write(f"{line}\n")
            self._file.flush()
        except OSError:
            raise Gone from None

    def read(self) -> str:
        try:
            line = self._file.readline()
        except TimeoutError:
            raise Silent(f"it has said nothing for {SILENCE_SECONDS} s") from None
        except OSError:
            raise Gone from None
        if not line:
            raise Gone
        return line

    def close(self) -> None:
        with suppress(OSError):
            self._file.close()
        self._connection.close()


class Monitor:
    """QEMU's machine protocol."""

    def __init__(self, connection: socket.socket) -> None:
        """Agree on the protocol's version, as it asks for."""
        self._stream = _Stream(connection)
        self._events: list[dict[str, Any]] = []
        self._read()
        self.do("qmp_capabilities")

    def do(self, command: str, **arguments: object) -> Any:  # what comes back is the command's own JSON
        """Run a command; raises RuntimeError with QEMU's own words."""
        request = {
            "execute": command,
            "arguments": {name.replace("_", "-"): value for name, value in arguments.items()},
        }
        self._stream.write(json.dumps(request))
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
        message: dict[str, Any] = json.loads(self._stream.read())
        return message

    def close(self) -> None:
        """Hang up."""
        self._stream.close()


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
        self._stream = _Stream(connection)
        self._number = 0

    def run(self, script: str) -> Said:
        """Run a script to its end; raises Gone when the machine ends before."""
        self._number += 1
        self._stream.write(f"{self._number} {base64.b64encode(script.encode()).decode()}")
        while True:
            number, status, text = (*self._stream.read().rstrip("\n").split(" "), "")[:3]
            if number == str(self._number):
                return Said(status=int(status), text=base64.b64decode(text).decode(errors="replace"))

    def close(self) -> None:
        """Hang up."""
        self._stream.close()

"""The SSH server of one machine: a loopback port for life, open only while the machine is up."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import TYPE_CHECKING

import asyncssh

from sim.machines import hostkeys
from sim.machines.site import SH, Session, Streams

if TYPE_CHECKING:
    from pathlib import Path

    from sim.machines.owner import Owner

LOOPBACK = "127.0.0.1"
CHUNK = 65536


class Visitor(asyncssh.SSHServer):
    """One connection: who may come in is in the running system's own files."""

    def __init__(self, host: Owner, connections: set[asyncssh.SSHServerConnection]) -> None:
        """A visitor of that host, among those who are there."""
        self._host = host
        self._connections = connections
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Count the connection, and let a faulty one die."""
        self._connection = conn
        _acknowledge_at_once(conn)
        self._host.site.world.record(self._host.name, "ssh connect")
        self._connections.add(conn)
        if self._host.site.world.fault(self._host.name, "ssh connect"):
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncssh's signature
        """Forget the connection."""
        if self._connection is not None:
            self._connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - asyncssh's signature
        """Nobody comes in without a key."""
        return True

    def public_key_auth_supported(self) -> bool:
        """Keys are the only way in."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether this key opens that account on the system that runs."""
        offered = key.export_public_key().decode()
        return any(hostkeys.same_key(offered, line) for line in authorized_lines(self._host.root, username))


def _acknowledge_at_once(connection: asyncssh.SSHServerConnection) -> None:
    """Save 40 ms per connection: OpenSSH's client waits for an acknowledgement that Linux would delay."""
    receive, peer = connection.data_received, connection.get_extra_info("socket")

    def data_received(data: bytes, datatype: int | None = None) -> None:
        receive(data, datatype)
        with contextlib.suppress(OSError):
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    connection.data_received = data_received  # type: ignore[method-assign]  # asyncssh has no hook for this


def authorized_lines(root: Path, user: str) -> tuple[str, ...]:
    """The account's authorized keys, from the two places that sshd reads."""
    home = root / ("root" if user == "root" else f"home/{user}")
    files = (home / ".ssh/authorized_keys", root / "etc/ssh/authorized_keys.d" / user)
    lines = (line.strip() for file in files if file.exists() for line in file.read_text().splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


class Door:
    """Where a machine's SSH answers."""

    def __init__(self, host: Owner) -> None:
        """A closed door with a port."""
        self._host = host
        self._server: asyncssh.SSHAcceptor | None = None
        # Bound and never listening: it keeps the port for this machine while sshd is down, so that a client is
        # refused then and can never meet another machine there.
        self._keeper = _bound(0)
        self.port: int = self._keeper.getsockname()[1]
        self.connections: set[asyncssh.SSHServerConnection] = set()

    async def open(self, host_key: str) -> None:
        """Listen with this host key, without any connection of before."""
        self.drop_connections()
        await self.listen(host_key)

    async def listen(self, host_key: str) -> None:
        """Let new connections see this host key."""
        if self._server is not None:
            self._server.close()
        self._server = await asyncssh.listen(
            sock=_bound(self.port),
            server_factory=lambda: Visitor(self._host, self.connections),
            server_host_keys=[asyncssh.import_private_key(host_key)],
            process_factory=self._serve,
            encoding=None,
            agent_forwarding=False,
            gss_host=None,
            line_editor=False,
            x11_forwarding=False,
        )

    def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.drop_connections()

    def drop_connections(self) -> None:
        """Lose every connection, as when a network restarts."""
        for connection in tuple(self.connections):
            connection.abort()

    def dispose(self) -> None:
        """Give the port back."""
        self.close()
        self._keeper.close()

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        connection = process.get_extra_info("connection")
        user = str(process.get_extra_info("username"))
        command = process.command or "exec sh -s"
        self._host.site.world.record(self._host.name, "ssh exec", command.partition("\n")[0][:200])
        async with self._host.site.moving():
            await _run(self._host, process, command, Session(host=self._host, user=user, connection=connection))


def _bound(port: int) -> socket.socket:
    # With the protocol named, asyncio switches off the delay of small packets: 40 ms per connection.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((LOOPBACK, port))
    return bound


async def _run(host: Owner, process: asyncssh.SSHServerProcess[bytes], command: str, session: Session[Owner]) -> None:
    (out_end, out), (err_end, err) = os.pipe(), os.pipe()
    streams = Streams(stdin=asyncio.subprocess.PIPE, stdout=out, stderr=err)
    child = await host.spawn((SH, "-c", command), session, {}, streams)
    os.close(out)
    os.close(err)
    assert child.stdin is not None  # noqa: S101 - for the type checker: it was asked for
    feeding = asyncio.create_task(_feed(process.stdin, child.stdin))
    outputs = [
        asyncio.create_task(_drain(end, to)) for end, to in ((out_end, process.stdout), (err_end, process.stderr))
    ]
    status = await host.finished(child)
    await asyncio.gather(*outputs)
    feeding.cancel()
    with contextlib.suppress(asyncssh.Error, OSError):
        process.exit(status)
        await process.wait_closed()
    session.ended.set()


async def _feed(source: asyncssh.SSHReader[bytes], sink: asyncio.StreamWriter) -> None:
    """Pass the client's input on; its end, or the connection's, ends the process' input."""
    with contextlib.suppress(asyncssh.Error, OSError):
        while data := await source.read(CHUNK):
            sink.write(data)
            await sink.drain()
    sink.close()


async def _drain(end: int, sink: asyncssh.SSHWriter[bytes]) -> None:
    """Pass a process' output on; without a connection its pipe breaks, so it dies only if it writes."""
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(end, "rb"))
    with contextlib.suppress(asyncssh.Error, OSError):
        while data := await reader.read(CHUNK):
            sink.write(data)
            await sink.drain()
    transport.close()

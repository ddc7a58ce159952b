"""The daemon's own channel on loopback: commands of machines ask here, and so does the rack."""

from __future__ import annotations

import asyncio
import json
import secrets
import shlex
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

from sim.machines.commands import Call, Reply, answer
from sim.machines.commands.call import forever
from sim.world import SLOW_SECONDS

if TYPE_CHECKING:
    from sim.machines.host import Host
    from sim.machines.site import Session, Site
    from sim.world import FaultKind

Verb: TypeAlias = Callable[..., Awaitable[None]]
"""What the rack may ask for; its arguments come as JSON."""

GRACE_SECONDS = 2.0
"""How long a rebooting machine lets the command run on that asked for it."""

LONG_OUTPUT = 4096
"""Beyond this, output goes through a file: bash reads a socket byte by byte."""


class Control:
    """Answers requests: a count, then that many fields, each ended by a NUL."""

    def __init__(self, site: Site[Host], verbs: dict[str, Verb], reconcile: Callable[[str], Awaitable[None]]) -> None:
        """A channel for the rack's verbs and the commands of all hosts; closed until `open`."""
        self._site = site
        self._verbs = verbs
        self._reconcile = reconcile
        self._secret = secrets.token_hex(16)
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen, and say where in the world's document `daemon`."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._site.port = self._server.sockets[0].getsockname()[1]
        self._site.world.write("daemon", {"port": self._site.port, "secret": self._secret})

    def close(self) -> None:
        """Stop listening."""
        self._site.world.remove("daemon")
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            count = int(await reader.readline())
            fields = [(await reader.readuntil(b"\0"))[:-1].decode() for _ in range(count)]
            if fields[0] == self._secret:
                await self._obey(fields[1], json.loads(fields[2]), writer)
            elif session := self._site.sessions.get(fields[0]):
                await self._command(session, fields[1:], reader, writer)
        writer.close()

    async def _obey(self, verb: str, arguments: list[object], writer: asyncio.StreamWriter) -> None:
        document = {}
        try:
            await self._verbs[verb](*arguments)
        except (LookupError, OSError, ValueError) as error:
            document = {"error": f"simulator: {verb} {arguments}: {error}"}
        writer.write(json.dumps(document).encode())
        await writer.drain()

    async def _command(
        self, session: Session[Host], fields: list[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        host = session.host
        user, cwd, program, *argv = fields
        call = Call(host=host, user=user, cwd=cwd, program=program, argv=tuple(argv))
        fault = self._site.world.fault(host.name, " ".join((call.name, *argv)))
        if fault == "disconnect" and session.connection is not None:
            session.connection.abort()
        if fault in ("reboot", "power"):
            # Whoever asked is gone with the machine.
            await self._lose_power(session, back=fault == "reboot")
            return
        reply = await _while_wanted(_work(call, fault), reader)
        if reply is None:
            return
        writer.write(self._script(reply).encode() + b"\0")
        with suppress(OSError):
            await writer.drain()
        writer.close()
        if reply.reboots:
            await self._reboot(session)

    async def _lose_power(self, session: Session[Host], *, back: bool) -> None:
        """All at once, and nothing is written any more; `back`: it boots again."""
        async with self._site.moving():
            session.host.cut_power(back=back)
            await self._reconcile(session.host.id)

    async def _reboot(self, session: Session[Host]) -> None:
        """Go down when the command that asked has ended, as the real one returns before the machine stops."""
        async with self._site.moving():
            with suppress(TimeoutError):
                await asyncio.wait_for(session.ended.wait(), GRACE_SECONDS)
            session.host.request_boot()
            await self._reconcile(session.host.id)

    def _script(self, reply: Reply) -> str:
        """What the waiting shell evaluates."""
        lines = []
        if len(reply.out) > LONG_OUTPUT:
            path = self._site.world.root / f"output-{secrets.token_hex(8)}"
            path.write_text(reply.out)
            lines.append(f"cat {shlex.quote(str(path))}; rm -f {shlex.quote(str(path))}")
        elif reply.out:
            lines.append(f"printf %s {shlex.quote(reply.out)}")
        if reply.err:
            lines.append(f"printf %s {shlex.quote(reply.err)} >&2")
        return "\n".join([*lines, reply.then, f"exit {reply.status}"])


async def _work(call: Call, fault: FaultKind | None) -> Reply:
    if fault == "hang":
        await forever()
    if fault == "slow":
        await asyncio.sleep(SLOW_SECONDS)
    if fault in ("rate", "error"):
        return Reply(1, err=f"{call.name}: a fault of kind {fault} is for clouds; {call.host.name} is a machine\n")
    if fault == "fail":
        return Reply(1, err=f"{call.name}: simulated fault\n")
    return await answer(call)


async def _while_wanted(work: Coroutine[None, None, Reply], reader: asyncio.StreamReader) -> Reply | None:
    """Do the work unless its caller is killed before: then it stops too, as the real command would."""
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(reader.read(1))
    await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
    gone.cancel()
    if not task.done():
        task.cancel()
        return None
    return task.result()

"""What all parts of the daemon share: the world, the hosts, their sessions, and whether anything moves."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import asyncssh

    from sim.machines.kube import Kube
    from sim.world import World


H = TypeVar("H")
"""The machines: host.py's, which this module does not know."""

SH = "/bin/sh"
"""The shell of every simulated machine."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Session(Generic[H]):
    """On whose behalf a process of a host runs; its commands name it by a token."""

    host: H
    user: str
    connection: asyncssh.SSHServerConnection | None
    """The SSH connection that it hangs on; None for units."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when its process has ended and its client was told."""


@dataclass(frozen=True, kw_only=True)
class Streams:
    """Where a process' input and output go, as subprocess has it."""

    stdin: int
    stdout: int
    stderr: int


@dataclass(kw_only=True)
class Site(Generic[H]):
    """The daemon's parts."""

    world: World
    shims: Path
    """Folder with one folder of commands per system."""

    path: str
    """Where the machines' shells find this computer's own commands, after the simulated ones."""

    kube: Kube
    port: int = 0
    """Where commands ask the daemon."""

    hosts: dict[str, H] = field(default_factory=dict)
    sessions: dict[str, Session[H]] = field(default_factory=dict)
    _moving: int = 0
    _still: asyncio.Condition = field(default_factory=asyncio.Condition)

    def open_session(self, session: Session[H]) -> str:
        """Register a session; its token is what its processes are known by."""
        token = secrets.token_hex(16)
        self.sessions[token] = session
        return token

    @asynccontextmanager
    async def moving(self) -> AsyncIterator[None]:
        """While the block runs, something moves."""
        self._moving += 1
        try:
            yield
        finally:
            self._moving -= 1
            async with self._still:
                self._still.notify_all()

    async def settled(self) -> None:
        """Wait until nothing moves."""
        async with self._still:
            await self._still.wait_for(lambda: self._moving == 0)

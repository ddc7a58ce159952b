"""What a simulated command is given and what it answers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.machines.host import Host


@dataclass(frozen=True, kw_only=True)
class Call:
    """One run of a command on a machine."""

    host: Host
    user: str
    cwd: str
    program: str
    """How it was called, for example `/nix/store/...-nixos-system-a/bin/switch-to-configuration`."""

    argv: tuple[str, ...]

    @property
    def name(self) -> str:
        """The command's own name."""
        return PurePath(self.program).name

    @property
    def root(self) -> bool:
        """Whether it runs as root."""
        return self.user == "root"


@dataclass(frozen=True)
class Reply:
    """What a command prints and its exit status."""

    status: int = 0
    out: str = ""
    err: str = ""
    reboots: bool = False
    """The machine goes down when the asking command has ended."""

    then: str = ""
    """What the command's process does before it ends, in shell."""


async def forever() -> None:
    """Hang until whoever called is killed."""
    await asyncio.get_running_loop().create_future()


def not_simulated(call: Call, what: str) -> Reply:
    """Refuse what the simulated command cannot do; it never pretends."""
    return Reply(2, err=f"{call.name}: {what} is not simulated; add it to sim/machines/commands or do without\n")

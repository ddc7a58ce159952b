"""What a machine's door and units need of the machine that they are parts of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping
    from pathlib import Path

    from sim.machines.machine import Machine
    from sim.machines.site import Session, Site, Streams


class Owner(Protocol):
    """A machine that runs processes."""

    id: str
    name: str
    root: Path
    site: Site[Any]

    def load(self) -> Machine:
        """Its document now."""

    def journal(self, unit: str) -> Path:
        """Log of a unit of this boot."""

    async def spawn(
        self, argv: tuple[str, ...], session: Session[Any], environment: Mapping[str, str], streams: Streams
    ) -> asyncio.subprocess.Process:
        """Start a process."""

    async def finished(self, process: asyncio.subprocess.Process) -> int:
        """Wait for a process; its exit status as a shell tells it."""

"""The double of the `command` plugin: local.Command and remote.Command. CopyToRemote is left out: nothing uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.plugins.base import Double
from sim.plugins.changes import Changes
from sim.plugins.command.local import LocalCommand
from sim.plugins.command.remote import RemoteCommand

if TYPE_CHECKING:
    from sim.plugins.server import EngineLog
    from sim.plugins.values import Properties
    from sim.world import World


class Command(Double):
    """Runs commands for real: local ones as child processes, remote ones over SSH to simulated machines."""

    package = "command"

    def __init__(self, world: World, log: EngineLog) -> None:
        """Make both kinds."""
        self._local = LocalCommand(world, log)
        self.kinds = {
            "command:local:Command": self._local,
            "command:remote:Command": RemoteCommand(world, log),
        }

    def check_settings(self, settings: Properties) -> list[tuple[str, str]]:
        """Accept anything: the real plugin has no configuration and checks nothing."""
        return []

    def diff_settings(self, old: Properties, new: Properties) -> Changes:
        """Find no difference: there is nothing to configure."""
        return Changes()

    def configure_with(self, settings: Properties) -> None:
        """Take nothing."""

    async def cancel(self) -> None:
        """Stop the shells that run; what they started goes on, as with the real plugin."""
        self._local.cancel()

"""local.Command: a child process of the plugin. Asset and archive paths are compared, but refused when it runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING

from sim.plugins.command.lifecycle import LONGEST_LINE, CommandKind, Finished
from sim.plugins.server import Refused

if TYPE_CHECKING:
    from sim.plugins.kind import Resource
    from sim.plugins.server import EngineLog
    from sim.plugins.values import Properties
    from sim.world import World


LONGEST_OUTPUT = 16 * 1024 * 1024
"""Bytes of one line that are kept; lines that are too long to be shown are refused earlier."""


class LocalCommand(CommandKind):
    """Runs on the operator's machine, with the environment of the plugin."""

    names = (
        "addPreviousOutputInEnv",
        "archivePaths",
        "assetPaths",
        "create",
        "delete",
        "dir",
        "environment",
        "interpreter",
        "logging",
        "stdin",
        "triggers",
        "update",
    )

    def __init__(self, world: World, log: EngineLog) -> None:
        """Start with no running shell."""
        super().__init__(world, log)
        self._shells: set[asyncio.subprocess.Process] = set()

    def cancel(self) -> None:
        """Kill the shells that run, but not what they started."""
        for shell in self._shells:
            with contextlib.suppress(ProcessLookupError):
                shell.kill()

    async def run(self, resource: Resource, command: str, inputs: Properties, environment: dict[str, str]) -> Finished:
        """Run the command by the interpreter and wait for its end; any number run at once."""
        for name in ("assetPaths", "archivePaths"):
            if inputs.get(name):
                raise Refused(f"{resource.name}: {name} is not simulated; print what is needed on stdout")
        shell = await self._started(command, inputs, environment)
        self._shells.add(shell)
        try:
            _, stdout, stderr = await asyncio.gather(
                _feed(shell, (inputs.get("stdin") or "").encode()),
                self._follow(resource, inputs, "stdout", shell.stdout),
                self._follow(resource, inputs, "stderr", shell.stderr),
            )
            await shell.wait()
        finally:
            self._shells.discard(shell)
            if shell.returncode is None:
                shell.kill()
                await shell.wait()
        return Finished(status=_status(shell.returncode or 0), stdout=stdout, stderr=stderr, shown=True)

    async def _follow(
        self, resource: Resource, inputs: Properties, name: str, stream: asyncio.StreamReader | None
    ) -> bytes:
        """Read a stream to its end and show each line as it comes."""
        lines = []
        while stream and (line := await stream.readline()):
            lines.append(line)
            if self.logs(inputs, name) and len(line) <= LONGEST_LINE:
                await self.show(resource, line.decode(errors="replace"))
        return b"".join(lines)

    async def _started(
        self, command: str, inputs: Properties, environment: dict[str, str]
    ) -> asyncio.subprocess.Process:
        interpreter = inputs.get("interpreter") or ["/bin/sh", "-c"]
        try:
            return await asyncio.create_subprocess_exec(
                *interpreter,
                command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=inputs.get("dir"),
                limit=LONGEST_OUTPUT,
                env=os.environ | environment | (inputs.get("environment") or {}),
            )
        except OSError as error:
            raise Refused(f"{error}: running {interpreter[0]} in {inputs.get('dir') or '.'}") from error


async def _feed(shell: asyncio.subprocess.Process, stdin: bytes) -> None:
    """Write its input; a command that ends without reading it is no fault."""
    if shell.stdin is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        shell.stdin.write(stdin)
        await shell.stdin.drain()
    shell.stdin.close()


def _status(code: int) -> str:
    """Say how a process ended, as Go does."""
    if code < 0:
        return f"signal: {signal.strsignal(-code) or -code}".lower()
    return f"exit status {code}" if code else ""

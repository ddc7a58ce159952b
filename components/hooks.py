"""What the engine calls around an operation: a verb of hostops whose failure stops that operation."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pulumi

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.commands import Work

SAID = 3
"""Lines of a failed command that its error repeats; the last one has host, phase, cause and cure."""


async def run_verb(work: Work, secret: pulumi.Input[str], environment: Mapping[str, str]) -> None:
    """Run a verb with the secret as its input; raises RunError with what it said last."""
    process = await asyncio.create_subprocess_shell(
        work.text,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment, **work.limits},
    )
    opened = await pulumi.Output.from_input(secret).future()
    what = f"hostops {work.verb}{f' --host {work.host}' if work.host else ''}"
    try:
        # The engine has no limit for a hook.
        _, said = await asyncio.wait_for(process.communicate((opened or "").encode()), work.engine_seconds)
    except TimeoutError:
        process.kill()
        raise pulumi.RunError(f"{what} did not end within {work.engine_seconds} s; run again") from None
    lines = said.decode(errors="replace").splitlines()
    for line in lines:
        pulumi.log.info(line)
    if process.returncode:
        raise pulumi.RunError("\n".join(lines[-SAID:]) or f"{what}: {process.returncode}")

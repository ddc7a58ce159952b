"""The SDK's costly ways with hundreds of resources, by cheap ones: for runs by `make`, in this process."""

from __future__ import annotations

import asyncio
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pulumi.runtime import resource as sdk
from pulumi.runtime.proto.source_pb2 import SourcePosition, StackFrame, StackTrace
from pulumi.runtime.settings import SETTINGS as SDK

from fleet.stackfile import ROOT

if TYPE_CHECKING:
    from types import FrameType

CONSTRUCTORS = 3
"""Of the SDK's classes of a resource, the last of them the resource's own."""


def own_frames() -> StackTrace:
    """Where in this checkout a resource is made. The SDK's own trace goes on down to the interpreter's threads.

    That is a third of a state, names folders of the machine that it was written on, and reads every file on its way.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - its documented use is this
    # As in the SDK: the third one is the resource's own class, and whoever calls that makes the resource.
    constructors = 0
    while frame and constructors < CONSTRUCTORS:
        constructors += frame.f_code.co_name == "__init__"
        frame = frame.f_back
    frames = []
    while frame:
        if uri := _own_file(frame.f_code.co_filename):
            frames.append(StackFrame(pc=SourcePosition(uri=uri, line=frame.f_lineno)))
        frame = frame.f_back
    return StackTrace(frames=frames)


@cache
def _own_file(name: str) -> str:
    """The file's address if it is of this checkout; else nothing."""
    path = Path(name)
    own = path.is_relative_to(ROOT) and not path.is_relative_to(ROOT / ".venv")
    return path.as_uri() if own else ""


setattr(sdk, "_get_stack_trace", own_frames)  # noqa: B010 - a module's function, and no setting is there for it


async def settled() -> None:
    """Wait until every output of the program is known, or one has failed.

    The SDK waits for the next one only, again and again, and takes all into its hands each time (`wait_for_rpcs` in
    pulumi/runtime/stack.py, 3.259): with hundreds of hosts that is most of what the program does. After this, nothing
    is left for it to wait for; what has failed, it says.
    """
    while True:
        with SDK.lock:
            waiting = {output for output in SDK.outputs if not output.done()}
        if not waiting:
            return
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_EXCEPTION)
        if any(output.cancelled() or output.exception() for output in done):
            return

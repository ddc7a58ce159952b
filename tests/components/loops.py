"""The event loop that the SDK takes for its outputs: the thread's own."""

from __future__ import annotations

import asyncio
from functools import cache


@cache
def _ours() -> asyncio.AbstractEventLoop:
    """Kept and never closed: threads of recorded plans have loops of their own, which would end with it."""
    return asyncio.new_event_loop()


def current_loop() -> asyncio.AbstractEventLoop:
    """Have one: whoever used asyncio.run() before took the thread's loop away."""
    policy = asyncio.get_event_loop_policy()
    try:
        return policy.get_event_loop()
    except RuntimeError:
        policy.set_event_loop(_ours())
        return _ours()

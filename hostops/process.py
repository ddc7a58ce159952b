"""Child processes with a limit: none outlives its time or this program's end. What they are for, others know."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

GRACE_SECONDS = 5
"""Between the polite signal and the other one."""

LAST_SECONDS = 60
"""What a child may still take when this program's time is over: a node is let in again, a lease is given back."""

_live: set[subprocess.Popen[str]] = set()
_stopping = threading.Event()


class TooLong(Exception):  # noqa: N818 - a limit that was reached is a result that the caller classifies
    """A child did not end within its limit and was killed."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a child ended."""

    status: int
    output: str
    error: str


class Deadline:
    """A point in time that several waits share."""

    def __init__(self, seconds: float) -> None:
        """So many seconds from now, and not after the end of this program's own time."""
        self.seconds = min(seconds, time_left())
        self._end = time.monotonic() + self.seconds

    @property
    def left(self) -> float:
        """Seconds until then; 0 when it is over."""
        return 0.0 if _stopping.is_set() else max(0.0, self._end - time.monotonic())

    @property
    def over(self) -> bool:
        """Whether it is past."""
        return self.left == 0.0


_whole: list[Deadline] = []
"""When this program's time is over, once it was said."""


def end_within(seconds: float) -> None:
    """Let every wait and every child end when this much time is over, counted from now."""
    _whole[:] = []
    _whole[:] = [Deadline(seconds)]


def time_left() -> float:
    """Seconds until this program's time is over; without end while nobody said."""
    return _whole[0].left if _whole else math.inf


def _limit(seconds: float) -> float:
    """What a child may take that is to end within so many seconds."""
    return max(min(seconds, max(time_left(), LAST_SECONDS)), 0.1)


def _signal(child: subprocess.Popen[str], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)


def _end(child: subprocess.Popen[str]) -> None:
    _signal(child, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_SECONDS)
    # Also when the leader has gone: its children are in the same group.
    _signal(child, signal.SIGKILL)


def stop() -> None:
    """This program is to end: every deadline is over, and every child ends."""
    _stopping.set()
    end_all()


def end_all() -> None:
    """End every child that still runs, with its descendants."""
    for child in tuple(_live):
        _end(child)


def _start(
    argv: Sequence[str],
    env: Mapping[str, str] | None,
    error: int,
    held: tuple[int, ...] = (),
    cwd: Path | None = None,
) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=error,
        env=dict(env) if env else None,
        cwd=cwd,
        text=True,
        errors="replace",
        start_new_session=True,
        pass_fds=held,
    )
    _live.add(child)
    return child


def _close(child: subprocess.Popen[str], reader: threading.Thread | None = None) -> None:
    """End a child that still runs, and let go of its pipes."""
    if child.poll() is None:
        _end(child)
    _live.discard(child)
    if reader is not None:
        # A descendant may hold the pipe open; what it says later is not waited for.
        reader.join(GRACE_SECONDS)
        if reader.is_alive():
            return
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream is not None:
            stream.close()


def run(argv: Sequence[str], *, seconds: float, data: str = "", env: Mapping[str, str] | None = None) -> Ended:
    """Run a child to its end with `data` on its stdin; raises TooLong."""
    child = _start(argv, env, subprocess.PIPE)
    try:
        output, error = child.communicate(data, timeout=_limit(seconds))
    except subprocess.TimeoutExpired:
        raise TooLong from None
    finally:
        _close(child)
    return Ended(status=child.returncode, output=output, error=error)


def follow(  # noqa: PLR0913 - a child and what it is given
    argv: Sequence[str],
    *,
    seconds: float,
    line: Callable[[str], None],
    env: Mapping[str, str] | None = None,
    held: tuple[int, ...] = (),
    cwd: Path | None = None,
) -> int:
    """Run a child and hand over its output line by line as it comes; returns its status, raises TooLong.

    `held` are descriptors that it keeps open, also when this program is gone.
    """
    child = _start(argv, env, subprocess.STDOUT, held, cwd)
    assert child.stdin is not None  # noqa: S101 - for the type checker: _start makes the pipes
    child.stdin.close()
    reader = threading.Thread(target=_read, args=(child, line), daemon=True)
    reader.start()
    try:
        child.wait(_limit(seconds))
    except subprocess.TimeoutExpired:
        raise TooLong from None
    finally:
        _close(child, reader)
    return child.returncode


def _read(child: subprocess.Popen[str], line: Callable[[str], None]) -> None:
    assert child.stdout is not None  # noqa: S101 - for the type checker: _start makes the pipes
    for text in child.stdout:
        line(text.rstrip("\n"))

"""A small parent that outlives the kill: whoever ends this program by SIGKILL ends all that it started.

The engine stops commands that way, and when a limit of its own is over. No handler runs then, so three processes share
a call: the caller, which the engine knows and which only waits; the warden, which becomes the parent of every orphan
below it; the worker, which does the verb. When the caller dies, or whoever started it, the warden ends the worker and
every descendant, daemons included, and has what they left on disk removed.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from hostops import runtime
from hostops.failure import Failure

if TYPE_CHECKING:
    from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
"""What asks for an orderly end: handed on to the worker."""

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
"""Linux, `man 2 prctl`."""

SIGNALLED = 128
"""A shell's status for a program that a signal ended begins here."""

_caller = os.getpid()


def caller() -> int:
    """The process that the engine, or a person, started: what a message names."""
    return _caller


def guarded() -> None:
    """Go on as the worker below a warden; the process that calls this waits, and never returns.

    Call it before any thread is started.
    """
    watched = (os.pidfd_open(os.getpid()), *_parent())
    warden = os.fork()
    if warden:
        _wait(warden)
    # A session of its own: what is sent to the caller's group must not reach the one that cleans up.
    os.setsid()
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    above = os.getpid()
    worker = os.fork()
    if worker:
        _guard(worker, watched)
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != above:
        os._exit(SIGNALLED + signal.SIGTERM)
    for descriptor in watched:
        os.close(descriptor)


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def _parent() -> tuple[int, ...]:
    """A descriptor that becomes readable when whoever started this process ends; nothing below init."""
    parent = os.getppid()
    if parent <= 1:
        return ()
    descriptor = os.pidfd_open(parent)
    if os.getppid() != parent:
        # It has ended just now, and the number may be another process' already.
        os._exit(SIGNALLED + signal.SIGTERM)
    return (descriptor,)


def _wait(warden: int) -> NoReturn:
    """The caller: hand signals on, and end as the worker did."""

    def hand_on(number: int, _: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(warden, number)

    for number in SIGNALS:
        signal.signal(number, hand_on)
    _, status = os.waitpid(warden, 0)
    _leave(os.waitstatus_to_exitcode(status))


def _guard(worker: int, watched: tuple[int, ...]) -> NoReturn:
    """The warden: wait for the worker's end, or for that of those above."""

    def hand_on(number: int, _: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(worker, number)

    for number in SIGNALS:
        signal.signal(number, hand_on)
    mine = os.pidfd_open(worker)
    poll = select.poll()
    for descriptor in (mine, *watched):
        poll.register(descriptor, select.POLLIN)
    orderly = all(descriptor == mine for descriptor, _ in poll.poll())
    status = os.waitpid(worker, 0)[1] if orderly else signal.SIGKILL
    _end_descendants()
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        # Where that fails, the next run says why.
        with suppress(OSError, Failure):
            runtime.sweep()
    _leave(code)


def _end_descendants() -> None:
    """Kill every child until none is left: the orphans of one that ends become children of the warden."""
    while True:
        with suppress(ChildProcessError):
            # Those that have ended are taken first, so that none of them is looked for.
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        children = _children()
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    """Processes whose parent this one is."""
    mine, found = str(os.getpid()), []
    for path in Path("/proc").glob("[0-9]*/stat"):
        # The name of a program may hold blanks and brackets; what follows the last bracket has a form.
        with suppress(OSError):
            if path.read_text(errors="replace").rpartition(")")[2].split()[1] == mine:
                found.append(int(path.parent.name))
    return found


def _leave(code: int) -> NoReturn:
    # Nothing of this process may run at its end: its modules' clean-up is the worker's.
    os._exit(code if code >= 0 else SIGNALLED - code)

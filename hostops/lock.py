"""One run at a time on a host, from this machine. The engine's lock is per stack and ends with its process.

Other machines are kept away by the host itself: see lease.py.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from hostops import runtime, warden
from hostops.failure import Code, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostops.process import Deadline

PLACE = "place"
"""File with a random name of this folder of locks: whoever shares it shares the locks."""

TURN_SECONDS = 0.2
"""Between two tries to have one's turn: a lock with a limit is no event that could be awaited."""


@contextmanager
def alone(stack: str, host: str, verb: str) -> Iterator[int]:
    """Hold a host's lock; its descriptor, which a tool inherits, so that one that outlives its run still holds it.

    Raises Failure while another run, or a tool that it left behind, holds it.
    """
    folder = runtime.locks()
    try:
        # Names of stacks and hosts hold no such sign, so no two hosts share a name.
        descriptor = _open(folder, f"{host}@{stack}")
    finally:
        os.close(folder)
    with os.fdopen(descriptor, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read().strip() or "process unknown"
            what = f"another run works on this host ({holder}, or a tool that it started)"
            raise Failure(Code.REFUSED, "lock", f"{what}; wait until it has ended, then run again") from None
        file.truncate(0)
        file.write(f"process {warden.caller()}: {verb}, since {time.strftime('%F %T')}\n")
        file.flush()
        yield file.fileno()


@contextmanager
def turn(stack: str, what: str, deadline: Deadline) -> Iterator[None]:
    """Have one's turn at something that runs of one stack do one after the other; raises Failure after the deadline."""
    folder = runtime.locks()
    try:
        descriptor = _open(folder, f"{what}@@{stack}")
    finally:
        os.close(folder)
    with os.fdopen(descriptor, "r+") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if deadline.over:
                    text = f"other runs of stack {stack} work on its {what}; wait until they have ended, then run again"
                    raise Failure(Code.TIMED_OUT, "lock", text) from None
                time.sleep(TURN_SECONDS)
        yield


def _open(folder: int, name: str) -> int:
    """Open a file of our own in that folder, made if it is not there; raises Failure for anything else."""
    try:
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    except OSError as error:
        raise Failure(Code.REFUSED, "lock", f"the lock {name} cannot be opened ({error.strerror}); remove it") from None
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid() or found.st_nlink != 1:
        os.close(descriptor)
        raise Failure(Code.REFUSED, "lock", f"the lock {name} is no file of this user's own; remove it")
    return descriptor


def place() -> str:
    """A name of this machine's locks that no other machine has, also where images of machines are copied."""
    folder = runtime.locks()
    try:
        draft = f"{PLACE}.{secrets.token_hex(8)}"
        with os.fdopen(_open(folder, draft), "w") as file:
            file.write(secrets.token_hex(16))
        # The first one stays, and is whole when it is seen.
        with suppress(FileExistsError):
            os.link(draft, PLACE, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        os.unlink(draft, dir_fd=folder)
        with os.fdopen(_open(folder, PLACE)) as file:
            return file.read()
    finally:
        os.close(folder)

"""One run at a time on a host, from this machine. The engine's lock is per stack and ends with its process."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hostops.failure import Code, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def alone(*words: str) -> Iterator[int]:
    """Hold the lock of what `words` name; its descriptor, which a tool inherits, so that an orphan still holds it.

    Raises Failure while another run, or a tool that it left behind, holds it.
    """
    folder = Path(tempfile.gettempdir()) / f"nixfleet-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / hashlib.sha256("\0".join(words).encode()).hexdigest()[:32]
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            what = f"another run works on this host (process {holder}, or a tool that it started)"
            raise Failure(Code.REFUSED, "lock", f"{what}; wait until it has ended, then run again") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield file.fileno()

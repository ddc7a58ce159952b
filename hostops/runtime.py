"""This user's own folders on this machine: one for private files, in memory where that is possible, and one for locks.

Others can write where these folders lie, so none is used that somebody else made, and no link is followed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hostops.failure import Code, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "NIXFLEET_RUNTIME"
"""Names another folder for both, for example where several fleets of one name exist side by side."""

LONGEST = 60
"""Characters of that folder's path: a socket's path may have 108, with our name in it and a suffix of ssh's own."""

PREFIX = "w-"
"""How names of private folders begin."""


@dataclass(frozen=True, kw_only=True)
class Private:
    """A private folder of a run that lives."""

    path: Path
    descriptor: int
    """Holds the folder's lock: without it the next run takes the folder for a dead run's."""

    def remove(self) -> None:
        """Remove it with everything in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.descriptor)


def _shared() -> Path:
    """Memory that every Linux has, whatever the environment says; the disk where a container has none."""
    memory = Path("/dev/shm")  # noqa: S108 - what lies there is checked before it is used
    base = memory if os.access(memory, os.W_OK | os.X_OK) else Path("/tmp")  # noqa: S108 - as above
    return base / f"nixfleet-{os.getuid()}"


def _session() -> Path | None:
    """The login session's own folder, where it is usable: of this user alone, and with a short name."""
    text = os.environ.get("XDG_RUNTIME_DIR", "")
    folder = Path(text) / "nixfleet"
    if not text.startswith("/") or len(str(folder)) > LONGEST or " " in text:
        return None
    try:
        found = Path(text).stat()
    except OSError:
        return None
    mine = found.st_uid == os.getuid() and stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
    return folder if mine and os.access(text, os.W_OK | os.X_OK) else None


def _given() -> Path | None:
    text = os.environ.get(VARIABLE, "")
    if not text:
        return None
    if not text.startswith("/") or " " in text or len(text) > LONGEST:
        law = f"give an absolute path without blanks and of at most {LONGEST} characters"
        raise Failure(Code.USAGE, "environment", f"{VARIABLE} is {text!r}; {law}")
    return Path(text)


def _bases() -> tuple[Path, ...]:
    """Where private folders may lie, the best place first."""
    given = _given()
    if given:
        return (given,)
    return tuple(folder for folder in (_session(), _shared()) if folder)


def _open(path: Path) -> int:
    """Open a folder of our own, made if it is not there; raises Failure if it is somebody else's."""
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        raise _refused(path, "it is no folder, or a link") from None
    found = os.fstat(descriptor)
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        os.close(descriptor)
        what = f"it belongs to user {found.st_uid} and has mode {stat.S_IMODE(found.st_mode):04o}"
        raise _refused(path, what)
    return descriptor


def _refused(path: Path, what: str) -> Failure:
    text = f"{path} is not this user's private folder: {what}; remove it, or have its owner do so, then run again"
    return Failure(Code.REFUSED, "lock", text)


def locks() -> int:
    """A descriptor of the folder for locks. It is the same one in every shell of this user."""
    return _open(_given() or _shared())


def private() -> Private:
    """Make a private folder; what dead runs left behind is removed."""
    sweep()
    base = _bases()[0]
    with _guarded(base):
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return Private(path=path, descriptor=descriptor)


def sweep() -> None:
    """Remove the private folders of runs that have ended without doing so."""
    for base in _bases():
        if not base.exists():
            continue
        with _guarded(base):
            for path in base.glob(f"{PREFIX}*"):
                _remove_if_dead(path)


@contextmanager
def _guarded(base: Path) -> Iterator[None]:
    """Alone in a folder of private folders: a new one is locked before anybody can take it for a dead run's."""
    descriptor = _open(base)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_if_dead(path: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(descriptor)

"""The log of one run: what the terminal showed and, word for word, what the engine and the clouds said of failures."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fleet.plan.times import folder_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

KEPT = 50
"""Logs of a stack that are kept; older ones go."""


class RunLog:
    """A file that grows while a run lasts; only its owner may read it."""

    def __init__(self, path: Path) -> None:
        """Begin the file."""
        self.path = path
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")

    def say(self, text: str) -> None:
        """Add a line, or several, at once."""
        self._file.write(f"{text}\n")
        self._file.flush()

    def close(self) -> None:
        """End the file."""
        self._file.close()


@contextmanager
def run_log(verb: str, stack: str, environment: Mapping[str, str]) -> Iterator[RunLog]:
    """The log of a run that begins now; it stays when the run has ended."""
    folder = folder_of(stack, environment)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in sorted(folder.glob("*.log"))[: 1 - KEPT]:
        old.unlink(missing_ok=True)
    log = RunLog(folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{verb}.log")
    try:
        yield log
    finally:
        log.close()

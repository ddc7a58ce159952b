"""The lines on stderr: one per phase, with its duration, and never a secret."""

from __future__ import annotations

import re
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHORTEST_SECRET = 8
"""Shorter lines are no secrets but words that would blot out innocent text."""

_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


class Journal:
    """Writes `hostops: HOST: PHASE: text`, with every known secret blotted out."""

    def __init__(self) -> None:
        """An empty journal that knows no secrets yet."""
        self._secrets: list[str] = []
        self._lock = threading.Lock()

    def conceal(self, secrets: Iterable[str]) -> None:
        """Blot these out from now on, line by line (a key has several)."""
        lines = {line.strip() for secret in secrets for line in secret.splitlines()}
        hidden = {line for line in lines if len(line) >= SHORTEST_SECRET and not line.startswith("-----")}
        self._secrets = sorted(hidden | set(self._secrets), key=len, reverse=True)

    def clean(self, text: str) -> str:
        """`text` without secrets and control characters."""
        for secret in self._secrets:
            text = text.replace(secret, "(secret)")
        return _CONTROL.sub("", text)

    def say(self, host: str, phase: str, text: str) -> None:
        """Write one line."""
        with self._lock:
            sys.stderr.write(f"hostops: {host}: {phase}: {self.clean(text)}\n")
            sys.stderr.flush()

    @contextmanager
    def phase(self, host: str, phase: str) -> Iterator[list[str]]:
        """Write one line when the phase is over: what was put into the list, and how long it took."""
        outcome: list[str] = []
        start = time.monotonic()
        yield outcome
        self.say(host, phase, f"{'; '.join(outcome) or 'done'} ({time.monotonic() - start:.1f} s)")

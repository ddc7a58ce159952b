"""How a verb fails: an exit code that means something, and one message. Nothing is logged here."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """Exit codes of `python -m hostops`."""

    DONE = 0
    USAGE = 2
    """The command line, the environment, the secrets or the contract is wrong."""

    REFUSED = 3
    """A guard said no; nothing was changed."""

    UNREACHABLE = 4
    TIMED_OUT = 5
    FAILED = 6
    """A tool or a step failed."""

    ROLLED_BACK = 7
    """The host went back to the system that it ran before."""

    REBOOT_DUE = 8
    """The host runs what can be run without a reboot, and the reboot has to wait."""


class Failure(Exception):  # noqa: N818 - it carries an exit code; an error is only one reason for it
    """The end of a verb that did not reach its goal."""

    def __init__(self, code: Code, phase: str, text: str) -> None:
        """`text` says what, which value, and what to try."""
        super().__init__(text)
        self.code = code
        self.phase = phase
        self.text = text

"""Faults of a whole command as one message and an exit code, instead of a traceback."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fleet.faults import FleetError
from operate.messages import OperateError

if TYPE_CHECKING:
    from collections.abc import Callable

FAILED = 1
INTERRUPTED = 130


class Terminated(BaseException):
    """SIGTERM: unwinds like the interrupt key, so that everything that was started is ended."""


def exit_code(act: Callable[[], int]) -> int:
    """Do `act` and return its exit code; a fault is printed and becomes one."""
    try:
        return act()
    except (OperateError, FleetError) as error:
        print(f"error: {error}", file=sys.stderr)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        print(
            f"error: {error.strerror or error}{where}; make room or give access there, then run the same command again",
            file=sys.stderr,
        )
    except (KeyboardInterrupt, Terminated):
        print("stopped; what was done is kept, and the same command goes on from there", file=sys.stderr)
        return INTERRUPTED
    return FAILED

"""Whether hosts may be rebooted now: `rollout.reboot` and `rollout.window`, by this machine's clock."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hostops.failure import Code, Failure

if TYPE_CHECKING:
    from hostops.task import Task


LATER = "NIXFLEET_REBOOTS"
"""`later`: whoever calls makes the reboots that `rollout.window` holds back in a step of its own (reboots.py)."""


def later(task: Task) -> bool:
    """Whether a reboot that waits is no failure of this call."""
    return task.environment.get(LATER) == "later"


def reboots_wait(task: Task) -> str:
    """Why no host may be rebooted now; empty if it may. Raises Failure."""
    window = task.cluster.reboot_window
    if task.cluster.reboot == "never":
        return "rollout.reboot is 'never'"
    if window is None:
        return ""
    now = _now(task)
    if window.is_open(now):
        return ""
    return f"rollout.window ({window}) opens next on {window.next_opening(now):%a %F %H:%M %Z}"


def _now(task: Task) -> datetime:
    name = task.cluster.timezone
    try:
        return datetime.now(ZoneInfo(name))
    except ZoneInfoNotFoundError:
        cure = "install tzdata here, or correct timezone in the stack file"
        raise Failure(Code.USAGE, "reboot", f"this machine knows no time zone {name}; {cure}") from None

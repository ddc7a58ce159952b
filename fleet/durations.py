"""How long work on a host may take at most, by what it is made of: hostops ends by itself then, the engine after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fleet.cluster import Rollout

MINUTE = 60
EVALUATION_SECONDS = 600
"""Evaluating one host."""

ROLLBACK_SECONDS = 300
"""What going back without a reboot may take."""

STEPS_SECONDS = 900
"""Connections and short scripts between the waits."""


def switch_seconds(rollout: Rollout) -> int:
    """A switch whose every wait lasts as long as it may.

    It evaluates, copies, drains; an activation ends with its watchdog and the way back; where that shows that only a
    reboot can do it, the host is drained again, boots, is on trial and leaves that; then the cluster becomes whole.
    """
    activation = rollout.watchdog_minutes * MINUTE + ROLLBACK_SECONDS
    trial = 2 * rollout.watchdog_minutes * MINUTE + 2 * rollout.ready_timeout_seconds
    waits = rollout.copy_timeout_seconds + 2 * rollout.drain_timeout_seconds + rollout.ready_timeout_seconds
    return EVALUATION_SECONDS + waits + activation + trial + STEPS_SECONDS

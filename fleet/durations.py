"""How long work on hosts may take at most, by what it is made of: a verb ends by itself then, the engine after it.

Every limit of a verb stands here, whether the engine runs it or a person; its parts are in seconds.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.cluster import Rollout

MINUTE = 60
MARGIN_SECONDS = 300
"""A verb ends by itself and says why; the engine's limit, so much later, is for one that hangs."""

EVALUATION_SECONDS = 600
"""Evaluating one host, and what all hosts of a stack have in common."""

FURTHER_HOST_SECONDS = 10
"""Evaluating one host more, in the evaluation of all; it takes about two."""

CONTACT_SECONDS = 600
"""For a machine's first answer."""

ANSWER_SECONDS = 60
"""For an answer of a host that is up."""

ROLLBACK_SECONDS = 300
"""What going back without a reboot may take."""

STEPS_SECONDS = 900
"""Connections and short scripts between the waits."""

OFF_SECONDS = 300
"""For a system to shut down: units are given 90 s each, and pods their grace period."""

AT_ONCE = 16
"""Hosts that are told their peers at the same time."""

PUSH_SECONDS = 60
"""Each of the two steps of telling one; a connection may take as long."""

SAVE_SECONDS = 300
"""Saving etcd."""

RUN_SECONDS = 3600
"""A person's command on a host."""

RESET_SECONDS = 1800
"""Bringing etcd back on one server: a large database comes from a bucket in minutes."""


def evaluation_seconds(hosts: int) -> int:
    """One evaluation of all hosts of a stack."""
    return EVALUATION_SECONDS + FURTHER_HOST_SECONDS * hosts


def switch_seconds(rollout: Rollout) -> int:
    """A switch whose every wait lasts as long as it may.

    It evaluates, copies, drains; an activation ends with its watchdog and the way back; where that shows that only a
    reboot can do it, the host is drained again, boots, is on trial and leaves that; then the cluster becomes whole.
    """
    activation = rollout.watchdog_minutes * MINUTE + ROLLBACK_SECONDS
    trial = 2 * rollout.watchdog_minutes * MINUTE + 2 * rollout.ready_timeout_seconds
    waits = rollout.copy_timeout_seconds + 2 * rollout.drain_timeout_seconds + rollout.ready_timeout_seconds
    return EVALUATION_SECONDS + waits + activation + trial + STEPS_SECONDS


def peers_seconds(hosts: int) -> int:
    """Telling all hosts who their peers are: one that is silent is waited for, and all are tried."""
    return CONTACT_SECONDS + ceil(hosts / AT_ONCE) * 3 * PUSH_SECONDS


def verb_seconds(rollout: Rollout, hosts: int) -> dict[str, int]:
    """The limit of each verb of hostops, by its name, for a stack of so many hosts."""
    drain, ready = rollout.drain_timeout_seconds, rollout.ready_timeout_seconds
    switch = switch_seconds(rollout)
    restarts = hosts * (ready + STEPS_SECONDS)
    return {
        "authority": STEPS_SECONDS,
        "certificates": restarts,
        "credential": STEPS_SECONDS,
        "halt": drain + OFF_SECONDS + STEPS_SECONDS,
        "hostkey": STEPS_SECONDS,
        "install": rollout.install_timeout_seconds,
        "kubeconfig": STEPS_SECONDS,
        # For all of them together, however many the stack has.
        "latecomers": 2 * switch,
        "leave": rollout.install_timeout_seconds,
        "mesh": peers_seconds(hosts),
        "prune": peers_seconds(hosts),
        "recognize": CONTACT_SECONDS + STEPS_SECONDS,
        "reboots": hosts * 2 * switch,
        "restore": RESET_SECONDS + restarts,
        "resume": ready + STEPS_SECONDS,
        "run": RUN_SECONDS,
        "settle": STEPS_SECONDS,
        "snapshot": SAVE_SECONDS + STEPS_SECONDS,
        "status": STEPS_SECONDS + ceil(hosts / AT_ONCE) * ANSWER_SECONDS,
        # A sick member may have to be brought to its own system first: as much again.
        "switch": 2 * switch,
        "taint": STEPS_SECONDS,
        "tokens": restarts,
        "untaint": STEPS_SECONDS,
    }


def wait_seconds(rollout: Rollout) -> dict[str, int]:
    """The limits of single waits that a stack file sets, by their names in hostops."""
    return {
        "copy": rollout.copy_timeout_seconds,
        "drain": rollout.drain_timeout_seconds,
        "ready": rollout.ready_timeout_seconds,
    }


def told(verb: str, rollout: Rollout, hosts: int) -> Mapping[str, str]:
    """The limits of one verb as hostops is told them: environment variables, the same for whoever runs it."""
    seconds = {**wait_seconds(rollout), verb: verb_seconds(rollout, hosts)[verb]}
    return {f"NIXFLEET_{name.upper()}_SECONDS": str(value) for name, value in sorted(seconds.items())}

"""A snapshot of etcd before the first server of a rollout that changes k3s, kept until the last server is healthy."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hostops.snapshot import BUCKET, delete, listed, save

if TYPE_CHECKING:
    from hostops.snapshot import Snapshot
    from hostops.task import Task

NAME = "nixfleet-rollout"
"""How the names of these snapshots begin; those of others are left alone."""

ROLLOUT_SECONDS = 86400
"""One that is younger is of the rollout that is under way: a server that comes later, or a second try, keeps it."""


def keep(task: Task) -> str:
    """Save etcd unless this rollout has done so; forgets what older rollouts left. Raises Failure."""
    mine = _mine(task)
    young = [one for one in mine if one.seconds > time.time() - ROLLOUT_SECONDS]
    _forget(task, [one for one in mine if one not in young])
    return f"etcd was saved before: {young[0].name}" if young else f"etcd saved: {save(task, NAME)}"


def release(task: Task, host: str) -> str:
    """Forget the snapshots once the last server of the formation is healthy; what was done, empty before that."""
    if host != task.formation[-1]:
        return ""
    mine = _mine(task)
    _forget(task, mine)
    return f"forgot {len({one.name for one in mine})} snapshot of etcd" if mine else ""


def _mine(task: Task) -> list[Snapshot]:
    return [one for one in listed(task)[0] if one.name.startswith(f"{NAME}-")]


def _forget(task: Task, found: list[Snapshot]) -> None:
    for server in sorted({one.where for one in found} - {BUCKET}):
        # k3s takes it off the server's disk and out of the bucket.
        delete(task, server, [one.name for one in found if one.where == server])

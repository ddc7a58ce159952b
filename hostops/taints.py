"""The verbs taint and untaint: a node has the taints of its host's entry, and keeps those that Kubernetes gave it.

The API keeps taints as one list that is replaced whole, so whoever applies a list takes Kubernetes' own away; kubectl
reads, changes and writes one at a time, and tries again where somebody else wrote meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostops.asking import on_some_server
from hostops.ssh import script

if TYPE_CHECKING:
    from hostops.task import Task


def taint(task: Task, host: str) -> None:
    """Give the node the taints of NIXFLEET_TAINTS, and take away what it was given before."""
    _give(task, host, task.environment.get("NIXFLEET_TAINTS", ""))


def untaint(task: Task, host: str) -> None:
    """Take away all that the node was given; a node that is gone has none."""
    _give(task, host, "")


def _give(task: Task, host: str, taints: str) -> None:
    task.secrets.need("deployKey")
    with task.journal.phase(host, "taints") as outcome:
        on_some_server(
            task, "taints", script("taints", role="server", host=host, taints=taints), what=f"could change {host}"
        )
        outcome.append(taints or "none of ours")

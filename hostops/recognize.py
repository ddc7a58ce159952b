"""The verb recognize: whether a machine is the host, by its pinned keys and its identity; nothing is changed there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostops.contact import first_contact
from hostops.guards import way
from hostops.process import Deadline

if TYPE_CHECKING:
    from hostops.task import Task


def recognize(task: Task, host: str) -> None:
    """Raise Failure unless an installation would go on with the machine that answers."""
    task.secrets.need("deployKey")
    with task.journal.phase(host, "contact") as outcome:
        line, seen = first_contact(task, host, Deadline(task.limits.contact))
        outcome.append(f"{seen.state} at {line.destination}, {seen.key} key")
    line.drop()
    with task.journal.phase(host, "guard") as outcome:
        outcome.append(f"an installation would go on with {way(task.stack, host, task.host(host), seen, '')}")

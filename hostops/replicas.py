"""Longhorn is asked before a disk is formatted, and told after it: no volume loses its last copy by a verb of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hostops.failure import Code, Failure
from hostops.ssh import Line
from hostops.volumes import forget_storage, last_copies, volumes

if TYPE_CHECKING:
    from collections.abc import Callable

    from hostops.task import Task

T = TypeVar("T")


class Silent(Exception):  # noqa: N818 - what it means is the caller's matter
    """No server answers for the cluster."""


def check_copies(task: Task, host: str, *, itself: bool = False) -> str:
    """Refuse to touch a host that has the last copy of a volume; returns what was found, raises Failure.

    Args:
        task: the call.
        host: the host.
        itself: whether its own system runs, so that it can be asked too where it is a server.
    """
    entry = task.host(host)
    try:
        servers = _others(task, host) + ([host] if itself and entry.role == "server" else [])
        last = _asked(task, servers, lambda line: last_copies(volumes(task, line), (host,)))
    except Silent as silent:
        if not entry.storage:
            return f"keeps no storage, and no server could be asked for copies that it had ({silent})"
        raise Failure(
            Code.REFUSED,
            "storage",
            f"{host} keeps storage, and no server answers that could say whether a volume has its last copy there "
            f"({silent}); bring a server back, then run again; if nothing on the disk is needed, "
            f"wipe it on that machine: wipefs -a {entry.disk.device}",
        ) from None
    if last:
        raise Failure(
            Code.REFUSED,
            "storage",
            f"{host} has the last copy of {', '.join(last)}; let Longhorn make another one elsewhere first (more "
            "replicas, or an eviction of this host), wait until it is healthy, then run again; if their data is not "
            "needed, delete those volumes",
        )
    return "no volume has its last copy there"


def forget_copies(task: Task, via: Line, host: str) -> str:
    """Let Longhorn forget the disk that a host had before it was formatted; what was done, raises Failure.

    It keeps the old disk's id for the host, and would put nothing on a disk with another one. `via` answers for the
    cluster. Empty where the host keeps nothing, or keeps it on a volume of its own, which is not formatted.
    """
    entry = task.host(host)
    if not entry.storage or entry.volume_size_gib is not None:
        return ""
    return forget_storage(task, via, host, formatted=True)


def _others(task: Task, host: str) -> list[str]:
    return [name for name in task.formation if name != host]


def _asked(task: Task, servers: list[str], ask: Callable[[Line], T]) -> T:
    """The answer of the first server that has one; a refusal is an answer."""
    silent: list[str] = []
    for name in servers:
        if task.address(name) is None:
            silent.append(f"{name}: its address is not known")
            continue
        line = Line(task, name)
        try:
            return ask(line)
        except Failure as failure:
            if failure.code not in (Code.UNREACHABLE, Code.FAILED):
                raise
            silent.append(f"{name}: {failure.text}")
        finally:
            line.drop()
    raise Silent("; ".join(silent) or "there is no other server")

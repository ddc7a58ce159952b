"""Longhorn as the cluster's API tells: which volumes have copies where, and moving or forgetting them.

Pods are drain.py's. A cluster without Longhorn has no volumes, and nothing here is an error then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hostops.failure import Code, Failure
from hostops.ssh import NoAnswer, script

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from hostops.process import Deadline
    from hostops.ssh import Line
    from hostops.task import Task

STEP_SECONDS = 90
"""Limit of a script: a handful of requests of at most 10 s."""

TURN_SECONDS = 30
"""How long one connection waits for an eviction; the next one goes on."""

GONE_SECONDS = 120
"""For Longhorn to see that a host has gone."""

LOST = ("degraded", "faulted")


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One replica of a volume."""

    host: str
    reachable: bool
    """Whether Longhorn's node there is Ready."""

    healthy: bool
    """`healthyAt` and no `failedAt`: whole, as far as the volume knows."""

    once: bool
    """Whether it ever was healthy: when all others are lost, Longhorn can take such a copy."""


@dataclass(frozen=True, kw_only=True)
class Volume:
    """One volume."""

    name: str
    wanted: int
    """Number of copies that it should have."""

    state: str
    robustness: str
    """`healthy` or `degraded` while attached, `faulted` without any healthy copy, else `unknown`."""

    copies: tuple[Copy, ...]


def volumes(task: Task, via: Line) -> tuple[Volume, ...]:
    """All volumes, by name; none where there is no Longhorn. Raises Failure when the cluster does not answer.

    Args:
        task: the call.
        via: a server that answers for the cluster.
    """
    facts = _run(task, via, "volumes", STEP_SECONDS)
    ready = {name.removeprefix("node_") for name, text in facts.items() if name.startswith("node_") and text == "True"}
    copies: dict[str, list[Copy]] = {}
    for _, text in _entries(facts, "replica_"):
        volume, host, healthy_at, failed_at, last = text.split("|")
        copy = Copy(
            host=host,
            reachable=host in ready,
            healthy=bool(healthy_at) and not failed_at,
            once=bool(healthy_at or last),
        )
        copies.setdefault(volume, []).append(copy)
    found = []
    for name, text in _entries(facts, "volume_"):
        wanted, state, robustness = text.split("|")
        its = tuple(sorted(copies.get(name, ()), key=lambda copy: copy.host))
        found.append(Volume(name=name, wanted=int(wanted), state=state, robustness=robustness, copies=its))
    return tuple(sorted(found, key=lambda volume: volume.name))


def _entries(facts: dict[str, str], prefix: str) -> Iterable[tuple[str, str]]:
    return ((name.removeprefix(prefix), text) for name, text in facts.items() if name.startswith(prefix))


def last_copies(found: Iterable[Volume], hosts: Collection[str]) -> tuple[str, ...]:
    """Volumes that would lose their last good copy with these hosts' disks.

    A copy elsewhere counts only if it is healthy and its host is there now. A volume without any such copy is named as
    well when a copy on these hosts was ever healthy: Longhorn can still salvage that one.
    """
    return tuple(volume.name for volume in found if _needs(volume, hosts))


def _needs(volume: Volume, hosts: Collection[str]) -> bool:
    elsewhere = any(copy.healthy and copy.reachable for copy in volume.copies if copy.host not in hosts)
    return not elsewhere and any(copy.healthy or copy.once for copy in volume.copies if copy.host in hosts)


def degraded(found: Iterable[Volume]) -> frozenset[str]:
    """Volumes with fewer healthy copies than they should have; a detached one is not known to be."""
    return frozenset(volume.name for volume in found if volume.robustness in LOST)


def evict(task: Task, via: Line, host: str, deadline: Deadline) -> str:
    """Let Longhorn move every replica off a host; returns what was done when none is left, raises Failure.

    No new replica comes to the host from then on. When the deadline is over, the host is opened again as it was. From
    a host that is down nothing can be moved: that is refused where it has a last copy, else left to `forget_storage`.
    """
    while True:
        turn = int(min(TURN_SECONDS, deadline.left))
        facts = _run(task, via, "evict", turn + STEP_SECONDS, host=host, seconds=str(turn))
        left = sorted(set(facts.get("left", "").split()))
        if "node" not in facts:
            return "Longhorn has nothing there"
        if "down" in facts and left:
            return _down(task, via, host, left)
        if not left:
            return "Longhorn has no replica there any more"
        if deadline.over:
            break
    _run(task, via, "evict", STEP_SECONDS, host=host, seconds="")
    raise Failure(
        Code.TIMED_OUT,
        "evict",
        f"after {deadline.seconds:.0f} s {host} still has replicas of {', '.join(left)}: Longhorn found no room on "
        "another host, or has not finished; the host takes replicas again; add a storage host, or give those volumes "
        "fewer copies (spec.numberOfReplicas of volumes.longhorn.io), then run again",
    )


def _down(task: Task, via: Line, host: str, left: list[str]) -> str:
    if last := last_copies(volumes(task, via), (host,)):
        raise Failure(
            Code.REFUSED,
            "evict",
            f"{host} is down and has the last copy of {', '.join(last)}; bring it back, or delete those volumes if "
            "their data is not needed, then run again",
        )
    return f"{host} is down; nothing can be moved from it, and other hosts have copies of {', '.join(left)}"


def forget_storage(task: Task, via: Line, host: str, *, formatted: bool = False) -> str:
    """Let Longhorn forget a host's node, disks and replicas; returns what was done, raises Failure.

    To be called when the host's Kubernetes node has gone: Longhorn keeps a node that it still sees, and so does this.
    Refused while a volume has its last copy there.

    Args:
        task: the call.
        via: a server that answers for the cluster.
        host: the host.
        formatted: its disk was formatted, so the copies are gone whatever Longhorn thinks. Then its new node may be
            there already: Longhorn keeps the old disk's id for it, and puts nothing on a disk with another one.
    """
    if not formatted and (last := last_copies(volumes(task, via), (host,))):
        raise Failure(
            Code.REFUSED,
            "storage",
            f"{host} has the last copy of {', '.join(last)}; Longhorn was left as it is; bring {host} back, or delete "
            "those volumes if their data is not needed, then run again",
        )
    facts = _run(
        task,
        via,
        "forget-storage",
        GONE_SECONDS + STEP_SECONDS,
        host=host,
        formatted="yes" if formatted else "",
        seconds=str(GONE_SECONDS),
    )
    dropped = len(list(_entries(facts, "dropped_")))
    what = f", {dropped} replicas with it" if dropped else ""
    if "stuck" in facts:
        why = f"Longhorn still sees it (Ready: {facts['stuck'] or 'unknown'})"
        cure = f"stop k3s there, delete the node (kubectl delete node {host}), then run again"
        raise Failure(Code.TIMED_OUT, "storage", f"after {GONE_SECONDS} s Longhorn kept its node {host}: {why}; {cure}")
    if "forgot_node" in facts:
        return f"Longhorn forgot the node {host}{what}"
    if "forgot_disk" in facts:
        return f"Longhorn forgot the old disk of {host}{what}"
    return f"Longhorn knows nothing old of {host}"


def _run(task: Task, via: Line, name: str, limit: float, **values: str) -> dict[str, str]:
    """Run a script on the server; its facts."""
    try:
        reply = via.run(script(name, role=task.host(via.host).role.value, **values), seconds=limit)
    except NoAnswer as error:
        text = f"{via.destination}: {error.text}; run again: it goes on here"
        raise Failure(Code.UNREACHABLE, "storage", text) from None
    if reply.status != 0:
        said = " ".join(reply.error.split()[-40:]) or "nothing"
        raise Failure(Code.FAILED, "storage", f"{via.host} could not ask Longhorn ({name}) and said: {said}; run again")
    return reply.facts()

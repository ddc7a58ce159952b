"""A host that does not answer: off by itself since before this run, or is it this run's doing? The cluster knows.

Silence towards this computer alone says nothing. A node that the cluster has lost before the run began is no result of
it, and no reason to leave the other hosts as they are.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from hostops.servers import ask
from hostops.ssh import Line, NoAnswer, script

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostops.task import Task

BEGAN = "NIXFLEET_BEGAN"
"""When the run began, in seconds since the epoch, by this machine's clock. `make` says it."""

NODES_SECONDS = 40


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node as the cluster sees it."""

    ready: bool
    seconds: float
    """For how long it has been so."""

    k3s: str
    """Version of its kubelet."""


@dataclass(frozen=True, kw_only=True)
class Census:
    """All nodes of the cluster."""

    asked: str
    """The server that told it."""

    nodes: Mapping[str, Node]

    def lost(self, host: str) -> str:
        """Since when the cluster has lost a node, for a message; empty for one that it sees, or does not know."""
        node = self.nodes.get(host)
        if node is None or node.ready:
            return ""
        return f"its node has not been Ready for {node.seconds:.0f} s (asked: {self.asked})"


def census(task: Task) -> Census | None:
    """Ask a server that serves the cluster; None if nobody can say."""
    # Who only asks changes nothing, and needs no lease.
    asking = replace(task, leases=None)
    first = ask(asking, asking.formation).first
    if first is None:
        return None
    line = Line(asking, first)
    try:
        reply = line.run(script("nodes", role="server"), seconds=NODES_SECONDS)
    except NoAnswer:
        return None
    finally:
        line.drop()
    facts = reply.facts()
    if reply.status != 0 or "now" not in facts:
        return None
    now = _time(facts["now"])
    nodes = {}
    for name, value in facts.items():
        status, since, version = (*value.split(" "), "", "", "")[:3]
        if name.startswith("node_"):
            # One that says no time has been so for no time at all.
            seconds = (now - _time(since)).total_seconds() if since else 0
            node = Node(ready=status == "True", seconds=max(seconds, 0), k3s=version)
            nodes[name.removeprefix("node_")] = node
    return Census(asked=first, nodes=nodes)


def off_before(task: Task, host: str) -> tuple[str, str]:
    """Why a silent host was off before this run began, for a message, and what k3s it ran; empty where nobody knows."""
    began = task.environment.get(BEGAN, "")
    found = census(task) if began else None
    if found is None or not found.lost(host):
        return "", ""
    # The cluster tells times in whole seconds; it takes more than one to see that a node is gone.
    if found.nodes[host].seconds + 1 < time.time() - float(began):
        return "", ""
    return found.lost(host), found.nodes[host].k3s


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)

"""Laws of members: one server at a time leaves, and those that stay are a quorum. `hostops leave` asks them as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.faults import Fault
from fleet.model import Role
from fleet.transition.law import Step, law

if TYPE_CHECKING:
    from collections.abc import Iterator

PAIR = 2
"""Members of etcd of which one may go although the other alone was no quorum: both still agree to it."""


@law
def servers_leave_one_at_a_time(step: Step) -> Iterator[Fault]:
    """At most one server leaves in a run: the members that are left have to be healthy before the next one goes."""
    leaving = step.leaving_servers
    if len(leaving) > 1:
        yield Fault(
            path="hosts",
            value=f"{', '.join(leaving)} leave the control plane at once",
            law="one server leaves at a time, as two that go together may take the quorum with them",
            cure=f"put all but one back as they were, run up, then go on with the next ({_even(step)})",
        )


def _even(step: Step) -> str:
    count = sum(host.role is Role.SERVER for host in step.before.hosts.values()) - 1
    needed = f"{count} servers in between need cluster.allowEvenServers"
    return needed if count % 2 == 0 else f"{count} servers are left in between"


@law
def those_that_stay_are_a_quorum(step: Step) -> Iterator[Fault]:
    """The servers that were there and stay are a majority of those that were there."""
    servers = [name for name, host in step.before.hosts.items() if host.role is Role.SERVER]
    staying = len(servers) - len(step.leaving_servers)
    if not step.leaving_servers or staying > len(servers) // 2 or (len(servers) == PAIR and staying == 1):
        return
    if not staying:
        names = ", ".join(step.leaving_servers)
        verb = "leave" if len(servers) > 1 else "leaves"
        yield Fault(
            path="hosts",
            value=f"no server stays ({names} {verb})",
            law="another one alone would form a new cluster, and what this one holds would be lost",
            cure=f"put {names} back as it was and the new one beside it (two servers need cluster.allowEvenServers), "
            f"run up, then take {names} out; where it is dead, restore a snapshot (docs/runbooks.md)",
        )
        return
    yield Fault(
        path="hosts",
        value=f"{staying} of {len(servers)} servers stay",
        law="the cluster's data lives on while a majority of its servers stays",
        cure="add servers first and run up; they have to be members before these leave",
    )

"""The laws between fields of a fleet: each is one function that yields the faults it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fleet.faults import Fault
from fleet.model import Role
from fleet.settings import Fleet

Law = Callable[[Fleet], Iterator[Fault]]


def seed_is_a_server(fleet: Fleet) -> Iterator[Fault]:
    """The seed is one of the fleet's servers."""
    servers = fleet.of_role(Role.SERVER)
    if fleet.cluster.seed not in servers:
        yield Fault(
            path="cluster.seed",
            value=fleet.cluster.seed,
            law="the seed is one of the servers",
            cure=f"name one of {', '.join(servers) or 'the hosts after giving it the role server'}",
        )


def servers_hold_a_quorum(fleet: Fleet) -> Iterator[Fault]:
    """The number of servers is odd, or the fleet says that it accepts an even one."""
    count = len(fleet.of_role(Role.SERVER))
    if count % 2 == 0 and count > 0 and not fleet.cluster.allow_even_servers:
        yield Fault(
            path="hosts",
            value=f"{count} servers",
            law=f"{count} servers lose their quorum with as few failures as {count - 1}",
            cure="use 1, 3 or 5, or set cluster.allowEvenServers",
        )


LAWS: tuple[Law, ...] = (seed_is_a_server, servers_hold_a_quorum)


def broken_laws(fleet: Fleet) -> tuple[Fault, ...]:
    """Every fault that any law finds."""
    return tuple(fault for law in LAWS for fault in law(fleet))

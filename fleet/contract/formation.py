"""The order in which hosts come up and change. Pure; who waits for whom is wired in components/hosts.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.model import Role

if TYPE_CHECKING:
    from fleet.settings import Fleet


def turns(fleet: Fleet) -> dict[str, str | None]:
    """Hosts in their order, each with the one that is done before it begins; None for the seed.

    The seed alone, the other servers one at a time (each is a change of etcd's membership), then agents by name, as
    many at once as the rollout allows. With the one that is named, all before it in this order are done too: so a
    failure stops all that have not begun, and never more than a batch is unproven.
    """
    servers, agents, size = fleet.formation, fleet.of_role(Role.AGENT), fleet.rollout.batch_size
    found: dict[str, str | None] = {}
    for number, server in enumerate(servers):
        found[server] = servers[number - 1] if number else None
    for number, agent in enumerate(agents):
        found[agent] = agents[number - size] if number >= size else servers[-1]
    return found

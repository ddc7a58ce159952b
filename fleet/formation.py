"""The order in which hosts come up and change. Pure; who waits for whom is wired in components/site.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.model import Role

if TYPE_CHECKING:
    from fleet.settings import Fleet


def waves(fleet: Fleet) -> tuple[tuple[str, ...], ...]:
    """Groups of hosts, each of which begins when the one before is done.

    The seed alone, the other servers one at a time (each is a change of etcd's membership), then agents by name, as
    many at once as the rollout allows.
    """
    agents, size = fleet.of_role(Role.AGENT), fleet.rollout.batch_size
    batches = tuple(agents[start : start + size] for start in range(0, len(agents), size))
    return (*((server,) for server in fleet.formation), *batches)

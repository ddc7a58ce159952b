"""Whether the seed may form a cluster: only if every other server says that it has none. Silence is not absence.

Otherwise a new seed joins. The decision travels as a mark that its installation delivers and the start of k3s uses up
(nix/modules/k3s/seed.sh): without the mark no system ever forms a cluster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostops.authority import check_authority
from hostops.failure import Code, Failure
from hostops.process import Deadline
from hostops.servers import await_servers

if TYPE_CHECKING:
    from hostops.task import Task

MARK = "etc/nixfleet/form"
"""Where the mark is on the host, below its root."""


def check_formation(task: Task, host: str, deadline: Deadline) -> tuple[bool, str]:
    """Whether this host is to form the cluster, and what was found; raises Failure where that cannot be known."""
    others = [name for name in task.formation if name != host]
    if host != task.cluster.seed:
        return False, "forms no cluster"
    if not others:
        return True, "the only server: forms the cluster"
    limit = Deadline(min(task.limits.contact, deadline.left))
    found = await_servers(task, others, limit, enough=lambda found: bool(found.serving) or not found.silent)
    if found.serving:
        first = next(iter(found.serving))
        check_authority(task, found.serving[first]["server_ca"], first)
        return False, f"joins the cluster of {', '.join(found.serving)}"
    if found.sick:
        raise Failure(
            Code.REFUSED,
            "guard",
            f"{host} is cluster.seed and would form a second cluster: {', '.join(found.sick)} "
            f"{'have' if len(found.sick) > 1 else 'has'} data of one that does not answer; bring back its quorum "
            "(status shows who is down) or restore it (docs/runbooks.md), then run again: this host joins it then",
        )
    if found.silent:
        raise Failure(
            Code.REFUSED,
            "guard",
            f"{host} is cluster.seed and forms a cluster only if no other server has one, and nobody can say that of "
            f"{', '.join(found.silent)} (last seen: {found.said}); bring them back, or remove the entries of those "
            "that are gone for good, then run again",
        )
    return True, f"no cluster at {', '.join(found.new)}: forms it"

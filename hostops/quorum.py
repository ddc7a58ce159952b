"""Whether the cluster can spare a server for a while, and whether there is a cluster at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from hostops.failure import Code, Failure
from hostops.look import LOOK_SECONDS, look
from hostops.ssh import Line, NoAnswer, script

if TYPE_CHECKING:
    from hostops.task import Task

MEMBERS_SECONDS = 40
PAIR = 2


def _members(task: Task, line: Line) -> dict[str, bool] | None:
    """Members of etcd and whether their nodes are Ready, as this server sees it; None if it cannot say."""
    try:
        reply = line.run(script("members", role=task.host(line.host).role.value), seconds=MEMBERS_SECONDS)
    except NoAnswer:
        return None
    facts = reply.facts()
    members = {name: ready for name, ready in facts.items() if name.startswith("member_")}
    found = {name.removeprefix("member_"): ready == "True" for name, ready in members.items()}
    return found if reply.status == 0 and found else None


def check_quorum(task: Task, line: Line, *, leaves: bool = False) -> str:
    """Refuse to touch a server while another member is not healthy; returns what was found, raises Failure.

    `leaves`: it will not come back as the same member.
    """
    host = line.host
    others = [name for name in task.formation if name != host]
    if task.host(host).role != "server":
        return "an agent holds no quorum"
    if not others:
        return "the only server"
    members = _members(task, line)
    asked = host
    for other in others if members is None else ():
        if task.address(other) is not None and (members := _once(task, other)) is not None:
            asked = other
            break
    if members is None:
        # Without quorum there is none to lose, and an update may be the cure.
        return "no server answers for the cluster; there is no quorum to lose"
    sick = sorted(name for name, ready in members.items() if not ready and name != host)
    if sick:
        raise Failure(
            Code.REFUSED,
            "quorum",
            f"not touched, because {', '.join(sick)} is a member of etcd and not Ready (asked: {asked}); "
            "two servers down may cost the quorum; bring it back first (status shows why), then run again",
        )
    if leaves and len(members) == PAIR:
        raise Failure(
            Code.REFUSED,
            "quorum",
            f"not touched, because {' and '.join(sorted(members))} are the only members of etcd, and one of two is no "
            "quorum: the other one could not let it join again; add a third server first, then run again",
        )
    return f"members Ready: {', '.join(sorted(members))}"


def _once(task: Task, host: str) -> dict[str, bool] | None:
    line = Line(task, host)
    try:
        return _members(task, line)
    finally:
        line.drop()


def check_no_cluster(task: Task, host: str) -> str:
    """Refuse to install the seed, which would form a cluster, while another server has one; raises Failure."""
    others = [name for name in task.formation if name != host]
    if host != task.cluster.seed or not others:
        return "forms no second cluster"
    # A server without a known address is asked by the seed itself before it forms a cluster (nix/modules/k3s/seed.sh).
    asked = [name for name in others if task.address(name) is not None]
    with ThreadPoolExecutor(max_workers=len(others)) as pool:
        answers = dict(zip(asked, pool.map(lambda name: _cluster_of(task, name), asked), strict=True))
    having = [f"{name} ({found})" for name, found in answers.items() if found]
    if having:
        raise Failure(
            Code.REFUSED,
            "guard",
            f"{host} is cluster.seed and would form a second cluster beside the one of {', '.join(having)}; "
            "move cluster.seed to another server first",
        )
    silent = sorted(set(others) - set(asked))
    unknown = f", not asked for want of an address: {', '.join(silent)}" if silent else ""
    return f"no cluster at {', '.join(asked) or 'any known address'}{unknown}"


def _cluster_of(task: Task, host: str) -> str:
    """How an installed server's cluster is; empty if it has none, or does not answer as an installed one."""
    line = Line(task, host)
    try:
        seen = look(line, task.host(host), seconds=LOOK_SECONDS)
    except NoAnswer:
        return ""
    finally:
        line.drop()
    # Without a quorum it does not answer, and still is the one cluster there is.
    return "healthy" if seen["etcd"] == "ok" else "not healthy" if seen["cluster_data"] == "yes" else ""

"""Taking the pods off a node before its host is touched, and letting them come back. Longhorn is in volumes.py."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from hostops.failure import Code, Failure
from hostops.ssh import NoAnswer, script

if TYPE_CHECKING:
    from hostops.process import Deadline
    from hostops.ssh import Line, Reply
    from hostops.task import Task

STEP_SECONDS = 60
"""Limit of everything but the eviction itself: a handful of requests of at most 10 s."""

_BLOCKED = re.compile(r'pods/"([^"]+)" -n "([^"]+)"')
_REFUSED = re.compile(r"^cannot delete ([^:\n]+: [^\n]+)", re.MULTILINE)
_BARE = "declare no controller"


def drain(task: Task, via: Line, host: str, deadline: Deadline) -> str:
    """Cordon a node and evict its pods; returns what was done, raises Failure.

    Budgets are respected, daemon sets stay, data in emptyDir goes, pods without a controller are refused (they would
    not come back). A node that cannot be drained before the deadline is uncordoned again; one that its owner had
    cordoned stays so. Left out where no other node could take the pods, and where the kubelet does not answer.

    Args:
        task: the call.
        via: a server that answers for the cluster; it may be the host itself.
        host: the node.
        deadline: of the whole drain.
    """
    seconds = max(1, int(deadline.left))
    facts = (reply := _run(task, via, host, str(seconds))).facts()
    if "stuck" in facts:
        state = "it stays cordoned, as its owner left it" if "owner" in facts else "it was uncordoned again"
        raise Failure(Code.TIMED_OUT, "drain", f"{_reason(host, reply.error, seconds)}; {state}; {_cure(reply.error)}")
    if "absent" in facts:
        return f"{via.host} knows no node {host}"
    if "alone" in facts:
        return "not drained: no other node could take its pods"
    owner = "; its owner had cordoned it" if "owner" in facts else ""
    if "down" in facts:
        return f"cordoned, not drained: its kubelet does not answer{owner}"
    return f"drained{owner}"


def uncordon(task: Task, via: Line, host: str) -> str:
    """Let pods onto a node again, if it was a drain of ours that kept them away; returns what was done, raises Failure.

    May be called as often as one likes, also after a run that was killed.
    """
    facts = _run(task, via, host, "").facts()
    if "uncordoned" in facts:
        return "uncordoned"
    return "stays cordoned, as its owner left it" if "owner" in facts else "was not cordoned"


def cordon(task: Task, via: Line, host: str) -> None:
    """Keep new pods off a node, as the first step of a drain; where there is no other node, nothing is done."""
    _run(task, via, host, "mark")


def cordoned(task: Task, via: Line) -> tuple[str, ...]:
    """Nodes that a drain of ours keeps away."""
    return tuple(_run(task, via, via.host, "who").facts().get("marked", "").split())


def _run(task: Task, via: Line, host: str, seconds: str) -> Reply:
    """Drain with a limit in seconds, undo it without one, or one of the script's words."""
    phase, role = "drain" if seconds else "uncordon", task.host(via.host).role.value
    try:
        reply = via.run(script("drain", host=host, role=role, seconds=seconds), seconds=_limit(seconds))
    except NoAnswer as error:
        if seconds.isdigit():
            # The script goes on there, and undoes its own work if it fails; this is for the case that it was ended.
            with suppress(Failure):
                uncordon(task, via, host)
        what = f"{via.destination}: {error.text}; run again: it goes on here"
        raise Failure(Code.UNREACHABLE, phase, what) from None
    if reply.status != 0 or reply.facts().get("drain") != "1":
        said = " ".join(reply.error.split()[-40:]) or "nothing"
        raise Failure(Code.FAILED, phase, f"{via.host} could not {phase} the node {host} and said: {said}; run again")
    return reply


def _limit(seconds: str) -> float:
    return (int(seconds) if seconds.isdigit() else 0) + STEP_SECONDS


def _reason(host: str, said: str, seconds: int) -> str:
    """Which pods could not go."""
    if refused := _REFUSED.findall(said):
        return f"the node {host} cannot be drained: kubectl cannot delete {'; '.join(refused)}"
    blocked = sorted({f"{namespace}/{pod}" for pod, namespace in _BLOCKED.findall(said)})
    if blocked:
        return f"the node {host} could not be drained within {seconds} s; still there: {', '.join(blocked)}"
    return f"the node {host} could not be drained: {' '.join(said.split()[-40:]) or 'kubectl said nothing'}"


def _cure(said: str) -> str:
    if _BARE in said:
        return "nothing would make them anew elsewhere: delete them or give them a controller, then run again"
    if "disruption budget" in said:
        return (
            "their budgets allow no disruption (kubectl get poddisruptionbudgets -A): add replicas or wait until the "
            "others are Ready, then run again"
        )
    return "see kubectl get pods -A --field-selector spec.nodeName, then run again"

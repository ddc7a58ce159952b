"""A host that is installed anew: the cluster must forget its old node first, or it refuses the new one.

Which servers are members, and whether one can be spared, is asked before (quorum.py). Draining is the operator's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostops.failure import Code, Failure
from hostops.process import Deadline
from hostops.replicas import forget_copies
from hostops.servers import await_servers
from hostops.ssh import Line, NoAnswer, script

if TYPE_CHECKING:
    from hostops.servers import Servers
    from hostops.ssh import Reply
    from hostops.task import Task

QUIET_SECONDS = 90
"""For a node whose kubelet ended to be seen as such; Kubernetes' grace period is 50 s, 40 s before 1.32."""

REMOVAL_SECONDS = 180
"""For etcd to remove a member; Rancher's provisioner waits as long."""

STEP_SECONDS = 60
FORGET_SECONDS = QUIET_SECONDS + 2 * REMOVAL_SECONDS + 60
"""Limit of the whole script."""


def forget(  # noqa: PLR0913 - what is known of the host
    task: Task, host: str, deadline: Deadline, *, boot_id: str, before: bool, formatted: bool = True
) -> str:
    """Let the cluster forget a host's node; returns what was done, raises Failure.

    `boot_id` is the host's own at present: a node that has it is the new one, and stays. `before`: the host is known to
    have been installed before, so that there may be an old node of it.
    """
    others = [name for name in task.formation if name != host]
    if not others:
        return "the only server; its cluster goes with it"
    limit = Deadline(min(task.limits.answer, deadline.left))

    def enough(found: Servers) -> bool:
        return bool(found.serving) or not (found.sick or (found.silent and before))

    found = await_servers(task, others, limit, enough=enough)
    if found.first is not None:
        via = Line(task, found.first)
        try:
            node = forget_at(task, via, host, deadline, boot_id=boot_id)
            copies = forget_copies(task, via, host) if formatted else ""
            return "; ".join(filter(None, (node, copies)))
        finally:
            via.drop()
    if found.sick:
        raise Failure(
            Code.UNREACHABLE,
            "forget",
            f"the cluster of {', '.join(found.sick)} does not answer, so its node {host} cannot be forgotten; "
            "bring back its quorum (status shows who is down), then run again: it goes on here",
        )
    if found.silent and before:
        raise Failure(
            Code.UNREACHABLE,
            "forget",
            f"no server answers that could forget the old node {host} (last seen: {found.said}); "
            "bring one back, then run again: it goes on here",
        )
    unknown = f", no answer of {', '.join(found.silent)}" if found.silent else ""
    return f"no cluster yet{unknown}"


def forget_at(  # noqa: PLR0913 - what is known of the host, and where it is asked
    task: Task, via: Line, host: str, deadline: Deadline, *, boot_id: str, stopped: bool = False, bar: bool = False
) -> str:
    """Let the cluster that `via` answers for forget a host's node; returns what was done, raises Failure.

    `stopped`: k3s of the boot `boot_id` was stopped for good, so that this node is no new one. `bar`: the host still
    has its tokens, and is to be refused until another `forget_at` without it.
    """
    quiet = min(QUIET_SECONDS, int(task.limits.ready))
    text = script(
        "forget",
        host=host,
        boot=boot_id,
        stopped="yes" if stopped else "",
        bar="yes" if bar else "",
        role="server",
        quiet=str(quiet),
        removal=str(REMOVAL_SECONDS),
    )
    return _outcome(host, via.host, _run(via, text, min(FORGET_SECONDS, max(deadline.left, 1))))


def remove_member(task: Task, via: Line, host: str) -> str:
    """Let the cluster remove the member of etcd of a host that lives; returns what was done, raises Failure."""
    text = script("forget", host=host, only="member", role="server", removal=str(REMOVAL_SECONDS))
    limit = min(REMOVAL_SECONDS + STEP_SECONDS, int(task.limits.ready) + STEP_SECONDS)
    reply = _run(via, text, limit)
    _outcome(host, via.host, reply)
    return "its member of etcd was removed" if "forgot_member" in reply.facts() else "it is no member of etcd any more"


def _run(line: Line, text: str, seconds: float) -> Reply:
    try:
        return line.run(text, seconds=seconds)
    except NoAnswer as error:
        said = f"{line.destination}: {error.text}; run again: it goes on here"
        raise Failure(Code.UNREACHABLE, "forget", said) from None


def _outcome(host: str, server: str, reply: Reply) -> str:
    """What the script's answer means."""
    facts = reply.facts()
    if "ready_at" in facts:
        raise Failure(
            Code.REFUSED,
            "forget",
            f"the node {host} is Ready at {facts['ready_at'] or 'an unknown address'} (asked: {server}): another "
            "machine runs under this name; the cluster was left as it is; stop k3s there (systemctl stop k3s) or "
            "give this host another name, then run again",
        )
    if "stuck" in facts:
        what = {"member": "remove its member from etcd", "node": "delete its node"}[facts["stuck"]]
        text = f"{server} did not {what} within {REMOVAL_SECONDS} s; see there: journalctl -u k3s; then run again"
        raise Failure(Code.TIMED_OUT, "forget", text)
    if reply.status != 0:
        said = " ".join(reply.error.split()[-40:]) or "nothing"
        raise Failure(Code.FAILED, "forget", f"{server} could not forget the node {host} and said: {said}; run again")
    if "is_new" in facts:
        return f"{server} knows the new node {host}"
    if "forgot_node" not in facts:
        return f"{server} knows no node {host}"
    member = " and its member of etcd" if "forgot_member" in facts else ""
    return f"{server} forgot the old node {host}{member}"

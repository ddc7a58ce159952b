"""Taking a host's claim on a cluster away, and giving it one again. The disk is never touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostops.failure import Code, Failure
from hostops.servers import ask
from hostops.ssh import Line, NoAnswer, script

if TYPE_CHECKING:
    from hostops.look import Look
    from hostops.ssh import Reply
    from hostops.task import Task

RELEASE_SECONDS = 300
"""Limit: the end of k3s and of all its containers is in it."""

STEP_SECONDS = 60


def hold(line: Line, *, on: bool) -> None:
    """Keep systemd from starting k3s again by itself, or let it; raises Failure."""
    run_step(line, "release", script("hold", hold="yes" if on else "no"), STEP_SECONDS)


def let_go(line: Line, *, disable: bool) -> str:
    """End k3s and take everything away by which the host could join again; raises Failure.

    `disable`: it does not start again until a system for it comes.
    """
    run_step(line, "release", script("release", disable="yes" if disable else "no"), RELEASE_SECONDS)
    return "k3s stopped, its tokens and credentials removed; its disk was not touched"


def admit(task: Task, line: Line, *, forms: bool) -> str:
    """Give a host that has left a cluster the tokens of this one, and start k3s; raises Failure."""
    files = task.secrets.on_host(task.host(line.host).role.value)
    values = {name.replace("-", "_"): text for name, text in files.items()}
    run_step(line, "join", script("deliver", files=" ".join(files), **values), STEP_SECONDS)
    run_step(line, "join", script("admit", start="yes", form="yes" if forms else "no"), STEP_SECONDS)
    return f"delivered {', '.join(files)}, started k3s"


def is_elsewhere(task: Task, host: str, seen: Look) -> bool:
    """Whether an installed host is in another cluster than the one that the other servers serve; raises Failure.

    A server with data is never taken out of its cluster unasked: that one may be the cluster that counts.
    """
    if seen["joined"] != "yes" or not seen.complaint(task.host(host), task.cluster.k3s_version):
        return False
    found = ask(task, (name for name in task.formation if name != host))
    others = {name: other["cluster_ca"] for name, other in found.serving.items()}
    if not others or not seen["cluster_ca"] or seen["cluster_ca"] in others.values():
        return False
    if seen["cluster_data"] != "yes" or seen["released"] == "yes":
        return True
    raise Failure(
        Code.REFUSED,
        "guard",
        f"{host} has the data of another cluster than the one of {', '.join(others)}; if that other one is not needed "
        f"any more, say so on {host} (ssh {task.address(host)} sudo touch /etc/nixfleet/released), then run again: it "
        "joins without a format",
    )


def was_taken_out(task: Task, host: str, seen: Look) -> bool:
    """Whether the cluster has let an installed host go while that was off: it is barred until it is let in again.

    Its node is gone there, and it is not well; a server's data is then that of a member which was removed.
    """
    if seen["joined"] != "yes" or seen["released"] == "yes":
        return False
    if not seen.complaint(task.host(host), task.cluster.k3s_version):
        return False
    found = ask(task, (name for name in task.formation if name != host))
    serving = [name for name, other in found.serving.items() if other["cluster_ca"] == seen["cluster_ca"]]
    if not serving:
        return False
    via = Line(task, serving[0])
    try:
        facts = run_step(via, "node", script("node", host=host, role="server"), STEP_SECONDS).facts()
    finally:
        via.drop()
    return not facts.get("uid")


def run_step(line: Line, phase: str, command: str, seconds: float) -> Reply:
    """Run a script that must succeed; raises Failure."""
    try:
        reply = line.run(command, seconds=seconds)
    except NoAnswer as error:
        raise Failure(
            Code.UNREACHABLE, phase, f"{line.destination}: {error.text}; run again: it goes on here"
        ) from None
    if reply.status != 0:
        said = " ".join(reply.error.split()[-40:]) or "nothing"
        raise Failure(
            Code.FAILED, phase, f"the step failed on {line.host} with status {reply.status}: {said}; run again"
        )
    return reply

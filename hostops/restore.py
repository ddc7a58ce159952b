"""The verb restore: every server's etcd from one snapshot. One server begins with it, the others join it anew.

It can be run again from any point: each run begins from the snapshot. Nothing of the snapshots is deleted, and the data
that a joining server had is set aside.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet.durations import RESET_SECONDS
from hostops import bucket as buckets
from hostops.contact import await_look, pause
from hostops.failure import Code, Failure
from hostops.look import LOOK_SECONDS, Look, look
from hostops.process import Deadline
from hostops.snapshot import BUCKET, listed
from hostops.ssh import Line, NoAnswer, script

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostops.ssh import Reply
    from hostops.task import Task

STEP_SECONDS = 120
POLL_SECONDS = 20
AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where etcd comes back from."""

    name: str
    server: str
    """The one that begins."""

    bucket: str
    """Lines of the configuration for a snapshot in the bucket; empty: it is on that server's disk."""


def restore(task: Task) -> None:
    """Restore NIXFLEET_SNAPSHOT, on NIXFLEET_FROM where that says a server; raises Failure.

    NIXFLEET_LOST: servers that are gone for good. NIXFLEET_OVER: `yes` where a cluster that works may be replaced.
    """
    task.secrets.need("deployKey")
    lost = tuple(task.environment.get("NIXFLEET_LOST", "").split())
    looks = _ask(task, lost)
    source = _source(task, looks)
    _check_over(task, looks)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        list(pool.map(lambda server: _step(task, server, "restore", "stop"), looks))
    _begin(task, source)
    address = task.host(source.server).address
    for server in looks:
        if server != source.server:
            with task.journal.phase(server, "join") as outcome:
                _step(task, server, "join", "join", url=f"https://{address}:6443")
                _await_member(task, server)
                _step(task, server, "join", "done_here")
                outcome.append(f"is a member of the cluster of {source.server}")
    for server in lost:
        task.journal.say(server, "restore", "was left out; make up installs it again, or remove its entry")


def _ask(task: Task, lost: tuple[str, ...]) -> dict[str, Look]:
    """What the servers say; raises Failure for one that is silent and not said to be lost, or the other way round."""
    for name in lost:
        if name not in task.formation:
            servers = ", ".join(task.formation)
            raise Failure(Code.USAGE, "restore", f"LOST names {name}, which is no server; servers: {servers}")
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        answers = dict(zip(task.formation, pool.map(lambda name: _look(task, name), task.formation), strict=True))
    silent = {name: answer for name, answer in answers.items() if isinstance(answer, str) and name not in lost}
    if silent:
        said = "; ".join(f"{name}: {reason}" for name, reason in silent.items())
        cure = f"bring them back, or name those that are gone for good: LOST='{' '.join(silent)}'"
        text = f"servers with the old data could go on without the restored ones ({said}); {cure}"
        raise Failure(Code.REFUSED, "restore", text)
    back = [name for name in lost if isinstance(answers[name], Look)]
    if back:
        text = f"LOST names {', '.join(back)}, which answers; leave it out: it joins the restored cluster"
        raise Failure(Code.REFUSED, "restore", text)
    return {name: answer for name, answer in answers.items() if isinstance(answer, Look)}


def _look(task: Task, server: str) -> Look | str:
    if task.address(server) is None:
        return "its address is not known"
    line = Line(task, server)
    try:
        seen = look(line, task.host(server), seconds=LOOK_SECONDS)
    except NoAnswer as error:
        return error.text
    finally:
        line.drop()
    return seen if seen.state == "installed" else f"{seen.state} runs there"


def _source(task: Task, looks: Mapping[str, Look]) -> Source:
    name, wanted = task.environment.get("NIXFLEET_SNAPSHOT", ""), task.environment.get("NIXFLEET_FROM", "")
    if not name:
        raise Failure(
            Code.USAGE, "restore", f"no snapshot is named; make snapshot LIST=yes STACK={task.stack} lists them"
        )
    if wanted == BUCKET:
        return Source(name=name, server=next(iter(looks)), bucket=buckets.flags(task))
    found, _ = listed(task)
    having = [one.where for one in found if one.name == name and one.where in looks]
    if not having or (wanted and wanted not in having):
        where = f"on {wanted}" if wanted else "on any server's disk"
        cure = f"FROM={BUCKET} takes it from the bucket; make snapshot LIST=yes STACK={task.stack} lists them"
        raise Failure(Code.REFUSED, "restore", f"there is no snapshot {name} {where}; nothing was changed; {cure}")
    return Source(name=name, server=wanted or having[0], bucket="")


def _check_over(task: Task, looks: Mapping[str, Look]) -> None:
    """A cluster that works is replaced only on purpose."""
    serving = [name for name, seen in looks.items() if seen["etcd"] == "ok"]
    if serving and task.environment.get("NIXFLEET_OVER") != "yes":
        raise Failure(
            Code.REFUSED,
            "restore",
            f"the cluster works (served by {', '.join(serving)}): what was written since the snapshot would be lost; "
            "nothing was changed; if that is meant: OVER=yes",
        )


def _begin(task: Task, source: Source) -> None:
    with task.journal.phase(source.server, "reset") as outcome:
        reply = _step(task, source.server, "reset", "reset", name=source.name, bucket=source.bucket)
        if "absent" in reply.facts():
            raise Failure(Code.REFUSED, "reset", f"there is no {reply.facts()['absent']}; k3s is stopped: run again")
        _await_reset(task, source.server)
        _step(task, source.server, "reset", "start")
        _await_member(task, source.server)
        outcome.append(f"serves the cluster of {source.name}")


def _await_reset(task: Task, server: str) -> None:
    limit, tries, last = Deadline(RESET_SECONDS), 0, "nothing was tried"
    while True:
        try:
            facts = _send(task, server, "ended").facts()
            last = facts.get("ActiveState", "unknown")
            if last == "active":
                return
            if last != "activating":
                said = task.journal.clean(facts.get("said", "")).strip() or "nothing"
                cure = f"run again, or name another snapshot (make snapshot LIST=yes STACK={task.stack})"
                raise Failure(Code.FAILED, "reset", f"{server} could not restore it and said: {said}; {cure}")
        except NoAnswer as error:
            last = error.text
        if limit.over:
            cure = f"see there: journalctl -u nixfleet-restore; then run again (last seen: {last})"
            raise Failure(Code.TIMED_OUT, "reset", f"{server} did not end within {limit.seconds:.0f} s; {cure}")
        pause(tries, limit)
        tries += 1


def _await_member(task: Task, server: str) -> None:
    entry, version, line = task.host(server), task.cluster.k3s_version, Line(task, server)
    try:
        await_look(
            task,
            line,
            Deadline(task.limits.ready),
            "restore",
            cure=f"see {server}'s log: journalctl -u k3s; then run the same command again: it begins from the snapshot",
            until=lambda seen: seen.complaint(entry, version),
            code=Code.TIMED_OUT,
        )
    finally:
        line.drop()


def _step(task: Task, server: str, phase: str, act: str, **values: str) -> Reply:
    """One step on a server; raises Failure."""
    try:
        reply = _send(task, server, act, **values)
    except NoAnswer as error:
        said = f"{server}: {error.text}; run again: it begins from the snapshot"
        raise Failure(Code.UNREACHABLE, phase, said) from None
    if reply.status != 0:
        said = " ".join(reply.error.split()[-30:]) or "nothing"
        raise Failure(Code.FAILED, phase, f"{server}: the step {act} failed and said: {said}; run again")
    return reply


def _send(  # noqa: PLR0913 - what the steps need, each its own
    task: Task, server: str, act: str, *, name: str = "", bucket: str = "", url: str = ""
) -> Reply:
    text = script("restore", act=act, bucket=bucket, seconds=str(POLL_SECONDS), server=url, snapshot=name)
    line = Line(task, server)
    try:
        return line.run(text, seconds=STEP_SECONDS)
    finally:
        line.drop()

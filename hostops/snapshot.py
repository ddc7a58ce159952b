"""The verb snapshot: save etcd now, and say which snapshots there are, on the servers' disks and in the bucket."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from fleet.durations import SAVE_SECONDS
from hostops.failure import Code, Failure
from hostops.ssh import Line, NoAnswer, script

if TYPE_CHECKING:
    from hostops.ssh import Reply
    from hostops.task import Task

LIST_SECONDS = 60
AT_ONCE = 16
BUCKET = "bucket"
"""Where a snapshot is that is on no server's disk."""

LOCAL_WORDS = 4


@dataclass(frozen=True, kw_only=True, order=True)
class Snapshot:
    """One snapshot."""

    seconds: int
    """When it was made, since 1970; 0: unknown."""

    name: str
    where: str
    """A server, or BUCKET."""

    size: int
    """Bytes; 0: unknown."""


def snapshot(task: Task) -> str:
    """Save one unless NIXFLEET_SNAPSHOT is empty, then list them all, the newest last, as JSON."""
    task.secrets.need("deployKey")
    name = task.environment.get("NIXFLEET_SNAPSHOT", "")
    saved = save(task, name) if name else None
    found, silent = listed(task)
    for server, reason in silent.items():
        task.journal.say(server, "snapshot", f"not asked: {reason}")
    return json.dumps({"saved": saved, "snapshots": [asdict(one) for one in found]}, indent=2, sort_keys=True)


def save(task: Task, name: str) -> str:
    """Save etcd on the first server that can; the snapshot's whole name. Raises Failure."""
    seen: list[str] = []
    for server in task.formation:
        try:
            with task.journal.phase(server, "snapshot") as outcome:
                reply = _run(task, server, "save", name, SAVE_SECONDS)
                saved = reply.facts().get("saved", "")
                if reply.status == 0 and saved:
                    outcome.append(f"saved {saved}")
                    return saved
                seen.append(f"{server}: {' '.join(reply.error.split()[-20:]) or 'it said nothing'}")
                outcome.append("not saved")
        except NoAnswer as error:
            seen.append(f"{server}: {error.text}")
    cure = "bring the cluster's quorum back first (make status shows who is down)"
    raise Failure(Code.FAILED, "snapshot", f"no server saved etcd: {'; '.join(seen)}; {cure}")


def delete(task: Task, server: str, names: list[str]) -> None:
    """Take snapshots off a server's disk, and out of the bucket; one that cannot be is said and left."""
    try:
        reply = _run(task, server, "forget", " ".join(names), SAVE_SECONDS)
        said = " ".join(reply.error.split()[-20:]) if reply.status else ""
    except NoAnswer as error:
        said = error.text
    if said:
        task.journal.say(server, "snapshot", f"not forgotten: {', '.join(names)}: {said}")


def listed(task: Task) -> tuple[list[Snapshot], dict[str, str]]:
    """All snapshots, the newest last, and the servers that did not answer, with the reason."""
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        answers = dict(zip(task.formation, pool.map(lambda server: _listed(task, server), task.formation), strict=True))
    silent = {server: answer for server, answer in answers.items() if isinstance(answer, str)}
    found = {one for answer in answers.values() if isinstance(answer, tuple) for one in answer}
    return sorted(found), silent


def _listed(task: Task, server: str) -> tuple[Snapshot, ...] | str:
    try:
        reply = _run(task, server, "list", "", LIST_SECONDS)
    except NoAnswer as error:
        return error.text
    lines = [line.split() for line in reply.output.splitlines()]
    local = [words for words in lines if words[:1] == ["local"] and len(words) == LOCAL_WORDS]
    names = [words[1] for words in lines if words[:1] == [BUCKET] and len(words) > 1]
    return (
        *(Snapshot(name=name, where=server, size=int(size), seconds=int(at)) for _, name, size, at in local),
        *(Snapshot(name=name, where=BUCKET, size=0, seconds=_stamp(name)) for name in names),
    )


def _stamp(name: str) -> int:
    """k3s ends a snapshot's name with the seconds since 1970."""
    last = name.removesuffix(".zip").rpartition("-")[2]
    return int(last) if last.isdigit() else 0


def _run(task: Task, server: str, act: str, name: str, seconds: float) -> Reply:
    if task.address(server) is None:
        raise NoAnswer("no address is known; pass it in NIXFLEET_PEERS")
    line = Line(task, server)
    try:
        return line.run(script("snapshot", act=act, begin=name), seconds=seconds)
    finally:
        line.drop()

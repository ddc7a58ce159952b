"""The verbs mesh and prune: every installed host is told who its peers are, so that a new one changes no closure.

A host that is on its way out of the fleet stays a peer until it has left its cluster: mesh keeps peers that are in the
contract no more, and prune, which runs when they have left, drops them.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from fleet.durations import AT_ONCE, PUSH_SECONDS
from hostops.contact import pause
from hostops.failure import Code, Failure
from hostops.lease import Leased
from hostops.payload import mesh_document
from hostops.process import Deadline
from hostops.ssh import Line, NoAnswer, script

if TYPE_CHECKING:
    from hostops.task import Task

ABSENT = "skipped: it is not installed yet and gets its peers then"


def mesh(task: Task) -> None:
    """Push the peers to all hosts at once; raises Failure that names every host that got none."""
    task.secrets.need("deployKey")
    if task.cluster.mesh is None:
        raise Failure(
            Code.USAGE, "mesh", f"the cluster network of stack {task.stack} is no mesh; there is nothing to push"
        )
    _push_all(task, sorted(task.contract.hosts), keep=True)


def prune(task: Task) -> None:
    """Drop peers that the contract has no more; raises Failure that names every host that still has them.

    Hosts whose address nobody said are new, and never had them.
    """
    task.secrets.need("deployKey")
    gone = sorted(set(task.peers) - set(task.contract.hosts))
    if not gone:
        task.journal.say(task.stack, "prune", "no peer has left")
        return
    _push_all(task, sorted(set(task.peers) & set(task.contract.hosts)), keep=False)


def _push_all(task: Task, hosts: list[str], *, keep: bool) -> None:
    deadline = Deadline(task.limits.contact)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        failures = [text for text in pool.map(lambda host: _push(task, host, deadline, keep=keep), hosts) if text]
    if failures:
        raise Failure(Code.UNREACHABLE, "mesh", f"{'; '.join(failures)}; bring these hosts back, then run again")


def _push(task: Task, host: str, deadline: Deadline, *, keep: bool) -> str:
    """Push to one host; answers with what went wrong, empty if nothing did."""
    if task.address(host) is None:
        return f"{host}: no address is known; pass it in NIXFLEET_PEERS"
    line, tries, last = Line(task, host, bootstrap=True), 0, ""
    with task.journal.phase(host, "mesh") as outcome:
        while True:
            try:
                last = _try(task, line, keep=keep)
                outcome.append(last)
                return "" if not last.startswith("failed") else f"{host}: {last}"
            except (NoAnswer, Leased) as error:
                last = error.text
            if deadline.over:
                outcome.append(f"no answer: {last}")
                return f"{host}: no answer within {deadline.seconds:.0f} s, last seen: {last}"
            pause(tries, deadline)
            tries += 1


def _try(task: Task, line: Line, *, keep: bool) -> str:
    try:
        document = _document(task, line, keep=keep)
        if document is None:
            return ABSENT
        reply = line.run(script("mesh", peers=document), seconds=PUSH_SECONDS)
    except NoAnswer as error:
        if error.login and error.key == "bootstrap":
            return ABSENT
        raise
    finally:
        if task.leases is not None:
            task.leases.give_back(line.host, line)
        line.drop()
    result = reply.facts().get("mesh", "")
    if reply.status != 0 or result not in ("same", "written"):
        return f"failed with status {reply.status}: {' '.join(reply.error.split()[-30:]) or 'it said nothing'}"
    return {"same": "has these peers already", "written": "new peers"}[result]


def _document(task: Task, line: Line, *, keep: bool) -> str | None:
    """What the host is to have, by what it has; None where it is not installed."""
    reply = line.run(script("peers"), seconds=PUSH_SECONDS)
    if reply.key == "bootstrap" or reply.facts().get("mesh") == "absent":
        return None
    known = _read(reply.output)
    strangers = {name: peer for name, peer in known.items() if name not in task.contract.hosts}
    if keep:
        return mesh_document(task, line.host, strangers)
    left = {name: peer for name, peer in known.items() if name not in strangers}
    return json.dumps({"peers": left, "self": line.host}, indent=2, sort_keys=True)


def _read(text: str) -> dict[str, dict[str, str]]:
    """Peers of a document; none of one that is missing or broken."""
    try:
        peers: dict[str, dict[str, str]] = json.loads(text)["peers"]
    except (ValueError, KeyError, TypeError):
        return {}
    return peers

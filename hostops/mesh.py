"""The verb mesh: tells every installed host who its peers are, so that a new host changes no closure of another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from hostops.contact import pause
from hostops.failure import Code, Failure
from hostops.lease import Leased
from hostops.payload import mesh_document
from hostops.process import Deadline
from hostops.ssh import Line, NoAnswer, script

if TYPE_CHECKING:
    from hostops.task import Task

AT_ONCE = 16
PUSH_SECONDS = 60


def mesh(task: Task) -> None:
    """Push the peers to all hosts at once; raises Failure that names every host that got none."""
    task.secrets.need("deployKey")
    if task.cluster.mesh is None:
        raise Failure(
            Code.USAGE, "mesh", f"the cluster network of stack {task.stack} is no mesh; there is nothing to push"
        )
    deadline = Deadline(task.limits.contact)
    hosts = sorted(task.contract.hosts)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        failures = [text for text in pool.map(lambda host: _push(task, host, deadline), hosts) if text]
    if failures:
        raise Failure(Code.UNREACHABLE, "mesh", f"{'; '.join(failures)}; bring these hosts back, then run again")


def _push(task: Task, host: str, deadline: Deadline) -> str:
    """Push to one host; answers with what went wrong, empty if nothing did."""
    if task.address(host) is None:
        return f"{host}: no address is known; pass it in NIXFLEET_PEERS"
    line, tries, last = Line(task, host, bootstrap=True), 0, ""
    with task.journal.phase(host, "mesh") as outcome:
        while True:
            try:
                last = _try(task, line)
                outcome.append(last)
                return "" if not last.startswith("failed") else f"{host}: {last}"
            except (NoAnswer, Leased) as error:
                last = error.text
            if deadline.over:
                outcome.append(f"no answer: {last}")
                return f"{host}: no answer within {deadline.seconds:.0f} s, last seen: {last}"
            pause(tries, deadline)
            tries += 1


def _try(task: Task, line: Line) -> str:
    try:
        reply = line.run(script("mesh", peers=mesh_document(task, line.host)), seconds=PUSH_SECONDS)
    except NoAnswer as error:
        if error.login and error.key == "bootstrap":
            return "skipped: it is not installed yet and gets its peers then"
        raise
    finally:
        if task.leases is not None:
            task.leases.give_back(line.host, line)
        line.drop()
    result = reply.facts().get("mesh", "")
    if reply.key == "bootstrap" or result == "absent":
        return "skipped: it is not installed yet and gets its peers then"
    if reply.status != 0 or result not in ("same", "written"):
        return f"failed with status {reply.status}: {' '.join(reply.error.split()[-30:]) or 'it said nothing'}"
    return {"same": "has these peers already", "written": "new peers"}[result]

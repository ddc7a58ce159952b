"""The verb reboots: what `rollout.window` held back is made up for, in the rollout's order, while the window is open.

It is the last step of a run: hosts that need no reboot have not waited for those that do.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from hostops import process
from hostops.another import switch_another
from hostops.failure import Code, Failure
from hostops.opening import reboots_wait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostops.task import Task

HELD = "NIXFLEET_HELD"
"""JSON: hosts whose reboot is due, each with what tells this time from another one."""

BATCH = "NIXFLEET_BATCH"
"""How many agents may be away at the same time."""


def reboots(task: Task) -> None:
    """Bring the hosts to their systems; raises Failure that names all that have to wait, or the first that fails."""
    task.secrets.need("deployKey")
    held = [name for name in json.loads(task.environment.get(HELD) or "{}") if name in task.contract.hosts]
    if not held:
        task.journal.say(task.stack, "reboots", "no host waits for one")
        return
    if why := reboots_wait(task):
        raise _waiting(sorted(held), why)
    late: list[str] = []
    for batch in _batches(task, held):
        with ThreadPoolExecutor(max_workers=len(batch)) as pool:
            late += [name for name in pool.map(lambda name: _reboot(task, name), batch) if name]
    if late:
        raise _waiting(late, reboots_wait(task) or "the window has closed meanwhile")


def _batches(task: Task, held: list[str]) -> Iterator[list[str]]:
    """Servers one by one, then agents as many as a batch."""
    for server in task.formation:
        if server in held:
            yield [server]
    agents = sorted(set(held) - set(task.formation))
    size = max(int(task.environment.get(BATCH) or 1), 1)
    for start in range(0, len(agents), size):
        yield agents[start : start + size]


def _reboot(task: Task, host: str) -> str:
    """Reboot one into its system; its name if the window closed before, empty if it is done. Raises Failure."""
    if task.address(host) is None:
        raise Failure(Code.USAGE, "reboots", f"no address of {host} is known; pass it in NIXFLEET_PEERS")
    with task.journal.phase(host, "reboots") as outcome:
        try:
            code, said = switch_another(task, host, {}, process.time_left())
        except process.TooLong:
            raise Failure(Code.TIMED_OUT, "reboots", f"{host}: no end within this verb's time; run again") from None
        outcome.append(said.removeprefix(f"{host}: "))
    if code not in (Code.DONE, Code.REBOOT_DUE):
        raise Failure(Code(code) if code in set(Code) else Code.FAILED, "reboots", said)
    return host if code == Code.REBOOT_DUE else ""


def _waiting(hosts: list[str], why: str) -> Failure:
    names = ", ".join(hosts)
    what = f"{names}: the reboot waits, because {why}; all else is done"
    return Failure(Code.REBOOT_DUE, "reboots", f"{what}; `make up` inside the window makes it")

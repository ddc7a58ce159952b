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
from hostops.opening import later, reboots_wait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostops.task import Task

HELD = "NIXFLEET_HELD"
"""JSON: hosts whose reboot is due, each with what tells this time from another one."""

BATCH = "NIXFLEET_BATCH"
"""How many agents may be away at the same time."""


DONE = "PULUMI_COMMAND_STDOUT"
"""What the call before this one printed, where the engine calls."""


def reboots(task: Task) -> tuple[str, Code]:
    """Bring the hosts to their systems; raises Failure that names the first that fails.

    Answers with JSON that says who is done, and, under `waits`, who has to wait and why.
    """
    task.secrets.need("deployKey")
    held: dict[str, str] = json.loads(task.environment.get(HELD) or "{}")
    done = {name: mark for name, mark in _done(task).items() if held.get(name) == mark}
    due = [name for name in held if name in task.contract.hosts and name not in done]
    if not due:
        task.journal.say(task.stack, "reboots", "no host waits for one")
        return _said(task, held, {}, "")
    if why := reboots_wait(task):
        return _said(task, done, dict.fromkeys(due, ""), why)
    late: list[str] = []
    for batch in _batches(task, due):
        with ThreadPoolExecutor(max_workers=len(batch)) as pool:
            late += [name for name in pool.map(lambda name: _reboot(task, name), batch) if name]
    why = reboots_wait(task) or "the window has closed meanwhile"
    return _said(task, {name: mark for name, mark in held.items() if name not in late}, dict.fromkeys(late, ""), why)


def _done(task: Task) -> dict[str, str]:
    """Hosts that were rebooted for what is asked, by the call before this one."""
    try:
        found = json.loads(task.environment.get(DONE) or "{}")["done"]
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _said(task: Task, done: dict[str, str], late: dict[str, str], why: str) -> tuple[str, Code]:
    said: dict[str, object] = {"done": done}
    if not late:
        return json.dumps(said, sort_keys=True), Code.DONE
    text = f"{', '.join(sorted(late))}: the reboot waits, because {why}; all else is done; "
    said["waits"] = f"{text}a run inside the window makes it"
    task.journal.say(task.stack, "reboots", str(said["waits"]))
    # Where the engine calls, a failure would keep it from its deletions.
    return json.dumps(said, sort_keys=True), Code.DONE if later(task) else Code.REBOOT_DUE


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
            brought = switch_another(task, host, {}, process.time_left())
        except process.TooLong:
            raise Failure(Code.TIMED_OUT, "reboots", f"{host}: no end within this verb's time; run again") from None
        outcome.append(brought.said.removeprefix(f"{host}: "))
    code = brought.code
    if code not in (Code.DONE, Code.REBOOT_DUE):
        raise Failure(Code(code) if code in set(Code) else Code.FAILED, "reboots", brought.said)
    return host if code == Code.REBOOT_DUE else ""

"""The verb settle: a Helm release that a killed run left pending is taken up again instead of being refused for ever.

Only the engine that holds the stack's lock works on its releases, so what is pending when that asks is of a dead one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostops.asking import on_some_server
from hostops.failure import Code, Failure
from hostops.ssh import script

if TYPE_CHECKING:
    from hostops.task import Task


def settle(task: Task, _host: str | None) -> None:
    """Ask the first server that answers; raises Failure when none does."""
    task.secrets.need("deployKey")
    namespace, _, release = task.environment.get("NIXFLEET_RELEASE", "").partition("/")
    if not (namespace and release):
        raise Failure(Code.USAGE, "settle", "NIXFLEET_RELEASE names no release; its form is NAMESPACE/NAME")
    text = script("settle", role="server", namespace=namespace, release=release)
    server, facts = on_some_server(task, "settle", text, what=f"said whether release {release} is pending")
    gone = {name.removeprefix("forgot_"): status for name, status in facts.items() if name.startswith("forgot_")}
    if gone:
        found = ", ".join(f"{status} ({revision})" for revision, status in gone.items())
        task.journal.say(server, "settle", f"{release}: forgot what a killed run left: {found}")

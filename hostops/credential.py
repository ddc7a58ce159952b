"""The verb credential: a token of a service account, to stdout and nowhere else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hostops.failure import Code, Failure
from hostops.ssh import Line, NoAnswer, script

if TYPE_CHECKING:
    from hostops.task import Task

ASK_SECONDS = 60
TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+")
"""A JSON Web Token: three parts in URL-safe base64."""


def credential(task: Task) -> str:
    """From the first server that gives one; account, namespace, secret and life come by environment. Raises Failure."""
    task.secrets.need("deployKey")
    values = {
        word: _given(task, f"NIXFLEET_{variable}")
        for word, variable in (("account", "ACCOUNT"), ("namespace", "NAMESPACE"), ("anchor", "ANCHOR"))
    }
    days = _given(task, "NIXFLEET_TOKEN_DAYS")
    if not days.isdigit():
        raise Failure(Code.USAGE, "credential", f"NIXFLEET_TOKEN_DAYS is {days!r}; give whole days")
    seen: list[str] = []
    for server in task.formation:
        try:
            return _ask(task, server, {**values, "duration": f"{int(days) * 24}h"})
        except (NoAnswer, ValueError) as error:
            seen.append(f"{server}: {error.text if isinstance(error, NoAnswer) else error}")
    cure = "bring the cluster's quorum back first (make status shows who is down), then run again"
    raise Failure(Code.UNREACHABLE, "credential", f"no server gave a token: {'; '.join(seen)}; {cure}")


def _given(task: Task, variable: str) -> str:
    value = task.environment.get(variable, "")
    if not value:
        raise Failure(Code.USAGE, "credential", f"{variable} is not set; the program sets it")
    return value


def _ask(task: Task, server: str, values: dict[str, str]) -> str:
    if task.address(server) is None:
        raise NoAnswer("no address is known; pass it in NIXFLEET_PEERS")
    line = Line(task, server)
    try:
        reply = line.run(script("credential", **values), seconds=ASK_SECONDS)
    finally:
        line.drop()
    token = reply.output.strip()
    if reply.status or not TOKEN.fullmatch(token):
        raise ValueError(" ".join(reply.error.split()[-20:]) or "it gave no token")
    return token

"""Bringing another host to its system: a call of its own, with its own lock and lease, and its own words."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet.durations import MARGIN_SECONDS
from hostops import process

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostops.task import Task

OF_ANOTHER_HOST = ("NIXFLEET_CLOSURE", "NIXFLEET_INSTALLATION", "NIXFLEET_MACHINE_ID", "NIXFLEET_REBOOTS")
"""What a call is told of its own host only."""


@dataclass(frozen=True, kw_only=True)
class Brought:
    """How the other call ended."""

    code: int
    answer: str
    """What it printed: a line of JSON where it ended well."""

    said: str
    """Its last line."""


def switch_another(
    task: Task, host: str, more: Mapping[str, str], seconds: float, secrets: Mapping[str, str] | None = None
) -> Brought:
    """Run the verb switch for it; how that ended. Raises process.TooLong.

    `more`: further environment. `secrets`: what the other host's own switch gets; without, what all hosts have.
    """
    kept = {name: value for name, value in task.environment.items() if name not in OF_ANOTHER_HOST}
    address = task.address(host)
    assert address is not None  # noqa: S101 - for the type checker: whoever asks for it knows where it answers
    environment = {**kept, "NIXFLEET_ADDRESS": address, **more, "NIXFLEET_SWITCH_SECONDS": str(int(seconds))}
    argv = [sys.executable, "-m", "hostops", "switch", "--stack", task.stack, "--host", host]
    known = {
        "deployKey": task.secrets.deploy_key,
        "formerDeployKey": task.secrets.former_deploy_key,
        "serverToken": task.secrets.server_token,
        "agentToken": task.secrets.agent_token,
        "authority": task.secrets.authority,
        "authorityKey": task.secrets.authority_key,
    }
    data = json.dumps(dict(secrets) if secrets else {name: text for name, text in known.items() if text})
    ended = process.run(argv, data=data, seconds=seconds + MARGIN_SECONDS, env=environment)
    said = (ended.error.strip().splitlines() or ["it said nothing"])[-1].removeprefix("hostops: ")
    return Brought(code=ended.status, answer=ended.output.strip(), said=said)

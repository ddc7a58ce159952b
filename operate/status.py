"""Asks every host how it is, through `python -m hostops status`. Reads the state for addresses; changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from fleet.contract.outputs import StackOutputs
from fleet.keys.pairs import CLUSTER_KEY, ClusterKeys, logins
from operate.engine import ROOT, Place, environment, select, translated
from operate.limits import told_to, whole_seconds
from operate.messages import OperateError

if TYPE_CHECKING:
    from collections.abc import Mapping


def _ask(place: Place, addresses: dict[str, str], secrets: dict[str, str]) -> dict[str, Any]:
    """What `hostops status` says of every host; raises OperateError when it says nothing."""
    peers = {name: {"endpoint": address} for name, address in addresses.items()}
    seconds = whole_seconds("status", place, len(peers))
    try:
        answer = subprocess.run(
            [sys.executable, "-m", "hostops", "status", "--stack", place.stack],
            input=json.dumps(secrets),
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env={**told_to("status", place, len(peers)), **os.environ, "NIXFLEET_PEERS": json.dumps(peers)},
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise OperateError(
            f"the hosts did not all answer within {seconds} s; ask one: python -m hostops status --host NAME"
        ) from None
    if not answer.stdout:
        raise OperateError(
            (answer.stderr.strip().splitlines() or ["hostops said nothing"])[-1].removeprefix("hostops: ")
        )
    hosts: dict[str, Any] = json.loads(answer.stdout)["hosts"]
    return hosts


def _row(name: str, host: dict[str, Any]) -> tuple[str, ...]:
    generation = host.get("generation")
    return (
        name,
        host["role"],
        str(host["address"]),
        "-" if generation is None else str(generation),
        "yes" if host.get("ready") else "no",
        host.get("complaint") or "healthy",
    )


def looked(place: Place) -> dict[str, Any]:
    """What every host says of itself now, by name; raises OperateError for a stack that was never up."""
    with environment(place.variables()):
        stack = select(place)
        exported = translated(place, stack.outputs).get("fleet")
        if exported is None:
            raise OperateError(f"stack {place.stack} has no hosts yet: run `make up STACK={place.stack}` first")
        outputs = StackOutputs.model_validate(exported.value)
        secret = translated(place, lambda: stack.get_config(CLUSTER_KEY)).value
        addresses = {name: host.ssh_address for name, host in outputs.hosts.items()}
        return _ask(place, addresses, logins(ClusterKeys.model_validate_json(secret)))


HEAD = ("HOST", "ROLE", "ADDRESS", "GENERATION", "READY", "STATE")


def rows(hosts: Mapping[str, dict[str, Any]]) -> list[tuple[str, ...]]:
    """One line per host."""
    return [_row(name, host) for name, host in sorted(hosts.items())]


def whole(hosts: Mapping[str, dict[str, Any]]) -> bool:
    """Whether every host answers and is healthy."""
    return all(host["healthy"] for host in hosts.values())

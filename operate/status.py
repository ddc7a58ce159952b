"""Asks every host how it is, through `python -m hostops status`. Reads the state for addresses; changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fleet.outputs import StackOutputs
from operate.engine import ROOT, Place, environment, select, translated
from operate.messages import OperateError
from operate.report import table

AT_ONCE = 8
"""Hosts asked at the same time."""

TIMEOUT_SECONDS = 120


def _ask(place: Place, host: str, address: str, deploy_key: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "hostops", "status", "--stack", place.stack, "--host", host]
    answer = subprocess.run(
        command,
        input=json.dumps({"deployKey": deploy_key}),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "NIXFLEET_ADDRESS": address},
        timeout=TIMEOUT_SECONDS,
    )
    if answer.returncode:
        last = (answer.stderr.strip().splitlines() or ["no answer"])[-1]
        return {"fault": last.removeprefix("hostops: ")}
    state = json.loads(answer.stdout)
    return state if isinstance(state, dict) else {}


def _row(host: str, state: dict[str, Any]) -> tuple[str, ...]:
    if "fault" in state:
        return (host, "-", "-", state["fault"])
    return (
        host,
        str(state.get("generation", "-")),
        "yes" if state.get("ready") else "no",
        str(state.get("system", "-")),
    )


def status(place: Place) -> int:
    """Print one line per host; 1 when a host does not answer or is not Ready."""
    with environment(place.variables()):
        stack = select(place)
        exported = translated(place, stack.outputs).get("fleet")
        if exported is None:
            raise OperateError(f"stack {place.stack} has no hosts yet: run `make up STACK={place.stack}` first")
        hosts = StackOutputs.model_validate(exported.value).hosts
        keys = json.loads(translated(place, lambda: stack.get_config("nixfleet:clusterKeys")).value)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            asked = {
                name: pool.submit(_ask, place, name, host.ssh_address, keys["deployKey"])
                for name, host in sorted(hosts.items())
            }
            states = {name: answer.result() for name, answer in asked.items()}
    print(table(("HOST", "GENERATION", "READY", "SYSTEM"), (_row(name, state) for name, state in states.items())))
    return 0 if all(state.get("ready") for state in states.values()) else 1

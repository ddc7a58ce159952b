"""The verb status: how every host does, as JSON. Hosts that do not answer are reported, not waited for."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from hostops.failure import Code, Failure
from hostops.look import Look, look
from hostops.ssh import DEPLOY, Line, NoAnswer
from hostops.tools import wanted_system

if TYPE_CHECKING:
    from hostops.task import Task

AT_ONCE = 16
LOOK_SECONDS = 45


def status(task: Task, host: str | None) -> tuple[str, Code]:
    """The JSON document and the exit code: UNREACHABLE if a host did not answer."""
    task.secrets.need("deployKey")
    names = [host] if host else sorted(task.contract.hosts)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        hosts = dict(zip(names, pool.map(lambda name: _report(task, name), names), strict=True))
    silent = sorted(name for name, report in hosts.items() if not report["reachable"])
    for name in silent:
        task.journal.say(name, "status", f"no answer: {hosts[name]['complaint']}")
    document = {"cluster": task.cluster.name, "hosts": hosts, "stack": task.stack}
    return json.dumps(document, indent=2, sort_keys=True), Code.UNREACHABLE if silent else Code.DONE


def _report(task: Task, host: str) -> dict[str, Any]:
    entry = task.host(host)
    report: dict[str, Any] = {"role": entry.role.value, "address": task.address(host), "reachable": False}
    try:
        seen = _look(task, host)
    except NoAnswer as error:
        return report | {"key": error.key, "healthy": False, "complaint": error.text}
    return report | _describe(task, host, seen)


def _look(task: Task, host: str) -> Look:
    if task.address(host) is None:
        raise NoAnswer("no address is known; pass it in NIXFLEET_PEERS")
    entry = task.host(host)
    error = NoAnswer("nothing was tried")
    for user in dict.fromkeys((DEPLOY, "root", entry.login_user)):
        line = Line(task, host, user=user, bootstrap=True)
        try:
            return look(line, entry, seconds=LOOK_SECONDS)
        except NoAnswer as latest:
            error = latest
            if not error.login:
                break
        finally:
            line.drop()
    raise error


def _describe(task: Task, host: str, seen: Look) -> dict[str, Any]:
    installed = seen.state == "installed"
    wanted = _wanted(task, host) if installed else None
    complaint = seen.complaint(task.host(host), task.cluster.k3s_version) if installed else f"{seen.state} runs there"
    identity = seen.identity
    return {
        "reachable": True,
        "key": seen.key,
        "state": seen.state,
        "identity": json.loads(identity.render()) if identity else None,
        "generation": int(seen["generation"]) if seen["generation"].isdigit() else None,
        "system": seen["current_system"] or None,
        "wanted": wanted,
        "upToDate": wanted == seen["current_system"] if wanted else None,
        "rebootDue": seen["reboot_due"] == "yes",
        "rolledBack": seen["rolled_back"] or None,
        "watchdogArmed": seen["watchdog"] == "active",
        "k3sVersion": seen.k3s_version or None,
        "ready": seen.ready,
        "etcd": (seen["etcd"] or None) if task.host(host).role == "server" else None,
        "healthy": not complaint,
        "complaint": complaint or None,
    }


def _wanted(task: Task, host: str) -> str | None:
    """The system that the contract means; None where there is no Nix to say so."""
    try:
        return wanted_system(task, host, "status")
    except Failure as failure:
        task.journal.say(host, failure.phase, f"the wanted system is unknown: {failure.text}")
        return None

"""The verb kubeconfig: the admin credential with the cluster's endpoint in it, to stdout and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from hostops.failure import Code, Failure
from hostops.ssh import Line, NoAnswer, script

if TYPE_CHECKING:
    from hostops.task import Task

READ_SECONDS = 30


def rename(document: Any, name: str, server: str) -> str:
    """k3s' kubeconfig with another server, and with the cluster's name instead of `default`; raises ValueError."""
    try:
        cluster, user = dict(document["clusters"][0]["cluster"]), document["users"][0]["user"]
        cluster["certificate-authority-data"], user["client-certificate-data"], user["client-key-data"]
    except (KeyError, IndexError, TypeError):
        raise ValueError("no kubeconfig with one cluster and one client certificate") from None
    renamed = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster | {"server": server}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
        "preferences": {},
        "users": [{"name": name, "user": user}],
    }
    return yaml.safe_dump(renamed, sort_keys=True)


def kubeconfig(task: Task) -> str:
    """From the first server that answers, in the order in which they formed the cluster."""
    task.secrets.need("deployKey")
    seen: list[str] = []
    for host in task.formation:
        try:
            text = _fetch(task, host)
            return rename(yaml.safe_load(text), task.cluster.name, f"https://{task.cluster.endpoint.name}:{task.cluster.endpoint.port}")
        except NoAnswer as error:
            seen.append(f"{host}: {error.text}")
        except (ValueError, yaml.YAMLError):
            # Neither the text nor the parser's words about it: both hold a private key.
            seen.append(f"{host}: it has no readable /etc/rancher/k3s/k3s.yaml yet")
    raise Failure(Code.UNREACHABLE, "kubeconfig", f"no server gave it; {'; '.join(seen)}; see: status --stack {task.stack}")


def _fetch(task: Task, host: str) -> str:
    if task.address(host) is None:
        raise NoAnswer("no address is known; pass it in NIXFLEET_PEERS")
    line = Line(task, host)
    try:
        reply = line.run(script("kubeconfig"), seconds=READ_SECONDS)
    finally:
        line.drop()
    if reply.status != 0:
        raise ValueError("no file")
    return reply.output

"""The verb kubeconfig: the admin credential with the cluster's endpoint in it, to stdout and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from hostops.failure import Code, Failure
from hostops.ssh import Line, NoAnswer, script

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostops.task import Task

READ_SECONDS = 30


def rename(text: str, name: str, server: Mapping[str, str]) -> str:
    """k3s' kubeconfig with another server, and with the cluster's name instead of `default`; raises ValueError."""
    document: Any = yaml.safe_load(text)
    try:
        cluster, user = dict(document["clusters"][0]["cluster"]), document["users"][0]["user"]
        cluster["certificate-authority-data"], user["client-certificate-data"], user["client-key-data"]
    except (KeyError, IndexError, TypeError):
        raise ValueError("no kubeconfig with one cluster and one client certificate") from None
    renamed = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster | dict(server)}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
        "preferences": {},
        "users": [{"name": name, "user": user}],
    }
    return yaml.safe_dump(renamed, sort_keys=True)


def _server(task: Task) -> dict[str, str]:
    """Where the API is: by address where one is given, so that no DNS entry is needed; the certificate has the name."""
    endpoint, given = task.cluster.endpoint, task.environment.get("NIXFLEET_ENDPOINT", "")
    if given:
        return {"server": given, "tls-server-name": endpoint.name}
    return {"server": f"https://{endpoint.name}:{endpoint.port}"}


def kubeconfig(task: Task, host: str | None) -> str:
    """From that server, or from the first one that answers, in the order in which they formed the cluster."""
    task.secrets.need("deployKey")
    if host and host not in task.formation:
        servers = ", ".join(task.formation)
        raise Failure(Code.USAGE, "kubeconfig", f"{host} is no server and has no admin credential; servers: {servers}")
    seen: list[str] = []
    # The one that is named comes first; the others know the same when it is down.
    for name in dict.fromkeys((*([host] if host else []), *task.formation)):
        try:
            return rename(_fetch(task, name), task.cluster.name, _server(task))
        except NoAnswer as error:
            seen.append(f"{name}: {error.text}")
        except (ValueError, yaml.YAMLError):
            # Neither the text nor the parser's words about it: both hold a private key.
            seen.append(f"{name}: it has no readable /etc/rancher/k3s/k3s.yaml yet")
    what = f"no server gave it: {'; '.join(seen)}"
    raise Failure(Code.UNREACHABLE, "kubeconfig", f"{what}; see: python -m hostops status --stack {task.stack}")


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

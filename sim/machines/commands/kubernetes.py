"""The k3s program, and curl against its health addresses."""

from __future__ import annotations

import json
import re

from sim.machines.commands import kubectl
from sim.machines.commands.call import Call, Reply, not_simulated

PING = re.compile(r"https://((?!127\.)[\d.]+):6443/ping")


async def k3s(call: Call) -> Reply:
    """Run k3s' own subcommands: kubectl, etcd-snapshot save, --version."""
    match call.argv:
        case ("kubectl", *rest):
            return await kubectl.run(call, list(rest))
        case ("--version",):
            return Reply(out=f"k3s version {call.host.current_system().cluster['k3sVersion']} (simulated)\n")
        case ("etcd-snapshot", "save", *rest):
            return _snapshot(call, list(rest))
    return not_simulated(call, " ".join(call.argv))


async def killall(call: Call) -> Reply:
    """k3s' own script: the service and every container of it end."""
    call.host.stop_k3s()
    call.host.site.world.record(call.host.name, "k3s killall")
    return Reply()


async def kubectl_command(call: Call) -> Reply:
    """`k3s kubectl` under its short name."""
    return await kubectl.run(call, list(call.argv))


def _snapshot(call: Call, words: list[str]) -> Reply:
    cluster = call.host.site.kube.cluster_of(call.host.id)
    if cluster is None or not call.host.site.kube.answering(cluster):
        return Reply(1, err="FATA[0000] see server log for details: server is not ready\n")
    name = words[words.index("--name") + 1] if "--name" in words else "on-demand"
    path = call.host.root / "var/lib/rancher/k3s/server/db/snapshots" / f"{name}-{call.host.name}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(call.host.site.world.read(cluster)))
    call.host.site.world.record(call.host.name, "etcd snapshot", name)
    return Reply(out=f"Snapshot {path.name} saved.\n")


async def curl(call: Call) -> Reply:
    """Ask a health address of this server: etcd's on 2379 and 2381, the API's on 6443; or whether another one lives."""
    address = next((word for word in call.argv if word.startswith("http")), "")
    kube = call.host.site.kube
    if match := PING.fullmatch(address):
        return _ping(call, match[1])
    cluster = kube.cluster_of(call.host.id)
    if cluster is None:
        return Reply(7, err=f"curl: (7) Failed to connect to {address}\n")
    healthy = kube.answering(cluster)
    if address in ("https://127.0.0.1:2379/health", "http://127.0.0.1:2381/health"):
        reason = "" if healthy else "RAFT NO LEADER"
        return Reply(out=json.dumps({"health": str(healthy).lower(), "reason": reason}))
    if address.startswith("https://127.0.0.1:6443/"):
        return Reply(out="ok" if healthy else "[-]etcd failed: reason withheld\nreadyz check failed\n")
    return not_simulated(call, address or "a call without an address")


def _ping(call: Call, peer: str) -> Reply:
    """Whether another server lives, as the status that `--write-out %{http_code}` prints."""
    cluster = call.host.site.kube.listening(peer, call.host.id)
    if cluster is None:
        return Reply(7, out="000", err=f"curl: (7) Failed to connect to {peer} port 6443\n")
    return Reply(out="200" if call.host.site.kube.answering(cluster) else "503")

"""The k3s program, and curl against its health addresses."""

from __future__ import annotations

import json
import re

from sim.machines.commands import kubectl, snapshots
from sim.machines.commands.call import Call, Reply, not_simulated
from sim.machines.service import KUBECONFIG

PING = re.compile(r"https://((?!127\.)[\d.]+):6443/ping")


async def k3s(call: Call) -> Reply:
    """Run k3s' own subcommands."""
    match call.argv:
        case ("kubectl", *rest):
            return await kubectl.run(call, list(rest))
        case ("--version",):
            return Reply(out=f"k3s version {call.host.current_system().cluster['k3sVersion']} (simulated)\n")
        case ("etcd-snapshot", *_):
            return snapshots.snapshots(call)
        case ("server", *_):
            return snapshots.reset(call)
        case ("certificate", "rotate"):
            return _new_certificates(call)
    return not_simulated(call, " ".join(call.argv))


async def killall(call: Call) -> Reply:
    """k3s' own script: the service and every container of it end."""
    call.host.stop_k3s()
    call.host.site.world.record(call.host.name, "k3s killall")
    return Reply()


async def kubectl_command(call: Call) -> Reply:
    """`k3s kubectl` under its short name."""
    return await kubectl.run(call, list(call.argv))


def _new_certificates(call: Call) -> Reply:
    """k3s makes certificates that are not there at its next start; it must not run meanwhile."""
    if call.host.site.kube.services.get(call.host.id):
        return Reply(1, err='level=fatal msg="stop k3s before its certificates are rotated"\n')
    (call.host.root / KUBECONFIG).unlink(missing_ok=True)
    call.host.site.world.record(call.host.name, "k3s certificates rotated")
    return Reply()


def _new_token(call: Call, file: str) -> Reply:
    """What the API of a server does when it is given another server token; prints the status of the answer."""
    path = call.host.root / file.removeprefix(str(call.host.root)).lstrip("/")
    given = dict(re.findall(r'^([a-z-]+) = "(.*)"$', path.read_text(), re.MULTILINE))
    cluster = call.host.site.kube.cluster_of(call.host.id)
    if given.get("request") != "PUT" or given.get("url") != "https://127.0.0.1:6443/v1-k3s/token":
        return not_simulated(call, f"{given.get('request')} {given.get('url')}")
    if cluster is None or not call.host.site.kube.answering(cluster):
        return Reply(7, out="000")
    with call.host.site.world.edit(cluster) as document:
        if given.get("user") != f"server:{document['tokens']['server']}":
            return Reply(out="401")
        document["tokens"]["server"] = json.loads(given["data"].replace('\\"', '"'))["newToken"]
    call.host.site.world.record(call.host.name, "k3s token rotated")
    return Reply(out="200")


async def curl(call: Call) -> Reply:
    """Ask a health address of this server: etcd's on 2379 and 2381, the API's on 6443; or whether another one lives."""
    if call.argv[:1] == ("--config",):
        return _new_token(call, call.argv[1])
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

"""Stack `sim` with as many hosts as one likes: what the benchmark measures, and what graphs are counted on."""

from __future__ import annotations

import copy
import json
import secrets
import shlex
import sys
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from sim.machines import certificates, nodes
from sim.machines.closure import Closure
from sim.site import config_of_stack

if TYPE_CHECKING:
    from sim.site import Site

CLOUD_WORKERS = 94
"""With the servers of stack sim and the load balancer just below what Hetzner attaches to one network."""


def many(count: int) -> dict[str, Any]:
    """The config of stack sim with agents up to `count` hosts: at Hetzner while its network takes them, then boards."""
    config = copy.deepcopy(config_of_stack("sim"))
    fleet = config["nixfleet:fleet"]
    hosts = fleet["hosts"]
    server, board = hosts["hcloud-1"], hosts["n100-1"]
    public, private, shelf = IPv4Address("10.90.4.0"), IPv4Address("10.20.4.0"), IPv4Address("192.168.60.0")
    fleet["network"]["range"] = "10.90.0.0/16"
    # A /24 for each of the hosts.
    fleet["cluster"]["podRange"] = "10.128.0.0/12"
    fleet["providers"]["hcloud"]["network"]["subnet"] = "10.20.0.0/16"
    for number in range(1, count - len(hosts) + 1):
        address = str(public + number)
        serial = f"BENCH{number:04}"
        disk = {**board["disk"], "device": f"/dev/disk/by-id/nvme-{serial}", "serial": serial}
        hosts[f"worker-{number:03}"] = (
            {**server, "role": "agent", "address": address, "privateAddress": str(private + number)}
            if number <= CLOUD_WORKERS
            else {**board, "address": address, "sshAddress": str(shelf + number), "disk": disk}
        )
    return config


def at_once(site: Site) -> None:
    """Let hostops' commands of a site answer at once, and its cluster be there with every node Ready.

    Program, engine, clouds and cluster's API are what they always are, and so is the state that a run writes; only no
    host is worked on, and the engine writes the state once, at its end. A site of hundreds comes up within minutes so.
    """
    world, stack = site.stage.world, site.stage.stack
    contract = json.loads((site.stage.base / "contracts" / f"{stack}.json").read_bytes())
    cluster, authority = contract["cluster"], certificates.new_authority()
    world.write(
        f"clusters/{cluster['name']}",
        {
            "name": cluster["name"],
            "id": secrets.token_hex(8),
            "stack": stack,
            "endpoint": cluster["endpoint"],
            "authority": authority,
            "available": True,
            "members": {},
            "nodes": {host: _ready(stack, host, cluster, entry) for host, entry in contract["hosts"].items()},
            "passwords": {},
            "objects": {},
        },
    )
    credential = world.root / "kubeconfig"
    address = f"https://{cluster['endpoint']['name']}:{cluster['endpoint']['port']}"
    credential.write_text(certificates.kubeconfig(authority).replace("https://127.0.0.1:6443", address))
    # The engine writes the whole state after each step otherwise, which is most of its work on so many resources.
    site.stage.place.environment.update(  # type: ignore[attr-defined]  # a dict, and this site's alone
        {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
    )
    # The program's commands look here first (components/commands.py).
    python = site.folder / ".venv/bin/python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        f'"-m hostops kubeconfig "*) cat {shlex.quote(str(credential))} ;;\n'
        '"-m hostops "*) cat >/dev/null ;;\n'
        f'*) exec {shlex.quote(sys.executable)} "$@" ;;\n'
        "esac\n"
    )
    python.chmod(0o755)


def _ready(stack: str, host: str, cluster: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    node = nodes.new_node(Closure(path="", stack=stack, host=host, kernel="", cluster=cluster, entry=entry))
    node["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    return node

"""Stack `sim` with as many hosts as one likes: what the benchmark measures, and what graphs are counted on."""

from __future__ import annotations

import copy
from ipaddress import IPv4Address
from typing import Any

from sim.site import config_of_stack

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

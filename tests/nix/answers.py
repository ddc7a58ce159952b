"""Answers of machines to the phases of a cluster test: two servers and an agent on a bond with two VLANs.

As their tools print them: of iproute2, kubectl and crictl the keys that a phase may read, with some around them.
"""

from __future__ import annotations

import json
from typing import Any

FACTS: dict[str, Any] = {
    "agents": ["agent-1"],
    "airgap": True,
    "bond": {"members": ["eth1", "eth2"], "miimonMs": 100, "mode": "active-backup", "name": "bond0", "primary": "eth1"},
    "constraint": "delay 50ms 10ms",
    "etcd": {"election-timeout": 10000, "heartbeat-interval": 1000},
    "firmware": "bios",
    "hosts": {
        "agent-1": {"address": "192.168.200.3", "storageAddress": "192.168.100.3"},
        "server-1": {"address": "192.168.200.1", "storageAddress": "192.168.100.1"},
        "server-2": {"address": "192.168.200.2", "storageAddress": "192.168.100.2"},
    },
    "interfaces": {"cluster": "bond0.200", "storage": "bond0.100"},
    "sequentialJoin": True,
    "servers": ["server-1", "server-2"],
    "stranger": {"address": "192.168.200.4/24", "interface": "wrong", "link": "bond0", "vlan": 201},
    "vlans": {"cluster": 200, "storage": 100},
}

Answer = str | list[str]
"""What a command prints; a list: one after the other, the last one for good."""


def _json(value: object) -> str:
    return json.dumps(value)


def _addresses(interface: str, address: str) -> str:
    one = {"family": "inet", "local": address, "prefixlen": 24, "scope": "global", "label": interface}
    return _json([{"ifname": interface, "operstate": "UP", "addr_info": [one]}])


def _vlan(interface: str, number: int) -> str:
    info = {"info_kind": "vlan", "info_data": {"protocol": "802.1Q", "id": number, "flags": ["REORDER_HDR"]}}
    return _json([{"ifname": interface, "link": "bond0", "linkinfo": info}])


def _received(interface: str, packets: int) -> str:
    counted = {"bytes": packets * 98, "packets": packets, "errors": 0, "dropped": 0, "over_errors": 0, "multicast": 0}
    return _json([{"ifname": interface, "stats64": {"rx": counted, "tx": {"bytes": 0, "packets": 0}}}])


def _bond(active: str) -> str:
    info = {"info_kind": "bond", "info_data": {"mode": "active-backup", "active_slave": active, "miimon": 100}}
    return _json([{"ifname": "bond0", "linkinfo": info}])


def _nodes(*names: str) -> str:
    ready = [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": "True"}]
    return _json({"items": [{"metadata": {"name": name}, "status": {"conditions": ready}} for name in names]})


def _pod(phase: str) -> str:
    return _json({"kind": "Pod", "status": {"phase": phase}})


def _host(name: str) -> dict[str, Answer]:
    facts = FACTS["hosts"][name]
    stats = "ip -json -stats link show dev"
    counts = range(100, 160, 6)
    return {
        "systemctl list-units --failed --output=json": "[]",
        "if [ -d /sys/firmware/efi ]; then echo uefi; else echo bios; fi": "bios\n",
        "ip -json -4 address show dev bond0.200": _addresses("bond0.200", facts["address"]),
        "ip -json route show default": "[]",
        "ip -json -details link show dev bond0.200": _vlan("bond0.200", 200),
        "ip -json -details link show dev bond0.100": _vlan("bond0.100", 100),
        f"{stats} bond0.200": [_received("bond0.200", packets) for packets in counts],
        f"{stats} bond0.100": _received("bond0.100", 7),
        "tc -json qdisc show dev bond0.200": _json([{"kind": "netem", "handle": "8001:", "root": True, "options": {}}]),
        "fleet-status || true": _json({"healthy": True, "k3s": {"unit": "active", "api": "401", "healthy": True}}),
        "findmnt --json --target /var/lib/longhorn": _json({"filesystems": [{"target": "/", "fstype": "ext4"}]}),
    }


def answers() -> dict[str, dict[str, Answer]]:
    """By machine and command; a command that is not here prints nothing and succeeds."""
    found = {name: _host(name) for name in FACTS["hosts"]}
    nodes = "k3s kubectl get nodes"
    found["server-1"] |= {
        f"{nodes} --output=json": [
            _nodes("server-1"),
            _nodes("server-1", "server-2"),
            _nodes("agent-1", "server-1", "server-2"),
        ],
        f"{nodes} -l node-role.kubernetes.io/etcd=true --output=json": _nodes("server-2", "server-1"),
        "k3s kubectl get --raw /readyz": "ok",
        "k3s kubectl get --raw /readyz/etcd": "ok",
        "k3s kubectl -n kube-system get deployment coredns --output=json": [
            _json({"status": {"observedGeneration": 1}}),
            _json({"status": {"replicas": 1, "readyReplicas": 1}}),
        ],
        "k3s crictl images --output=json": _json(
            {
                "images": [
                    {"id": "sha256:1", "repoTags": ["docker.io/rancher/mirrored-pause:3.6"]},
                    {"id": "sha256:2", "repoTags": ["docker.io/rancher/mirrored-library-busybox:1.37.0"]},
                ]
            }
        ),
        "k3s kubectl -n default get pod writer --output=json": [_pod("Pending"), _pod("Running"), _pod("Succeeded")],
        "k3s kubectl -n default get pod reader --output=json": [_pod("Pending"), _pod("Succeeded")],
        "k3s kubectl -n default get pvc proof --output=json": _json(
            {"spec": {"volumeName": "proof"}, "status": {"phase": "Bound"}}
        ),
        "k3s kubectl -n default logs reader": "kept\n",
    }
    etcd = "data-dir: /var/lib/rancher/k3s/server/db/etcd\nelection-timeout: 10000\nheartbeat-interval: 1000\n"
    for name in FACTS["servers"]:
        found[name]["cat /var/lib/rancher/k3s/server/db/etcd/config"] = etcd
    found["agent-1"]["ip -json -details link show dev bond0"] = [_bond("eth1"), _bond("eth2")]
    found["stranger"] = {"ip -json -details link show dev wrong": _vlan("wrong", 201)}
    return found


WRONG: dict[str, tuple[str, str, Answer, str]] = {
    "boot": (
        "server-2",
        "systemctl list-units --failed --output=json",
        _json([{"unit": "k3s.service"}]),
        "failed units",
    ),
    "firmware": ("agent-1", "if [ -d /sys/firmware/efi ]; then echo uefi; else echo bios; fi", "uefi\n", "by uefi"),
    "air_gap": ("agent-1", "ip -json route show default", _json([{"dst": "default", "dev": "eth0"}]), "eth0"),
    "network": ("server-1", "ip -json -4 address show dev bond0.200", "[]", "address 192.168.200.1 on bond0.200"),
    "vlan_tags": ("agent-1", "ip -json -details link show dev bond0.100", _vlan("bond0.100", 101), "VLAN id"),
    "storage_network": ("agent-1", "ping -c 1 -W 5 -I bond0.100 192.168.100.2", "", "failed"),
    "isolation": (
        "server-2",
        "ip -json -stats link show dev bond0.100",
        [_received("bond0.100", packets) for packets in range(0, 3000, 3)],
        "by bond0.200 only",
    ),
    "wrong_vlan": ("stranger", "ip -json -details link show dev wrong", _vlan("wrong", 200), "wrong"),
    "constrain": (
        "agent-1",
        "tc -json qdisc show dev bond0.200",
        _json([{"kind": "noqueue", "root": True}]),
        "noqueue",
    ),
    "form": ("server-1", "k3s kubectl get --raw /readyz", "", "readyz"),
    "join": ("server-1", "k3s kubectl get nodes --output=json", _nodes("server-1"), "server-2 joined"),
    "etcd": (
        "server-2",
        "cat /var/lib/rancher/k3s/server/db/etcd/config",
        "election-timeout: 5000\nheartbeat-interval: 500\n",
        "election-timeout is not 10000",
    ),
    "core_dns": (
        "server-1",
        "k3s kubectl -n kube-system get deployment coredns --output=json",
        _json({"status": {}}),
        "CoreDNS",
    ),
    "status": ("agent-1", "fleet-status || true", _json({"k3s": {"healthy": False}}), "agent-1"),
    "bond_failover": ("agent-1", "ip -json -details link show dev bond0", _bond("eth1"), "bond moved"),
    "storage_host": (
        "server-2",
        "findmnt --json --target /var/lib/longhorn",
        _json({"filesystems": [{"target": "/", "fstype": "btrfs"}]}),
        "btrfs",
    ),
    "storage_claim": ("server-1", "k3s kubectl -n default logs reader", "lost\n", "lost"),
}
"""What each phase must not pass with: a machine, its command, the answer, and a part of what the phase then says."""

"""Inputs behind the rows of the facts: a base per variant, other values per input, rows that change more than one."""

from __future__ import annotations

import json
from typing import Any

from sim.plugins.values import UNKNOWN

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPrVm1G4GchcX7H5IDMFfYyGFSSyRdXpKdxZIbF5z/55"
RULES = [
    {"direction": "in", "protocol": "tcp", "port": "22", "sourceIps": ["0.0.0.0/0"]},
    {"direction": "in", "protocol": "icmp", "sourceIps": ["0.0.0.0/0"]},
]
CHECK = {"protocol": "tcp", "port": 6443, "interval": 15, "timeout": 10, "retries": 3}
NETWORKS = [{"networkId": 5, "ip": "10.0.0.5", "aliasIps": []}]
PRIVATE = {"network": {"id": "n", "subnetId": "s"}, "ip": "10.0.0.9"}

HCLOUD_BASES: dict[str, dict[str, dict[str, Any]]] = {
    "SshKey": {
        "base": {"name": "k", "publicKey": KEY, "labels": {"a": "b"}},
        "autonamed": {"publicKey": KEY},
    },
    "Network": {
        "base": {"name": "n", "ipRange": "10.0.0.0/16", "labels": {"a": "b"}, "deleteProtection": True},
        "autonamed": {"ipRange": "10.0.0.0/16"},
    },
    "NetworkSubnet": {
        "base": {"networkId": 5, "type": "cloud", "networkZone": "eu-central", "ipRange": "10.0.1.0/24"},
    },
    "Firewall": {
        "base": {"name": "f", "labels": {"a": "b"}, "rules": RULES},
        "with applyTos": {"name": "f", "applyTos": [{"server": 1}]},
    },
    "PlacementGroup": {"base": {"name": "g", "type": "spread", "labels": {"a": "b"}}},
    "Server": {
        "minimal": {"name": "s", "serverType": "cx23", "image": "debian-13", "location": "fsn1"},
        "full": {
            "name": "s",
            "serverType": "cx23",
            "image": "debian-13",
            "location": "fsn1",
            "sshKeys": ["1"],
            "userData": "#cloud-config",
            "labels": {"a": "b"},
            "networks": NETWORKS,
            "publicNets": [{"ipv4Enabled": True, "ipv6Enabled": False}],
            "firewallIds": [7],
            "placementGroupId": 9,
            "backups": True,
            "deleteProtection": True,
            "rebuildProtection": True,
            "keepDisk": True,
            "shutdownBeforeDeletion": True,
        },
        "autonamed": {"serverType": "cx23", "image": "debian-13", "location": "fsn1"},
        "no location": {"name": "s", "serverType": "cx23", "image": "debian-13"},
    },
    "ServerNetwork": {
        "by network": {"serverId": 1, "networkId": 2, "ip": "10.0.0.5"},
        "by subnet": {"serverId": 1, "subnetId": "2-10.0.0.0/24", "ip": "10.0.0.5"},
    },
    "LoadBalancer": {
        "by location": {
            "name": "l",
            "loadBalancerType": "lb11",
            "location": "fsn1",
            "labels": {"a": "b"},
            "algorithm": {"type": "round_robin"},
        },
        "by zone": {"name": "l", "loadBalancerType": "lb11", "networkZone": "eu-central"},
        "autonamed": {"loadBalancerType": "lb11", "location": "fsn1"},
    },
    "LoadBalancerNetwork": {
        "by network": {"loadBalancerId": 1, "networkId": 2, "ip": "10.0.0.5"},
        "by subnet": {"loadBalancerId": 1, "subnetId": "2-10.0.0.0/24"},
    },
    "LoadBalancerService": {
        "tcp": {
            "loadBalancerId": "4",
            "protocol": "tcp",
            "listenPort": 6443,
            "destinationPort": 6443,
            "healthCheck": CHECK,
        },
        "http": {"loadBalancerId": "4", "protocol": "http"},
    },
    "LoadBalancerTarget": {
        "server": {"loadBalancerId": 4, "type": "server", "serverId": 9, "usePrivateIp": True},
        "label": {"loadBalancerId": 4, "type": "label_selector", "labelSelector": "a=b"},
        "ip": {"loadBalancerId": 4, "type": "ip", "ip": "203.0.113.5"},
    },
    "Volume": {
        "by location": {"name": "v", "size": 20, "location": "fsn1", "format": "ext4", "labels": {"a": "b"}},
        "by server": {"name": "v", "size": 20, "serverId": 4},
        "autonamed": {"size": 20, "location": "fsn1"},
    },
    "VolumeAttachment": {"base": {"volumeId": 1, "serverId": 2, "automount": True}},
}

HCLOUD_OTHERS: dict[str, dict[str, Any]] = {
    "*": {
        "name": "other",
        "labels": {"a": "c"},
        "location": "nbg1",
        "networkZone": "us-east",
        "loadBalancerId": 77,
        "networkId": 77,
        "serverId": 77,
        "volumeId": 77,
        "subnetId": "77-10.0.0.0/24",
        "ip": "10.0.0.77",
        "ipRange": "10.1.0.0/16",
        "deleteProtection": False,
        "usePrivateIp": False,
        "automount": False,
    },
    "SshKey": {"publicKey": KEY.replace("55", "66")},
    "Network": {"exposeRoutesToVswitch": True},
    "NetworkSubnet": {"type": "vswitch", "vswitchId": 3},
    "Firewall": {"rules": [RULES[0]], "applyTos": [{"server": 2}]},
    "PlacementGroup": {"type": "other"},
    "Server": {
        "serverType": "cx33",
        "image": "ubuntu-24.04",
        "datacenter": "fsn1-dc14",
        "sshKeys": ["2"],
        "userData": "#!/bin/sh",
        "networks": [{"networkId": 8}],
        "publicNets": [{"ipv4Enabled": True, "ipv6Enabled": True}],
        "firewallIds": [8],
        "placementGroupId": 8,
        "backups": False,
        "keepDisk": False,
        "shutdownBeforeDeletion": False,
        "rescue": "linux64",
        "iso": "x.iso",
        "allowDeprecatedImages": True,
        "ignoreRemoteFirewallIds": True,
    },
    "ServerNetwork": {"aliasIps": ["10.0.0.6"]},
    "LoadBalancer": {"loadBalancerType": "lb21", "algorithm": {"type": "least_connections"}},
    "LoadBalancerNetwork": {"enablePublicInterface": False},
    "LoadBalancerService": {
        "loadBalancerId": "77",
        "protocol": "http",
        "listenPort": 77,
        "destinationPort": 77,
        "proxyprotocol": True,
        "healthCheck": CHECK | {"interval": 30},
        "http": {"redirectHttp": True},
    },
    "LoadBalancerTarget": {"labelSelector": "c=d"},
    "Volume": {"size": 30, "format": "xfs", "deleteProtection": True, "automount": True},
}

HCLOUD_ROWS: dict[tuple[str, str, str], dict[str, Any]] = {
    ("SshKey", "base", 'publicKey: change "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPr'): {"publicKey": f"{KEY} comment"},
    ("Firewall", "base", 'rules: change [{"direction": "in", "protocol": "tcp", '): {"rules": RULES[::-1]},
    ("Server", "minimal", "deleteProtection: add"): {"deleteProtection": True, "rebuildProtection": True},
    ("Server", "full", "deleteProtection: change"): {"deleteProtection": False, "rebuildProtection": False},
    ("Server", "full", 'networks: change [{"networkId": 6, "ip": "10.0.0.5", "ali'): {
        "networks": [{"networkId": 6, "ip": "10.0.0.5", "aliasIps": []}]
    },
    ("Server", "full", 'networks: change [{"networkId": 5, "ip": "10.0.0.5", "ali'): {
        "networks": [{"networkId": 5, "ip": "10.0.0.5", "aliasIps": ["10.0.0.6"]}]
    },
    ("Server", "no location", "location: add"): {"location": "fsn1"},
    ("ServerNetwork", "by network", "subnetId: add"): {"networkId": None, "subnetId": "2-10.0.0.0/24"},
    ("LoadBalancerNetwork", "by network", "subnetId: add"): {"networkId": None, "subnetId": "2-10.0.0.0/24"},
    ("LoadBalancerService", "tcp", 'healthCheck: change {"protocol": "http", "port": 6443, "inte'): {
        "healthCheck": CHECK | {"protocol": "http"}
    },
    ("LoadBalancerService", "http", "protocol: change"): {"protocol": "tcp"},
    ("LoadBalancerTarget", "server", "type: change"): {
        "type": "label_selector",
        "serverId": None,
        "labelSelector": "a=b",
    },
    ("LoadBalancerTarget", "label", "usePrivateIp: add"): {"usePrivateIp": True},
    ("Volume", "by server", "automount: add"): {"automount": True},
}

HCLOUD_FILL = {"location": "fsn1", "enablePublicInterface": True}
"""Dummies that have to be of the right kind, as rows compare with them."""

OVH_BASES: dict[str, dict[str, dict[str, Any]]] = {
    "Instance": {
        "base": {
            "serviceName": "p",
            "region": "GRA11",
            "billingPeriod": "hourly",
            "bootFrom": {"imageId": "i"},
            "flavor": {"flavorId": "f"},
            "name": "n",
            "network": {"public": True},
            "sshKey": {"name": "k"},
        }
    },
    "NetworkPrivate": {
        "base": {"serviceName": "p", "name": "n", "regions": ["GRA11"], "vlanId": 5},
        "autonamed": {"serviceName": "p", "vlanId": 5},
    },
    "NetworkPrivateSubnetV2": {
        "base": {
            "serviceName": "p",
            "networkId": "n",
            "region": "GRA11",
            "cidr": "10.0.0.0/24",
            "name": "s",
            "dhcp": True,
        }
    },
    "CloudProjectSshKey": {"base": {"serviceName": "p", "name": "k", "publicKey": KEY}},
}

OVH_OTHERS: dict[str, dict[str, Any]] = {
    "*": {
        "serviceName": "q",
        "region": "SBG5",
        "name": "other",
        "regions": ["SBG5"],
        "vlanId": 6,
        "networkId": "m",
        "cidr": "10.0.1.0/24",
        "dhcp": False,
        "dnsNameservers": ["192.0.2.53"],
        "enableGatewayIp": False,
        "gatewayIp": "10.0.0.254",
        "hostRoutes": [{"destination": "10.9.0.0/16", "nexthop": "10.0.0.2"}],
        "allocationPools": [{"start": "10.0.0.10", "end": "10.0.0.20"}],
        "useDefaultPublicDnsResolver": True,
        "publicKey": KEY.replace("55", "66"),
        "billingPeriod": "monthly",
        "bootFrom": {"imageId": "j"},
        "flavor": {"flavorId": "g"},
        "network": {"public": False},
        "sshKey": {"name": "other"},
        "userData": "u",
        "availabilityZone": "z",
        "group": {"groupId": "g"},
        "autoBackup": {"cron": "* * * * *", "rotation": 1},
        "bulk": 2,
    }
}

OVH_ROWS: dict[tuple[str, str, str], dict[str, Any]] = {
    ("Instance", "base", 'network: change {"public": true, "private": {"network": '): {
        "network": {"public": True, "private": PRIVATE}
    },
    ("Instance", "base", "sshKeyCreate: add"): {"sshKey": None, "sshKeyCreate": {"name": "k", "publicKey": KEY}},
}

COMMAND_BASE: dict[str, Any] = {
    "create": "true",
    "update": "true",
    "delete": "true",
    "environment": {"FOO": "bar"},
    "stdin": "in",
    "triggers": ["a", "b", "c"],
    "logging": "none",
    "addPreviousOutputInEnv": True,
    "connection": {"host": "192.0.2.1", "user": "root"},
    "dir": "/",
    "interpreter": ["/bin/sh", "-c"],
    "assetPaths": ["a*"],
    "archivePaths": ["b*"],
}

COMMAND_OTHERS: dict[str, Any] = {
    "create": "false",
    "update": "false",
    "delete": "false",
    "environment": {"FOO": "baz"},
    "stdin": "other",
    "logging": "stdout",
    "addPreviousOutputInEnv": False,
    "connection": {"host": "192.0.2.2", "user": "root"},
    "dir": "/tmp",  # noqa: S108 - compared, never used
    "interpreter": ["/bin/bash", "-c"],
    "assetPaths": ["c*"],
    "archivePaths": ["d*"],
}

COMMAND_TRIGGERS: dict[str, Any] = {
    "triggers: change": ["z", "b", "c"],
    "triggers: append": ["a", "b", "c", "d"],
    "triggers: drop last": ["a", "b"],
    "triggers: unknown element": ["a", "b", UNKNOWN],
    "triggers: whole unknown": UNKNOWN,
}


def delta(
    rows: dict[tuple[str, str, str], dict[str, Any]],
    others: dict[str, dict[str, Any]],
    kind: str,
    variant: str,
    action: str,
) -> dict[str, Any]:
    """Say what a row changes; a value that the facts spell out whole is taken from them."""
    if action == "unchanged":
        return {}
    if (kind, variant, action) in rows:
        return rows[kind, variant, action]
    name, _, rest = action.partition(": ")
    verb, _, text = rest.partition(" ")
    if verb == "remove":
        return {name: None}
    if text:
        return {name: json.loads(text)}
    return {name: others.get(kind, {}).get(name, others["*"].get(name))}

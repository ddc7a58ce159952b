"""The resource types of hcloud as tables: generation of the plugin's code, replacing, computed and renamed inputs."""

from __future__ import annotations

from typing import Final

from sim.plugins.hcloud import rules
from sim.plugins.table import Table, Type

LABELS: Final[Type] = {"<any>": "string"}

SSH_KEY = Table(
    fields={"labels": LABELS, "name": "string", "publicKey": "string"},
    required=("publicKey",),
    replaces=frozenset({"publicKey"}),
    outputs=("fingerprint",),
    framework={
        "publicKey": "Public key of the SSH Key pair. "
        "If this is a file, it can be read using the `file` interpolation function."
    },
    rules=(rules.framework_labels,),
)

NETWORK = Table(
    fields={
        "deleteProtection": "boolean",
        "exposeRoutesToVswitch": "boolean",
        "ipRange": "string",
        "labels": LABELS,
        "name": "string",
    },
    required=("ipRange",),
    replaces=frozenset({"ipRange"}),
    rules=(rules.cidr, rules.labels),
)

NETWORK_SUBNET = Table(
    fields={
        "ipRange": "string",
        "networkId": "integer",
        "networkZone": "string",
        "type": "string",
        "vswitchId": "integer",
    },
    required=("networkId", "type", "networkZone", "ipRange"),
    replaces=frozenset({"ipRange", "networkId", "networkZone", "type", "vswitchId"}),
    outputs=("gateway",),
    rules=(rules.one_of("type", "type", "cloud", "server", "vswitch"),),
)

FIREWALL = Table(
    fields={
        "applyTos": [{"labelSelector": "string", "server": "integer"}],
        "labels": LABELS,
        "name": "string",
        "rules": [
            {
                "description": "string",
                "destinationIps": ["string"],
                "direction*": "string",
                "port": "string",
                "protocol*": "string",
                "sourceIps": ["string"],
            }
        ],
    },
    kept=frozenset({"applyTos", "labels"}),
    unordered=frozenset({"applyTos", "rules"}),
    rules=(rules.firewall_rules, rules.labels),
)

PLACEMENT_GROUP = Table(
    fields={"labels": LABELS, "name": "string", "type": "string"},
    required=("type",),
    replaces=frozenset({"type"}),
    outputs=("servers",),
    rules=(rules.spread_only, rules.labels),
)

SERVER = Table(
    fields={
        "allowDeprecatedImages": "boolean",
        "backups": "boolean",
        "datacenter": "string",
        "deleteProtection": "boolean",
        "firewallIds": ["integer"],
        "ignoreRemoteFirewallIds": "boolean",
        "image": "string",
        "iso": "string",
        "keepDisk": "boolean",
        "labels": LABELS,
        "location": "string",
        "name": "string",
        "networks": [
            {
                "aliasIps": ["string"],
                "ip": "string",
                "macAddress": "string",
                "networkId": "integer",
                "subnetId": "string",
            }
        ],
        "placementGroupId": "integer",
        "publicNets": [{"ipv4": "integer", "ipv4Enabled": "boolean", "ipv6": "integer", "ipv6Enabled": "boolean"}],
        "rebuildProtection": "boolean",
        "rescue": "string",
        "serverType": "string",
        "shutdownBeforeDeletion": "boolean",
        "sshKeys": ["string"],
        "userData": "string",
    },
    required=("serverType",),
    replaces=frozenset({"datacenter", "image", "location", "sshKeys", "userData"}),
    kept=frozenset({"datacenter", "firewallIds", "image", "location"}),
    parts_kept={"networks": frozenset({"ip", "macAddress", "subnetId"})},
    parts_default={"networks": {"aliasIps": []}},
    unordered=frozenset({"firewallIds", "networks"}),
    hashed=frozenset({"userData"}),
    unread=frozenset(
        {
            "allowDeprecatedImages",
            "ignoreRemoteFirewallIds",
            "keepDisk",
            "shutdownBeforeDeletion",
            "sshKeys",
            "userData",
        }
    ),
    outputs=(
        "backupWindow",
        "datacenter",
        "ipv4Address",
        "ipv6Address",
        "ipv6Network",
        "primaryDiskSize",
        "status",
    ),
    rules=(rules.no_datacenter, rules.ssh_keys, rules.labels),
)

SERVER_NETWORK = Table(
    fields={
        "aliasIps": ["string"],
        "ip": "string",
        "networkId": "integer",
        "serverId": "integer",
        "subnetId": "string",
    },
    required=("serverId",),
    replaces=frozenset({"ip", "networkId", "serverId", "subnetId"}),
    kept=frozenset({"aliasIps", "ip", "networkId"}),
    outputs=("macAddress",),
    framework={"serverId": "ID of the Server."},
    rules=(rules.network_or_subnet, rules.ip_address),
)

LOAD_BALANCER = Table(
    fields={
        "algorithm": {"type": "string"},
        "deleteProtection": "boolean",
        "labels": LABELS,
        "loadBalancerType": "string",
        "location": "string",
        "name": "string",
        "networkZone": "string",
        "targets": [{"serverId": "integer", "type*": "string", "usePrivateIp": "boolean"}],
    },
    required=("loadBalancerType",),
    replaces=frozenset({"location", "networkZone"}),
    kept=frozenset({"algorithm", "labels", "location", "networkZone", "targets"}),
    outputs=("ipv4", "ipv6", "networkId", "networkIp"),
    rules=(rules.one_of("algorithm.type", "algorithm.0.type", "round_robin", "least_connections"), rules.labels),
)

LOAD_BALANCER_NETWORK = Table(
    fields={
        "enablePublicInterface": "boolean",
        "ip": "string",
        "loadBalancerId": "integer",
        "networkId": "integer",
        "subnetId": "string",
    },
    required=("loadBalancerId",),
    replaces=frozenset({"ip", "loadBalancerId", "networkId", "subnetId"}),
    kept=frozenset({"enablePublicInterface", "ip", "networkId"}),
    framework={"loadBalancerId": "ID of the Load Balancer."},
    rules=(rules.network_or_subnet, rules.ip_address),
)

LOAD_BALANCER_SERVICE = Table(
    fields={
        "destinationPort": "integer",
        "healthCheck": {
            "http": {
                "domain": "string",
                "path": "string",
                "response": "string",
                "statusCodes": ["string"],
                "tls": "boolean",
            },
            "interval*": "integer",
            "port*": "integer",
            "protocol*": "string",
            "retries*": "integer",
            "timeout*": "integer",
        },
        "http": {
            "certificates": ["integer"],
            "cookieLifetime": "integer",
            "cookieName": "string",
            "redirectHttp": "boolean",
            "stickySessions": "boolean",
            "timeoutIdle": "integer",
        },
        "listenPort": "integer",
        "loadBalancerId": "string",
        "protocol": "string",
        "proxyprotocol": "boolean",
    },
    required=("loadBalancerId", "protocol"),
    replaces=frozenset({"listenPort", "loadBalancerId", "protocol"}),
    kept=frozenset({"destinationPort", "healthCheck", "http", "listenPort", "proxyprotocol"}),
    rules=(rules.one_of("protocol", "protocol", "http", "https", "tcp"),),
)

LOAD_BALANCER_TARGET = Table(
    fields={
        "ip": "string",
        "labelSelector": "string",
        "loadBalancerId": "integer",
        "serverId": "integer",
        "type": "string",
        "usePrivateIp": "boolean",
    },
    required=("type", "loadBalancerId"),
    replaces=frozenset({"ip", "labelSelector", "loadBalancerId", "serverId"}),
    kept=frozenset({"usePrivateIp"}),
    rules=(rules.one_of("type", "type", "server", "label_selector", "ip"), rules.one_target),
)

VOLUME = Table(
    fields={
        "automount": "boolean",
        "deleteProtection": "boolean",
        "format": "string",
        "labels": LABELS,
        "location": "string",
        "name": "string",
        "serverId": "integer",
        "size": "integer",
    },
    required=("size",),
    replaces=frozenset({"location"}),
    kept=frozenset({"location", "serverId"}),
    outputs=("linuxDevice",),
    unread=frozenset({"automount", "format"}),
    rules=(rules.labels,),
)

VOLUME_ATTACHMENT = Table(
    fields={"automount": "boolean", "serverId": "integer", "volumeId": "integer"},
    required=("volumeId", "serverId"),
    replaces=frozenset({"serverId", "volumeId"}),
    kept=frozenset({"automount"}),
    unread=frozenset({"automount"}),
)

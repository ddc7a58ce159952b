"""The resource types of ovh as tables, and the laws that its plugin checks before it calls the cloud."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from sim.plugins.table import Table, Type
from sim.plugins.values import UNKNOWN, Properties

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sim.plugins.table import Failure

BILLING: Final = ("monthly", "hourly")


def _one_ssh_key(name: str, inputs: Properties) -> Iterator[Failure]:
    if inputs.get("sshKey") is None and inputs.get("sshKeyCreate") is None:
        yield (
            "sshKey",
            (
                'Invalid combination of arguments. "ssh_key": one of `ssh_key,ssh_key_create` must be specified. '
                f"Examine values at '{name}.sshKey'."
            ),
        )


def _billing(name: str, inputs: Properties) -> Iterator[Failure]:
    period = inputs.get("billingPeriod")
    if period not in (None, UNKNOWN, *BILLING):
        law = f"Value {period} is not among valid values ([{' '.join(BILLING)}])"
        yield "billingPeriod", f"{law}. Examine values at '{name}.billingPeriod'."


def _cidr(name: str, inputs: Properties) -> Iterator[Failure]:
    value = inputs.get("cidr")
    if value in (None, UNKNOWN):
        return
    try:
        ipaddress.ip_interface(value)
    except ValueError:
        fault = f'"cidr" is not a valid network value: &net.ParseError{{Type:"CIDR address", Text:"{value}"}}'
        yield "cidr", f"{fault}. Examine values at '{name}.cidr'."


def _gateway(name: str, inputs: Properties) -> Iterator[Failure]:
    value = inputs.get("gatewayIp")
    if value in (None, UNKNOWN):
        return
    try:
        ipaddress.ip_address(value)
    except ValueError:
        yield "gatewayIp", f"\"gateway_ip\" must be a valid IP. Examine values at '{name}.gatewayIp'."


_NETWORK: Final[Type] = {
    "private": {
        "floatingIp": {"id": "string"},
        "floatingIpCreate": {"description": "string"},
        "gateway": {"id": "string"},
        "gatewayCreate": {"model": "string", "name": "string"},
        "ip": "string",
        "network": {"id": "string", "subnetId": "string"},
        "networkCreate": {
            "name": "string",
            "subnet": {"cidr": "string", "enableDhcp": "boolean", "ipVersion": "integer"},
            "vlanId": "integer",
        },
    },
    "public": "boolean",
}

INSTANCE: Final = Table(
    fields={
        "autoBackup": {"cron*": "string", "rotation*": "integer"},
        "availabilityZone": "string",
        "billingPeriod": "string",
        "bootFrom": {"imageId": "string", "volumeId": "string"},
        "bulk": "integer",
        "flavor": {"flavorId*": "string"},
        "group": {"groupId": "string"},
        "name": "string",
        "network": _NETWORK,
        "region": "string",
        "serviceName": "string",
        "sshKey": {"name*": "string"},
        "sshKeyCreate": {"name*": "string", "publicKey*": "string"},
        "userData": "string",
    },
    required=("network", "serviceName", "billingPeriod", "flavor", "region", "bootFrom"),
    # Not bootFrom, flavor, network.public and sshKey: the plugin plans those as updates, and then cannot do them.
    replaces=frozenset(
        {
            "autoBackup",
            "availabilityZone",
            "billingPeriod",
            "bulk",
            "group",
            "name",
            "network.private",
            "region",
            "serviceName",
            "sshKeyCreate",
            "userData",
        }
    ),
    kept=frozenset({"availabilityZone"}),
    outputs=(
        "addresses",
        "attachedVolumes",
        "flavorId",
        "flavorName",
        "imageId",
        "status",
        "taskState",
    ),
    rules=(_one_ssh_key, _billing),
)

NETWORK_PRIVATE: Final = Table(
    fields={"name": "string", "regions": ["string"], "serviceName": "string", "vlanId": "integer"},
    required=("serviceName",),
    replaces=frozenset({"serviceName", "vlanId"}),
    kept=frozenset({"regions"}),
    unordered=frozenset({"regions"}),
    defaults={"vlanId": 0},
    outputs=("regionsAttributes", "regionsOpenstackIds", "regionsStatuses", "status", "type"),
)

SUBNET: Final = Table(
    fields={
        "allocationPools": [{"end*": "string", "start*": "string"}],
        "cidr": "string",
        "dhcp": "boolean",
        "dnsNameservers": ["string"],
        "enableGatewayIp": "boolean",
        "gatewayIp": "string",
        "hostRoutes": [{"destination*": "string", "nexthop*": "string"}],
        "name": "string",
        "networkId": "string",
        "region": "string",
        "serviceName": "string",
        "useDefaultPublicDnsResolver": "boolean",
    },
    required=("cidr", "networkId", "region", "serviceName"),
    replaces=frozenset(
        {
            "allocationPools",
            "cidr",
            "dhcp",
            "dnsNameservers",
            "enableGatewayIp",
            "gatewayIp",
            "hostRoutes",
            "name",
            "networkId",
            "region",
            "serviceName",
            "useDefaultPublicDnsResolver",
        }
    ),
    kept=frozenset({"allocationPools", "dnsNameservers", "gatewayIp"}),
    defaults={"dhcp": True, "enableGatewayIp": True},
    rules=(_cidr, _gateway),
)

SSH_KEY: Final = Table(
    fields={"name": "string", "publicKey": "string", "region": "string", "serviceName": "string"},
    required=("publicKey",),
    replaces=frozenset({"name", "publicKey", "region", "serviceName"}),
    kept=frozenset({"region"}),
    outputs=("fingerPrint", "regions"),
    framework={"publicKey": "SSH public key"},
)

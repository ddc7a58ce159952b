"""Private networks, their subnets and what is attached to them. Routes and vSwitches are left out."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, ClassVar

from sim.plugins.cloud import Account, CloudKind, Record
from sim.plugins.hcloud import tables
from sim.plugins.hcloud.catalog import catalog, refusal
from sim.plugins.hcloud.objects import Named

if TYPE_CHECKING:
    from sim.plugins.values import Properties

PRIVATE = tuple(IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
SMALLEST_NETWORK, SMALLEST_SUBNET = 24, 30
ATTACHED_PER_NETWORK = 100
RESERVED = IPv4Address("172.31.1.1")


class Network(Named):
    """A private network."""

    noun = "Network"
    table = tables.NETWORK

    def fill(self, account: Account, ident: str, inputs: Properties) -> Record:
        """Hold the range to what the cloud routes."""
        network = _network(inputs["ipRange"])
        if network.prefixlen > SMALLEST_NETWORK or not any(network.subnet_of(private) for private in PRIVATE):
            raise refusal(f"ip_range {network}: must be private and at least a /{SMALLEST_NETWORK}", "invalid_input")
        return {}

    def drop(self, account: Account, ident: str, record: Record) -> None:
        """Refuse while something is attached."""
        super().drop(account, ident, record)
        if _attached(account, ident):
            raise refusal(f"network with ID '{ident}' still has attached resources", "resource_in_use")
        subnets = account.objects("NetworkSubnet")
        for subnet in [key for key, entry in subnets.items() if str(entry["networkId"]) == ident]:
            del subnets[subnet]


class NetworkSubnet(CloudKind):
    """A part of a network in one zone."""

    noun = "NetworkSubnet"
    table = tables.NETWORK_SUBNET

    def make(self, account: Account, inputs: Properties) -> tuple[str, Record]:
        """Hold the range inside the network and apart from other subnets."""
        network = account.objects("Network").get(str(inputs["networkId"]))
        if network is None:
            raise refusal(f"network with ID '{inputs['networkId']}' not found", "not_found")
        wanted, whole = _network(inputs["ipRange"]), _network(network["ipRange"])
        if inputs["networkZone"] not in catalog()["locations"].values():
            raise refusal(f"network zone {inputs['networkZone']} not found", "invalid_input")
        if wanted.prefixlen > SMALLEST_SUBNET or not wanted.subnet_of(whole):
            raise refusal(f"ip_range {wanted} is not inside of {whole}", "invalid_input")
        for other in account.objects(self.noun).values():
            if other["networkId"] == inputs["networkId"] and wanted.overlaps(_network(other["ipRange"])):
                raise refusal(f"ip_range {wanted} overlaps with {other['ipRange']}", "invalid_input")
        return f"{inputs['networkId']}-{wanted}", inputs | {"gateway": str(whole[1])}

    def drop(self, account: Account, ident: str, record: Record) -> None:
        """Refuse while something has an address in it."""
        wanted = _network(record["ipRange"])
        used = [
            entry["ip"] for entry in _attached(account, str(record["networkId"])) if IPv4Address(entry["ip"]) in wanted
        ]
        if used:
            raise refusal(f"subnet {ident} is still in use by {', '.join(used)}", "resource_in_use")


class Attachment(CloudKind):
    """Something on a network, with an address in one of its subnets."""

    owner: ClassVar[tuple[str, str]]
    """The kind that is attached, and the input that names it."""

    def make(self, account: Account, inputs: Properties) -> tuple[str, Record]:
        """Hold address and membership; choose an address where none is wanted."""
        noun, key = self.owner
        owner = str(inputs[key])
        if owner not in account.objects(noun):
            raise refusal(f"{noun} with ID '{owner}' not found", "not_found")
        network, subnets = _place(account, inputs)
        attached = _attached(account, network)
        if len(attached) >= ATTACHED_PER_NETWORK:
            raise refusal(f"network {network} has {len(attached)} resources attached", "resource_limit_exceeded")
        ident = f"{owner}-{network}"
        if ident in account.objects(self.noun):
            raise refusal(f"{noun} {owner} is already attached to network {network}", "server_already_attached")
        address = _address(subnets, inputs.get("ip"), {entry["ip"] for entry in attached})
        return ident, inputs | {"ip": address, "networkId": int(network)} | self.added(ident, address)

    def added(self, ident: str, address: str) -> Record:
        """Return what the cloud adds to this kind of attachment."""
        raise NotImplementedError


class ServerNetwork(Attachment):
    """A server on a network."""

    noun = "ServerNetwork"
    table = tables.SERVER_NETWORK
    owner = ("Server", "serverId")

    def added(self, ident: str, address: str) -> Record:
        """Derive the MAC address as the cloud's pattern goes."""
        octets = IPv4Address(address).packed
        return {"aliasIps": [], "macAddress": "86:00:" + ":".join(f"{octet:02x}" for octet in octets)}


class LoadBalancerNetwork(Attachment):
    """A load balancer on a network."""

    noun = "LoadBalancerNetwork"
    table = tables.LOAD_BALANCER_NETWORK
    patient = True
    owner = ("LoadBalancer", "loadBalancerId")

    def works_on(self, inputs: Properties) -> str:
        """The balancer."""
        return f"load balancer {inputs['loadBalancerId']}"

    def make(self, account: Account, inputs: Properties) -> tuple[str, Record]:
        """Tell the load balancer its private address too."""
        ident, record = super().make(account, inputs)
        balancer = account.objects("LoadBalancer")[str(inputs["loadBalancerId"])]
        balancer.update(networkId=record["networkId"], networkIp=record["ip"])
        return ident, record

    def added(self, ident: str, address: str) -> Record:
        """Keep the public interface unless told otherwise."""
        return {"enablePublicInterface": True}

    def drop(self, account: Account, ident: str, record: Record) -> None:
        """Take the private address away."""
        super().drop(account, ident, record)
        balancer = account.objects("LoadBalancer").get(str(record["loadBalancerId"]))
        if balancer is not None:
            balancer.update(networkId=0, networkIp="")


def _network(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError:
        raise refusal(f"invalid input in field 'ip_range': {text}", "invalid_input") from None


def _attached(account: Account, network: str) -> list[Record]:
    """List everything on a network."""
    nouns = ("ServerNetwork", "LoadBalancerNetwork")
    entries = [entry for noun in nouns for entry in account.objects(noun).values()]
    return [entry for entry in entries if str(entry["networkId"]) == network]


def _place(account: Account, inputs: Properties) -> tuple[str, list[IPv4Network]]:
    """Find the network, and the subnets an address may come from."""
    subnets = account.objects("NetworkSubnet")
    if inputs.get("subnetId") is not None:
        if inputs["subnetId"] not in subnets:
            raise refusal(f"subnet {inputs['subnetId']} not found", "not_found")
        subnet = subnets[inputs["subnetId"]]
        return str(subnet["networkId"]), [_network(subnet["ipRange"])]
    network = str(inputs["networkId"])
    if network not in account.objects("Network"):
        raise refusal(f"network with ID '{network}' not found", "not_found")
    ranges = [_network(entry["ipRange"]) for entry in subnets.values() if str(entry["networkId"]) == network]
    if not ranges:
        raise refusal(f"network {network} has no subnet; let the attachment depend on one", "no_subnet_available")
    return network, ranges


def _address(subnets: list[IPv4Network], wanted: str | None, taken: set[str]) -> str:
    """Take the wanted address, or the first free one; the first of a subnet belongs to its gateway."""
    if wanted is None:
        free = (str(host) for subnet in subnets for host in list(subnet.hosts())[1:] if str(host) not in taken)
        found = next(free, None)
        if found is None:
            raise refusal("no free address in the subnet", "ip_not_available")
        return found
    address = ipaddress.ip_address(wanted)
    if not any(address in subnet and address != subnet[1] and address in list(subnet.hosts()) for subnet in subnets):
        raise refusal(f"IP {wanted} is not usable in {', '.join(map(str, subnets))}", "invalid_input")
    if wanted in taken or address == RESERVED:
        raise refusal(f"IP {wanted} is not available", "ip_not_available")
    return wanted

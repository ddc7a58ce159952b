"""Load balancers with services and targets. They pass no traffic: who asks for their health reads the targets."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from sim.plugins.cloud import Account, CloudKind, Record
from sim.plugins.hcloud import tables
from sim.plugins.hcloud.catalog import catalog, location, refusal
from sim.plugins.hcloud.objects import Named

if TYPE_CHECKING:
    from sim.plugins.values import Properties

PUBLIC = (IPv4Network("198.51.100.0/25"),)
ID_WORDS = {"server": "srv", "label_selector": "label-selector", "ip": "ip"}
DEFAULT_PORTS = {"http": 80, "https": 443}
CHECK_INTERVAL, CHECK_TIMEOUT, CHECK_RETRIES = 15, 10, 3


class LoadBalancer(Named):
    """A load balancer with a public address."""

    noun = "LoadBalancer"
    table = tables.LOAD_BALANCER

    def fill(self, account: Account, ident: str, inputs: Properties) -> Record:
        """Hold type and place, and give it addresses."""
        if inputs["loadBalancerType"] not in catalog()["loadBalancerTypes"]:
            raise refusal(f"load balancer type {inputs['loadBalancerType']} not found", "not_found")
        if ("location" in inputs) == ("networkZone" in inputs):
            raise refusal("one of location and network_zone must be given", "invalid_input")
        place = inputs.get("location") or _first_location(inputs["networkZone"])
        taken = {balancer["ipv4"] for balancer in account.objects(self.noun).values()}
        address = account.free_address(PUBLIC, taken)
        if address is None:
            raise refusal("no free public IPv4 address", "resource_unavailable")
        return {
            "algorithm": inputs.get("algorithm", {"type": "round_robin"}),
            "ipv4": address,
            "ipv6": f"2001:db8:{int(ident) & 0xFFFF:x}::1",
            "labels": inputs.get("labels", {}),
            "location": place,
            "networkId": 0,
            "networkIp": "",
            "networkZone": location(place, "x86"),
            "targets": [],
        }

    def drop(self, account: Account, ident: str, record: Record) -> None:
        """Take its parts along."""
        super().drop(account, ident, record)
        for noun in ("LoadBalancerService", "LoadBalancerTarget", "LoadBalancerNetwork"):
            entries = account.objects(noun)
            for key in [key for key, entry in entries.items() if str(entry["loadBalancerId"]) == ident]:
                del entries[key]


def balancer_of(inputs: Properties) -> str:
    """What the cloud works on when a part of a balancer is made."""
    return f"load balancer {inputs['loadBalancerId']}"


def _first_location(zone: str) -> str:
    for place, its_zone in catalog()["locations"].items():
        if its_zone == zone:
            return str(place)
    raise refusal(f"network zone {zone} not found", "invalid_input")


class LoadBalancerService(CloudKind):
    """A port that a load balancer listens on."""

    noun = "LoadBalancerService"
    table = tables.LOAD_BALANCER_SERVICE

    def works_on(self, inputs: Properties) -> str:
        """The balancer."""
        return balancer_of(inputs)

    def make(self, account: Account, inputs: Properties) -> tuple[str, Record]:
        """Hold the port, fill ports and the health check."""
        balancer = _balancer(account, inputs)
        listen = inputs.get("listenPort") or DEFAULT_PORTS.get(inputs["protocol"])
        target = inputs.get("destinationPort") or {"http": 80, "https": 80}.get(inputs["protocol"])
        if not listen or not target:
            raise refusal("listen_port and destination_port are required for tcp", "invalid_input")
        ident = f"{inputs['loadBalancerId']}__{listen}"
        if ident in account.objects(self.noun):
            raise refusal(f"listen port {listen} is already in use", "source_port_already_used")
        _hold_number(
            account, self.noun, inputs, catalog()["loadBalancerTypes"][balancer["loadBalancerType"]]["maxServices"]
        )
        return ident, {
            "healthCheck": {
                "protocol": "tcp" if inputs["protocol"] == "tcp" else "http",
                "port": target,
                "interval": CHECK_INTERVAL,
                "timeout": CHECK_TIMEOUT,
                "retries": CHECK_RETRIES,
            },
            "http": {},
            "proxyprotocol": False,
        } | inputs | {"listenPort": listen, "destinationPort": target}


class LoadBalancerTarget(CloudKind):
    """Where a load balancer sends to."""

    noun = "LoadBalancerTarget"
    table = tables.LOAD_BALANCER_TARGET

    def works_on(self, inputs: Properties) -> str:
        """The balancer; the plugin tries again at a target's deletion, and not here."""
        return balancer_of(inputs)

    def make(self, account: Account, inputs: Properties) -> tuple[str, Record]:
        """Hold what the target's type needs."""
        balancer = _balancer(account, inputs)
        key = {"server": "serverId", "label_selector": "labelSelector", "ip": "ip"}[inputs["type"]]
        if inputs.get(key) is None:
            raise refusal(f"target of type {inputs['type']} needs {key}", "invalid_input")
        ident = f"lb-{ID_WORDS[inputs['type']]}-tgt-{inputs[key]}-{inputs['loadBalancerId']}"
        if ident in account.objects(self.noun):
            raise refusal(f"target {inputs[key]} is already defined", "target_already_defined")
        self._hold_private(account, balancer, inputs)
        _hold_number(
            account, self.noun, inputs, catalog()["loadBalancerTypes"][balancer["loadBalancerType"]]["maxTargets"]
        )
        return ident, {"usePrivateIp": False} | inputs

    def imported_id(self, resource_id: str) -> str:
        """Turn the form of imports, `BALANCER__TYPE__WHAT`, into that of states."""
        balancer, kind, what = resource_id.split("__", 2)
        return f"lb-{ID_WORDS[kind]}-tgt-{what}-{balancer}"

    def change(self, account: Account, ident: str, record: Record, news: Properties) -> None:
        """Hold the private path again."""
        self._hold_private(account, _balancer(account, news), news)
        super().change(account, ident, record, news)

    def _hold_private(self, account: Account, balancer: Record, inputs: Properties) -> None:
        """Demand that server and load balancer share a network before traffic may go over it."""
        if inputs["type"] == "server" and str(inputs["serverId"]) not in account.objects("Server"):
            raise refusal(f"server with ID '{inputs['serverId']}' not found", "not_found")
        if not inputs.get("usePrivateIp"):
            return
        if not balancer["networkId"]:
            raise refusal("load balancer is not attached to a network", "load_balancer_not_attached_to_network")
        path = f"{inputs.get('serverId')}-{balancer['networkId']}"
        if inputs["type"] == "server" and path not in account.objects("ServerNetwork"):
            raise refusal("server is not attached to the load balancer's network", "server_not_attached_to_network")


def _balancer(account: Account, inputs: Properties) -> Record:
    found = account.objects("LoadBalancer").get(str(inputs["loadBalancerId"]))
    if found is None:
        raise refusal(f"load balancer with ID '{inputs['loadBalancerId']}' not found", "not_found")
    return found


def _hold_number(account: Account, noun: str, inputs: Properties, most: int) -> None:
    """Hold the number of parts that a type of load balancer may have."""
    parts = [
        part for part in account.objects(noun).values() if str(part["loadBalancerId"]) == str(inputs["loadBalancerId"])
    ]
    if len(parts) >= most:
        raise refusal(
            f"load balancer has {len(parts)} of {noun}, which is the most for its type", "resource_limit_exceeded"
        )

"""SSH keys, placement groups, firewalls, and what all objects share: unique names, limits, protection."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from typing import TYPE_CHECKING

from sim.plugins.cloud import Account, CloudKind, Record
from sim.plugins.hcloud import tables
from sim.plugins.hcloud.catalog import refusal

if TYPE_CHECKING:
    from sim.plugins.values import Properties

LIMITS = {
    "Server": 100,
    "LoadBalancer": 20,
    "Volume": 100,
    "PlacementGroup": 50,
    "Firewall": 50,
    "Network": 50,
    "SshKey": 200,
}
"""Objects per project where the document says nothing; Hetzner gives new accounts far fewer."""

RULES_PER_FIREWALL = 50
MOST_USER_DATA = 32 * 1024
FIRST_PORT, LAST_PORT = 1, 65535


class Named(CloudKind):
    """An object with a name that only one of its kind may have."""

    def make(self, account: Account, inputs: Properties) -> tuple[str, Record]:
        """Hold the name and the project's limit, then fill the record."""
        if len(account.objects(self.noun)) >= account.limit(self.noun, LIMITS[self.noun]):
            raise refusal(f"{self.noun} limit exceeded", "resource_limit_exceeded")
        self._unique(account, "", inputs["name"])
        ident = account.new_id()
        return ident, inputs | self.fill(account, ident, inputs)

    def fill(self, account: Account, ident: str, inputs: Properties) -> Record:
        """Return what the cloud adds to the inputs, or refuse."""
        return {}

    def change(self, account: Account, ident: str, record: Record, news: Properties) -> None:
        """Hold the name, then take the new values."""
        self._unique(account, ident, news["name"])
        record.update(news)

    def drop(self, account: Account, ident: str, record: Record) -> None:
        """Refuse to delete what is protected."""
        if record.get("deleteProtection"):
            raise refusal(f"{self.noun} deletion is protected", "protected")

    def _unique(self, account: Account, ident: str, name: str) -> None:
        for other, record in account.objects(self.noun).items():
            if other != ident and record["name"] == name:
                raise refusal(f"{self.noun} name is already used: {name}", "uniqueness_error")


class SshKey(Named):
    """A public key."""

    noun = "SshKey"
    table = tables.SSH_KEY

    def fill(self, account: Account, ident: str, inputs: Properties) -> Record:
        """Compute the fingerprint; a key may be stored once."""
        fingerprint = _fingerprint(inputs["publicKey"])
        if any(record["fingerprint"] == fingerprint for record in account.objects(self.noun).values()):
            raise refusal("SSH key with the same fingerprint already exists", "uniqueness_error")
        return {"fingerprint": fingerprint, "labels": inputs.get("labels", {})}


def _fingerprint(public_key: str) -> str:
    try:
        blob = base64.b64decode(public_key.split()[1], validate=True)
    except (IndexError, ValueError):
        raise refusal("invalid input in field 'public_key'", "invalid_input") from None
    digest = hashlib.md5(blob, usedforsecurity=False).hexdigest()
    return ":".join(digest[index : index + 2] for index in range(0, len(digest), 2))


class PlacementGroup(Named):
    """A group whose servers stand on different hardware; members are counted where servers are made."""

    noun = "PlacementGroup"
    table = tables.PLACEMENT_GROUP

    def fill(self, account: Account, ident: str, inputs: Properties) -> Record:
        """Start without members."""
        return {"servers": []}

    def drop(self, account: Account, ident: str, record: Record) -> None:
        """Let members go."""
        super().drop(account, ident, record)
        for server in account.objects("Server").values():
            if str(server.get("placementGroupId")) == ident:
                server.pop("placementGroupId")


class Firewall(Named):
    """Packet filter rules; which traffic passes is not simulated."""

    noun = "Firewall"
    table = tables.FIREWALL

    def fill(self, account: Account, ident: str, inputs: Properties) -> Record:
        """Hold the rules to what the API accepts."""
        _hold_rules(inputs)
        return {"applyTos": inputs.get("applyTos", []), "labels": inputs.get("labels", {})}

    def change(self, account: Account, ident: str, record: Record, news: Properties) -> None:
        """Hold the rules, then take them."""
        _hold_rules(news)
        super().change(account, ident, record, news)

    def drop(self, account: Account, ident: str, record: Record) -> None:
        """Refuse to delete a firewall in use."""
        super().drop(account, ident, record)
        users = [server["name"] for server in account.objects("Server").values() if int(ident) in server["firewallIds"]]
        if users:
            raise refusal(f"firewall with ID '{ident}' is still in use by {', '.join(users)}", "resource_in_use")


def _hold_rules(inputs: Properties) -> None:
    rules = inputs.get("rules", [])
    if len(rules) > RULES_PER_FIREWALL:
        raise refusal(f"{len(rules)} rules: at most {RULES_PER_FIREWALL} per firewall", "invalid_input")
    for rule in rules:
        _hold_ports(rule)
        side = "sourceIps" if rule["direction"] == "in" else "destinationIps"
        if not rule.get(side):
            raise refusal(f"rule {rule}: {side} must not be empty", "invalid_input")
        for text in rule[side]:
            _hold_range(text)


def _hold_ports(rule: Properties) -> None:
    port = rule.get("port")
    if rule["protocol"] not in ("tcp", "udp"):
        if port:
            raise refusal(f"port {port}: {rule['protocol']} has no ports", "invalid_input")
        return
    if not port:
        raise refusal(f"rule {rule}: port is required for {rule['protocol']}", "invalid_input")
    if port == "any":
        return
    bounds = port.split("-")
    if not all(bound.isdigit() and FIRST_PORT <= int(bound) <= LAST_PORT for bound in bounds):
        raise refusal(f"port {port}: not a port or a range of ports", "invalid_input")


def _hold_range(text: str) -> None:
    try:
        ipaddress.ip_network(text)
        length = text.partition("/")[2]
    except ValueError:
        length = ""
    if not length:
        raise refusal(f"invalid CIDR: {text}", "invalid_input")

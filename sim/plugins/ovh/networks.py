"""SSH keys and private networks of an OVH project. The project's vRack is taken as given."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from functools import cache
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING

from sim.plugins.cloud import Account, CloudKind, Record
from sim.plugins.ovh import tables
from sim.plugins.server import Refused

if TYPE_CHECKING:
    from sim.plugins.kind import Resource
    from sim.plugins.values import Properties

FILE = Path(__file__).parents[1] / "data" / "ovh.json"
MOST_VLAN = 4000


@cache
def regions() -> tuple[str, ...]:
    """Return OVH's compute regions (crawled from the vendor's API, 2026-01)."""
    return tuple(json.loads(FILE.read_text())["regions"])


def hold_region(name: str) -> None:
    """Refuse a region that does not exist."""
    if name not in regions():
        raise Refused(f'OVHcloud API error (status code 404): Client::NotFound: "region {name} not found"')


def conflict(text: str) -> Refused:
    """Make the error for something that exists already."""
    return Refused(f'OVHcloud API error (status code 409): Client::Conflict: "{text}"')


def not_found(text: str) -> Refused:
    """Make the error for something that does not exist."""
    return Refused(f'OVHcloud API error (status code 404): Client::NotFound: "{text}"')


def bad_request(text: str) -> Refused:
    """Make the error for a value the API does not take."""
    return Refused(f'OVHcloud API error (status code 400): Client::BadRequest: "{text}"')


def identifier(*parts: str) -> str:
    """Return an OpenStack id: always the same for the same object, so that a rehearsal can be repeated."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "/".join(parts)))


class SshKey(CloudKind):
    """A public key of the project."""

    noun = "SshKey"
    importable = False
    table = tables.SSH_KEY

    def make(self, account: Account, inputs: Properties) -> tuple[str, Record]:
        """Hold the service's name, which the check does not demand, and the key."""
        if not inputs.get("serviceName"):
            raise bad_request("service_name is missing")
        try:
            blob = base64.b64decode(inputs["publicKey"].split()[1], validate=True)
        except (IndexError, ValueError):
            raise bad_request("publicKey: invalid SSH public key") from None
        fingerprint = hashlib.md5(blob, usedforsecurity=False).hexdigest()
        places = [inputs["region"]] if inputs.get("region") else []
        return identifier("key", account.new_id()), inputs | {
            "fingerPrint": fingerprint,
            "region": inputs.get("region", ""),
            "regions": places,
        }

    async def read(self, resource: Resource, resource_id: str, state: Properties) -> Properties:
        """Fail on a key that vanished, as the real plugin does."""
        found = await super().read(resource, resource_id, state)
        if found is None:
            raise not_found("SSH key not found")
        return found


class NetworkPrivate(CloudKind):
    """A VLAN of the project's vRack, in some regions."""

    noun = "NetworkPrivate"
    table = tables.NETWORK_PRIVATE

    def make(self, account: Account, inputs: Properties) -> tuple[str, Record]:
        """Hold VLAN id and regions."""
        vlan = inputs["vlanId"]
        if not 0 <= vlan <= MOST_VLAN:
            raise bad_request(f"vlanId {vlan}: not in 0..{MOST_VLAN}")
        if any(other["vlanId"] == vlan for other in account.objects(self.noun).values()):
            raise conflict(f"vlanId {vlan} is already used")
        ident = f"pn-{account.new_id()}_{vlan}"
        places = sorted(set(inputs.get("regions") or regions()))
        return ident, inputs | {"status": "ACTIVE", "type": "private"} | _in_regions(ident, places)

    def change(self, account: Account, ident: str, record: Record, news: Properties) -> None:
        """Rename it, or spread it over other regions."""
        super().change(account, ident, record, news)
        record.update(_in_regions(ident, sorted(set(news["regions"]))))

    def drop(self, account: Account, ident: str, record: Record) -> None:
        """Refuse while it has subnets."""
        ids = set(record["regionsOpenstackIds"].values())
        if any(subnet["networkId"] in ids for subnet in account.objects("Subnet").values()):
            raise conflict(f"network {ident} has subnets")


def _in_regions(ident: str, places: list[str]) -> Record:
    for place in places:
        hold_region(place)
    ids = {place: identifier("network", ident, place) for place in places}
    return {
        "regions": places,
        "regionsAttributes": [{"openstackid": ids[place], "region": place, "status": "ACTIVE"} for place in places],
        "regionsOpenstackIds": ids,
        "regionsStatuses": [{"region": place, "status": "ACTIVE"} for place in places],
    }


class Subnet(CloudKind):
    """Addresses on a private network in one region."""

    noun = "Subnet"
    table = tables.SUBNET

    def make(self, account: Account, inputs: Properties) -> tuple[str, Record]:
        """Hold network and range, and fill pools and gateway."""
        hold_region(inputs["region"])
        known = {
            ident: place
            for network in account.objects("NetworkPrivate").values()
            for place, ident in network["regionsOpenstackIds"].items()
        }
        if known.get(inputs["networkId"]) != inputs["region"]:
            raise not_found(f"network {inputs['networkId']} not found in region {inputs['region']}")
        try:
            wanted = IPv4Network(inputs["cidr"])
        except ValueError:
            raise bad_request(f"cidr {inputs['cidr']}: host bits set") from None
        for other in account.objects(self.noun).values():
            if other["networkId"] == inputs["networkId"] and wanted.overlaps(IPv4Network(other["cidr"])):
                raise conflict(f"cidr {wanted} overlaps with {other['cidr']}")
        gateway = str(wanted[1]) if inputs["enableGatewayIp"] else ""
        pool = {"start": str(wanted[2]), "end": str(wanted[-2])}
        return identifier("subnet", account.new_id()), {
            "allocationPools": [pool],
            "dnsNameservers": [],
            "gatewayIp": gateway,
        } | inputs

    def drop(self, account: Account, ident: str, record: Record) -> None:
        """Refuse while an instance has an address in it."""
        users = [entry["name"] for entry in account.objects("Instance").values() if entry["_subnet"] == ident]
        if users:
            raise conflict(f"subnet {ident} is used by {', '.join(users)}")

"""Public Cloud instances with the real plugin's traps: updates that it plans and cannot do, addresses without order.

Any flavor and image with the form of an id is taken, since ids differ by region and project: a rehearsal of a real
stack file must work. Every flavor has the size of b3-8 unless the world's FLAVORS give its disk, every image is an
Ubuntu. Keys, networks and gateways that an instance makes by itself are refused.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any

from sim.machines.rack import Disk, MachineSpec, Rack
from sim.plugins.cloud import Account, Cloud, CloudKind, Record
from sim.plugins.ovh import tables
from sim.plugins.ovh.networks import bad_request, conflict, hold_region, identifier, not_found
from sim.plugins.server import HalfDone

if TYPE_CHECKING:
    from sim.plugins.kind import Resource
    from sim.plugins.values import Properties

PUBLIC = (IPv4Network("198.51.100.128/25"), IPv4Network("198.19.0.0/16"))
"""Ranges for documentation and benchmarks: no real host has such an address."""

VCPUS, MEMORY_GIB, DISK_GIB = 2, 8, 50
FLAVORS = "clouds/ovh-flavors"
"""Document of the world: disk size in GiB by flavor id."""

SERIAL_LENGTH = 20
NOT_SIMULATED = ("sshKeyCreate", "autoBackup", "bulk", "group")


class Instance(CloudKind):
    """A virtual machine with Ubuntu on it."""

    noun = "Instance"
    importable = False
    table = tables.INSTANCE

    def __init__(self, cloud: Cloud) -> None:
        """Put its machines into the world's rack."""
        super().__init__(cloud)
        self._world = cloud.world
        self._rack = Rack(cloud.world)

    def examine(self, inputs: Properties) -> None:
        """Hold region and ids."""
        hold_region(inputs["region"])
        for name in NOT_SIMULATED:
            if inputs.get(name):
                raise bad_request(f"{name} of Instance is not simulated; use resources of their own")
        _hold_id("image", inputs["bootFrom"].get("imageId"))
        _hold_id("flavor", inputs["flavor"].get("flavorId"))

    def make(self, account: Account, inputs: Properties) -> tuple[str, Record]:
        """Find key and network, and give it addresses."""
        keys = [key for key in account.objects("SshKey").values() if key["name"] == inputs["sshKey"]["name"]]
        if not keys:
            raise not_found(f"SSH key {inputs['sshKey']['name']} not found")
        ident = identifier("instance", account.new_id())
        subnet, private = _private(account, inputs["network"].get("private") or {}, inputs["region"])
        public = _public(account) if inputs["network"].get("public") else None
        addresses = [{"ip": address, "version": 4} for address in (public, private) if address is not None]
        return ident, inputs | {
            "addresses": sorted(addresses, key=lambda entry: _shuffle(ident, entry)),
            "attachedVolumes": [],
            "availabilityZone": inputs.get("availabilityZone", ""),
            "flavorId": inputs["flavor"]["flavorId"],
            "flavorName": "b3-8",
            "imageId": inputs["bootFrom"]["imageId"],
            "status": "ACTIVE",
            "taskState": "",
            "_key": keys[-1]["publicKey"],
            "_private": private,
            "_public": public,
            "_subnet": subnet,
        }

    async def made(self, ident: str, record: Record, inputs: Properties) -> None:
        """Rack the machine; it has booted Ubuntu afterwards."""
        serial = ident[:SERIAL_LENGTH]
        size = self._world.read(FLAVORS).get(inputs["flavor"]["flavorId"], DISK_GIB)
        spec = MachineSpec(
            id=ident,
            name=record["name"],
            firmware="bios",
            cpus=VCPUS,
            memory_gib=MEMORY_GIB,
            disks=(Disk(serial=serial, size_gib=size, by_id=f"scsi-0QEMU_QEMU_HARDDISK_{serial}"),),
            medium="cloud-image",
            login_user="ubuntu",
            user_data=inputs.get("userData"),
            authorized_keys=(record["_key"],),
            addresses=(record["_public"],) if record["_public"] else (),
        )
        await asyncio.to_thread(self._rack.add, spec)

    async def read(self, resource: Resource, resource_id: str, state: Properties) -> Properties:
        """Fail on an instance that vanished, as the real plugin does."""
        found = await super().read(resource, resource_id, state)
        if found is None:
            raise not_found(f"instance {resource_id} not found")
        return found

    async def update(self, resource: Resource, resource_id: str, state: Properties, news: Properties) -> Properties:
        """Fail after the plan promised an update; the new inputs are in the state all the same."""
        raise HalfDone("doesn't support update", resource_id=resource_id, state=self.merged(state, news), inputs=news)

    async def dropped(self, ident: str, record: Record) -> None:
        """Take the machine out of the rack."""
        await asyncio.to_thread(self._rack.remove, ident)


def _hold_id(what: str, value: Any) -> None:  # noqa: ANN401 - whatever the program gave
    try:
        uuid.UUID(value)
    except (TypeError, ValueError, AttributeError):
        raise not_found(f"{what} {value} not found: a {what} is named by its id in the region") from None


def _private(account: Account, wanted: Properties, region: str) -> tuple[str, str | None]:
    """Return the subnet and the address on it; empty without a private network."""
    if not wanted:
        return "", None
    for name in set(wanted) - {"ip", "network"}:
        raise bad_request(f"network.private.{name} of Instance is not simulated; use resources of their own")
    network = wanted.get("network", {})
    subnet = account.objects("Subnet").get(network.get("subnetId", ""))
    if subnet is None or subnet["networkId"] != network.get("id") or subnet["region"] != region:
        raise not_found(f"subnet {network.get('subnetId')} of network {network.get('id')} not found in {region}")
    taken = {entry["_private"] for entry in account.objects("Instance").values()}
    address = wanted.get("ip") or account.free_address((IPv4Network(subnet["cidr"]),), {*taken, subnet["gatewayIp"]})
    if address is None or IPv4Address(address) not in IPv4Network(subnet["cidr"]):
        raise bad_request(f"ip {address} is not in {subnet['cidr']}")
    if address in {*taken, subnet["gatewayIp"]}:
        raise conflict(f"IP address {address} is already in use")
    return str(network["subnetId"]), address


def _public(account: Account) -> str:
    address = account.free_address(PUBLIC, {entry["_public"] for entry in account.objects("Instance").values()})
    if address is None:
        raise conflict("no free public address")
    return address


def _shuffle(ident: str, entry: Record) -> str:
    """Order addresses by nothing that a program could rely on."""
    return hashlib.sha256(f"{ident} {entry['ip']}".encode()).hexdigest()

"""Servers: what the cloud demands of them, and the machine in the rack that each one is.

Inline networks, public networks of one's own, ISO, rescue and backups are left out: their inputs are compared and kept,
but a create that asks for them is refused.
"""

from __future__ import annotations

import asyncio
import re
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from sim.machines.machine import load
from sim.machines.rack import Disk, MachineSpec, Rack
from sim.plugins.hcloud import tables
from sim.plugins.hcloud.catalog import image, location, refusal, server_type
from sim.plugins.hcloud.objects import MOST_USER_DATA, Named
from sim.plugins.server import Refused

if TYPE_CHECKING:
    from sim.plugins.cloud import Account, Cloud, Record
    from sim.plugins.values import Properties

PUBLIC = (IPv4Network("203.0.113.0/24"), IPv4Network("198.18.0.0/16"))
"""Ranges for documentation and benchmarks: no real host has such an address."""

HOST_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?)*")
GROUP_MEMBERS = 10
NOT_SIMULATED = ("networks", "publicNets", "iso", "rescue", "backups")
NIX_SYSTEM = {"x86": "x86_64-linux", "arm64": "aarch64-linux"}
FIRMWARE = {"x86": "bios", "arm64": "uefi"}
DEFAULT_LOCATION = "fsn1"


class Server(Named):
    """A virtual machine."""

    noun = "Server"
    table = tables.SERVER

    def __init__(self, cloud: Cloud) -> None:
        """Put its machines into the world's rack."""
        super().__init__(cloud)
        self._rack = Rack(cloud.world)

    def examine(self, inputs: Properties) -> None:
        """Hold the size of the user data."""
        if len((inputs.get("userData") or "").encode()) > MOST_USER_DATA:
            raise refusal("invalid input in field 'user_data': more than 32 KiB", "invalid_input")

    def fill(self, account: Account, ident: str, inputs: Properties) -> Record:
        """Hold everything the API looks up, and give the server its addresses."""
        kind = server_type(inputs["serverType"])
        _hold_shape(inputs)
        _hold_members(account, ident, inputs)
        address = account.free_address(PUBLIC, {server["ipv4Address"] for server in account.objects("Server").values()})
        if address is None:
            raise refusal("no free public IPv4 address", "resource_unavailable")
        place = inputs.get("location", DEFAULT_LOCATION)
        location(place, kind["arch"])
        prefix = f"2001:db8:{int(ident) & 0xFFFF:x}::"
        return {
            "backupWindow": "",
            "datacenter": f"{place}-dc1",
            "firewallIds": inputs.get("firewallIds", []),
            "image": image(inputs.get("image")),
            "ipv4Address": address,
            "ipv6Address": f"{prefix}1",
            "ipv6Network": f"{prefix}/64",
            "location": place,
            "primaryDiskSize": kind["diskGb"],
            "status": "running",
            "_keys": [_public_key(account, name) for name in inputs.get("sshKeys", [])],
        }

    async def made(self, ident: str, record: Record, inputs: Properties) -> None:
        """Rack the machine; it has booted its cloud image afterwards."""
        await asyncio.to_thread(self._rack.add, _machine(ident, record, inputs.get("userData")))

    def change(self, account: Account, ident: str, record: Record, news: Properties) -> None:
        """Hold what an update may change."""
        _hold_shape(news)
        self._hold_group(ident, record, news)
        _hold_members(account, ident, news)
        kind, now = server_type(news["serverType"]), server_type(record["serverType"])
        if kind["arch"] != now["arch"]:
            raise refusal(f"server type {news['serverType']} has another architecture", "invalid_server_type")
        if kind["diskGb"] < record["primaryDiskSize"]:
            raise refusal(f"server type {news['serverType']}: its disk is too small", "invalid_server_type")
        super().change(account, ident, record, news)
        for key in ("labels", "placementGroupId"):
            if key not in news:
                record.pop(key, None)
        if not news.get("keepDisk"):
            record["primaryDiskSize"] = kind["diskGb"]

    async def changed(self, ident: str, before: Record, record: Record) -> None:
        """Rename in the rack; another type is off for a moment, and stays off when there is no capacity for it."""
        if before["name"] != record["name"]:
            await asyncio.to_thread(self._rack.rename, ident, record["name"])
        if before["serverType"] == record["serverType"]:
            return
        if self._runs(ident):
            # The plugin asks for a hard switch-off, not for a shutdown.
            self.cloud.world.record(record["name"], "power cut", "change_type of a running server")
            await asyncio.to_thread(self._rack.power, ident, False)  # noqa: FBT003 - a switch has two positions
        try:
            await self.cloud.trouble("change_type Server", record["name"])
        except Exception:
            self._revert(ident, before)
            raise
        await asyncio.to_thread(self._rack.resize_disk, ident, _serial(ident), record["primaryDiskSize"])
        await asyncio.to_thread(self._rack.power, ident, True)  # noqa: FBT003 - a switch has two positions

    def _runs(self, ident: str) -> bool:
        machine = load(self.cloud.world, ident)
        return machine is not None and machine.power

    def _hold_group(self, ident: str, record: Record, news: Properties) -> None:
        """Refuse to take a running server out of its group, in the words of the plugin, not of the API."""
        group = record.get("placementGroupId")
        if group and group != news.get("placementGroupId") and self._runs(ident):
            raise Refused(
                "removing a running server from a placement group is currently not supported in the provider. You can "
                "shutdown the server yourself, apply the changes again and then start the server manually as a "
                "workaround"
            )

    def _revert(self, ident: str, before: Record) -> None:
        with self.cloud.edit() as account:
            account.objects(self.noun)[ident] = before | {"status": "off"}

    def drop(self, account: Account, ident: str, record: Record) -> None:
        """Let volumes, networks, targets and groups forget it."""
        super().drop(account, ident, record)
        for noun in ("ServerNetwork", "LoadBalancerTarget", "VolumeAttachment"):
            entries = account.objects(noun)
            for key in [key for key, entry in entries.items() if str(entry.get("serverId")) == ident]:
                del entries[key]
        for volume in account.objects("Volume").values():
            if str(volume.get("serverId")) == ident:
                volume["serverId"] = 0
        _leave_groups(account, ident)

    async def dropped(self, ident: str, record: Record) -> None:
        """Take the machine out of the rack; disks of volumes live on with the volume."""
        await asyncio.to_thread(self._unrack, ident)

    def _unrack(self, ident: str) -> None:
        own = _serial(ident)
        with self.cloud.edit() as account:
            for disk in self._rack.get(ident).disks:
                if disk.serial != own and disk.serial in account.objects("Volume"):
                    account.objects("Volume")[disk.serial]["_content"] = [disk.content, list(disk.partition_labels)]
        self._rack.remove(ident)


def _hold_shape(inputs: Properties) -> None:
    """Hold what does not depend on other objects."""
    if not HOST_NAME.fullmatch(inputs["name"]):
        raise refusal(f"invalid input in field 'name': {inputs['name']}", "invalid_input")
    if inputs.get("deleteProtection", False) != inputs.get("rebuildProtection", False):
        raise refusal("delete_protection and rebuild_protection must be equal", "invalid_input")
    for key in NOT_SIMULATED:
        if inputs.get(key):
            raise refusal(f"{key} of Server is not simulated; use ServerNetwork for networks", "unsupported")


def _hold_members(account: Account, ident: str, inputs: Properties) -> None:
    """Hold firewalls and the placement group, and join the group."""
    for firewall in inputs.get("firewallIds", []):
        if str(firewall) not in account.objects("Firewall"):
            raise refusal(f"firewall with ID '{firewall}' not found", "not_found")
    _leave_groups(account, ident)
    group = inputs.get("placementGroupId")
    if not group:
        return
    if str(group) not in account.objects("PlacementGroup"):
        raise refusal(f"placement group with ID '{group}' not found", "not_found")
    members = account.objects("PlacementGroup")[str(group)]["servers"]
    if len(members) >= GROUP_MEMBERS:
        raise refusal(f"placement group {group} has {len(members)} servers, which is the most", "placement_error")
    members.append(int(ident))


def _leave_groups(account: Account, ident: str) -> None:
    for group in account.objects("PlacementGroup").values():
        group["servers"] = [member for member in group["servers"] if member != int(ident)]


def _public_key(account: Account, name: str) -> str:
    """Find a key by id or name."""
    keys = account.objects("SshKey")
    found = keys.get(name) or next((key for key in keys.values() if key["name"] == name), None)
    if found is None:
        raise refusal(f"SSH key {name} not found", "not_found")
    return str(found["publicKey"])


def _serial(ident: str) -> str:
    """Return the serial number of a server's own disk."""
    return f"1{ident}"


def _machine(ident: str, record: Record, user_data: Any) -> MachineSpec:  # noqa: ANN401 - text or nothing
    """Describe the machine that the server is."""
    kind, serial = server_type(record["serverType"]), _serial(ident)
    by_id, by_path = f"scsi-0QEMU_QEMU_HARDDISK_{serial}", "pci-0000:06:00.0-scsi-0:0:0:0"
    disk = Disk(serial=serial, size_gib=kind["diskGb"], device="/dev/sda", by_id=by_id, by_path=by_path)
    return MachineSpec(
        id=ident,
        name=record["name"],
        arch=NIX_SYSTEM[kind["arch"]],
        firmware=FIRMWARE[kind["arch"]],
        cpus=kind["cores"],
        memory_gib=kind["memoryGb"],
        disks=(disk,),
        medium="cloud-image",
        user_data=user_data,
        authorized_keys=tuple(record["_keys"]),
        addresses=(record["ipv4Address"],),
    )

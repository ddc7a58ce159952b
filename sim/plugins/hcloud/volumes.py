"""Volumes: disks that are plugged into one server at a time and keep what is on them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sim.machines.rack import Disk, Rack
from sim.plugins.cloud import Account, Cloud, CloudKind, Record
from sim.plugins.hcloud import tables
from sim.plugins.hcloud.catalog import location, refusal
from sim.plugins.hcloud.objects import Named

if TYPE_CHECKING:
    from sim.plugins.values import Properties

SMALLEST, LARGEST = 10, 10240
VOLUMES_PER_SERVER = 16


class Plug:
    """Plugs volumes into machines; on the way out, the volume's record learns what is on the disk."""

    def __init__(self, cloud: Cloud) -> None:
        """Work on that cloud's machines."""
        self._cloud = cloud
        self._rack = Rack(cloud.world)

    async def attach(self, server: str, volume: str) -> None:
        """Plug the disk in."""
        record = self._cloud.look("Volume", volume)
        if record is not None:
            await asyncio.to_thread(self._rack.attach_disk, server, _disk(volume, record))

    async def detach(self, server: str, volume: str) -> None:
        """Unplug the disk and remember its content; a server that is gone has done so."""
        if self._cloud.look("Server", server) is None:
            return
        disk = await asyncio.to_thread(self._rack.detach_disk, server, volume)
        with self._cloud.edit() as account:
            if volume in account.objects("Volume"):
                account.objects("Volume")[volume]["_content"] = [disk.content, list(disk.partition_labels)]

    async def resize(self, server: str, volume: str, size: int) -> None:
        """Let the machine see the new size."""
        await asyncio.to_thread(self._rack.resize_disk, server, volume, size)


class Volume(Named):
    """A block device."""

    noun = "Volume"
    table = tables.VOLUME

    def __init__(self, cloud: Cloud) -> None:
        """Plug where an input names a server."""
        super().__init__(cloud)
        self._plug = Plug(cloud)

    def fill(self, account: Account, ident: str, inputs: Properties) -> Record:
        """Hold size and place."""
        if ("location" in inputs) == (bool(inputs.get("serverId"))):
            raise refusal("one of location and server_id must be given", "invalid_input")
        if not SMALLEST <= inputs["size"] <= LARGEST:
            raise refusal(f"invalid input in field 'size': {inputs['size']}", "invalid_input")
        server = str(inputs.get("serverId") or "")
        place = inputs.get("location") or hold_server(account, server, None)["location"]
        location(place, "x86")
        return {
            "linuxDevice": f"/dev/disk/by-id/scsi-0HC_Volume_{ident}",
            "location": place,
            "serverId": int(server or 0),
            "_content": ["blank", [inputs["format"]] if inputs.get("format") else []],
        }

    async def made(self, ident: str, record: Record, inputs: Properties) -> None:
        """Plug it in where a server is named."""
        if inputs.get("serverId"):
            await self._plug.attach(str(inputs["serverId"]), ident)

    def change(self, account: Account, ident: str, record: Record, news: Properties) -> None:
        """Let it grow and move, never shrink; a new format is taken for later, as the disk keeps its own."""
        if news["size"] < record["size"]:
            raise refusal(f"volume size can only be increased: {record['size']} to {news['size']}", "invalid_input")
        if news.get("serverId"):
            hold_server(account, str(news["serverId"]), record["location"])
        else:
            # A server that no input names is no change: an attachment may have plugged it in.
            news = news | {"serverId": record["serverId"]}
        super().change(account, ident, record, news)

    async def changed(self, ident: str, before: Record, record: Record) -> None:
        """Follow in the rack."""
        if before["serverId"] != record["serverId"]:
            if before["serverId"]:
                await self._plug.detach(str(before["serverId"]), ident)
            if record["serverId"]:
                await self._plug.attach(str(record["serverId"]), ident)
        elif record["serverId"] and before["size"] != record["size"]:
            await self._plug.resize(str(record["serverId"]), ident, record["size"])

    def drop(self, account: Account, ident: str, record: Record) -> None:
        """Forget attachments; the plugin detaches a volume before it deletes it."""
        super().drop(account, ident, record)
        entries = account.objects("VolumeAttachment")
        for key in [key for key, entry in entries.items() if str(entry["volumeId"]) == ident]:
            del entries[key]

    async def dropped(self, ident: str, record: Record) -> None:
        """Unplug it."""
        if record["serverId"]:
            await self._plug.detach(str(record["serverId"]), ident)


class VolumeAttachment(CloudKind):
    """A volume in a server."""

    noun = "VolumeAttachment"
    table = tables.VOLUME_ATTACHMENT

    def __init__(self, cloud: Cloud) -> None:
        """Plug and unplug."""
        super().__init__(cloud)
        self._plug = Plug(cloud)

    def make(self, account: Account, inputs: Properties) -> tuple[str, Record]:
        """Hold that the volume is free and in the server's location."""
        ident = str(inputs["volumeId"])
        volume = account.objects("Volume").get(ident)
        if volume is None:
            raise refusal(f"volume with ID '{ident}' not found", "not_found")
        if volume["serverId"]:
            raise refusal(f"volume {ident} is attached to server {volume['serverId']}", "volume_already_attached")
        hold_server(account, str(inputs["serverId"]), volume["location"])
        volume["serverId"] = inputs["serverId"]
        return ident, {"automount": False} | inputs

    async def made(self, ident: str, record: Record, inputs: Properties) -> None:
        """Plug it in."""
        await self._plug.attach(str(record["serverId"]), ident)

    def drop(self, account: Account, ident: str, record: Record) -> None:
        """Free the volume."""
        if ident in account.objects("Volume"):
            account.objects("Volume")[ident]["serverId"] = 0

    async def dropped(self, ident: str, record: Record) -> None:
        """Unplug it."""
        await self._plug.detach(str(record["serverId"]), ident)


def hold_server(account: Account, server: str, place: str | None) -> Record:
    """Find a server that can take one more volume of that location."""
    found = account.objects("Server").get(server)
    if found is None:
        raise refusal(f"server with ID '{server}' not found", "not_found")
    if place not in (None, found["location"]):
        raise refusal(f"volume is in {place}, server {server} in {found['location']}", "invalid_input")
    plugged = [volume for volume in account.objects("Volume").values() if str(volume["serverId"]) == server]
    if len(plugged) >= VOLUMES_PER_SERVER:
        raise refusal(f"server {server} has {len(plugged)} volumes", "resource_limit_exceeded")
    return found


def _disk(ident: str, record: Record) -> Disk:
    content, labels = record["_content"]
    return Disk(
        serial=ident,
        size_gib=record["size"],
        device=f"/dev/disk/by-id/scsi-0HC_Volume_{ident}",
        by_id=f"scsi-0HC_Volume_{ident}",
        content=content,
        partition_labels=tuple(labels),
    )

"""One Hetzner server, its private address and its volume. Installing a system on it is components/host.py's matter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
import pulumi_hcloud as hcloud

from components.clouds.registry import Machine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from ipaddress import IPv4Address

    from components.restart import Restarts
    from fleet.hosts import HcloudHost


@dataclass(frozen=True, kw_only=True)
class HetznerServerArgs:
    """What a server needs to know."""

    host: HcloudHost
    """Type, place, image, volume."""

    user_data: pulumi.Input[str] = field(repr=False)
    """First-boot document, a secret."""

    ssh_keys: Sequence[pulumi.Input[str]]
    """Ids of the keys that the image lets in."""

    firewall_id: pulumi.Input[int]
    placement_group_id: pulumi.Input[int]

    private_address: IPv4Address | None = None
    """Address on the private network; None: not attached."""

    subnet_id: pulumi.Input[str] | None = None
    """Subnet of the private address."""

    protection: bool
    """Refuse to delete or rebuild it, and to delete its volume."""

    restarts: Restarts
    """Who shuts it down before its type is changed."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels in Hetzner's project."""


class HetznerServer(pulumi.ComponentResource):
    """A Hetzner server, ready to be installed."""

    server_id: pulumi.Output[int]
    """Hetzner's number of the server."""

    machine: Machine
    """The server as the rest of the program sees it."""

    def __init__(self, name: str, args: HetznerServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Make the server, attach it, and give it its volume."""
        super().__init__("nixfleet:index:HetznerServer", name, None, opts)
        server = self._server(name, args)
        args.restarts.follow(name, server, server.ipv4_address)
        self.server_id = server.id.apply(int)
        self.machine = Machine(
            identity=server.id,
            address=server.ipv4_address,
            ready=(server, *self._attachment(name, args), *self._volume(name, args)),
        )
        self.register_outputs({"server_id": self.server_id})

    def _server(self, name: str, args: HetznerServerArgs) -> hcloud.Server:
        return hcloud.Server(
            f"{name}-server",
            name=name,
            server_type=args.host.server_type,
            location=args.host.location,
            image=args.host.image,
            user_data=args.user_data,
            ssh_keys=args.ssh_keys,
            firewall_ids=[args.firewall_id],
            placement_group_id=args.placement_group_id,
            # A larger type can be gone back from only while the disk has its old size.
            keep_disk=not args.host.grow_disk,
            shutdown_before_deletion=True,
            # Hetzner demands that the two are equal.
            delete_protection=args.protection,
            rebuild_protection=args.protection,
            labels=dict(args.labels),
            opts=pulumi.ResourceOptions(
                parent=self,
                # They matter at the first boot only; a change would replace the machine, and its disk with it. The
                # plugin refuses to move a running server to another group: it stays in the one that it was made in.
                ignore_changes=["image", "placementGroupId", "sshKeys", "userData"],
                # Names are unique in a project.
                delete_before_replace=True,
                # Hetzner's own protection stops a deletion only after the network was detached.
                protect=args.protection,
                # Another type is made with the machine off, and the plugin would cut its power.
                hooks=args.restarts.hooks,
            ),
        )

    def _attachment(self, name: str, args: HetznerServerArgs) -> tuple[pulumi.Resource, ...]:
        if args.private_address is None:
            return ()
        attachment = hcloud.ServerNetwork(
            f"{name}-attachment",
            server_id=self.server_id,
            subnet_id=args.subnet_id,
            ip=str(args.private_address),
            # The address is taken until the old attachment is gone.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        return (attachment,)

    def _volume(self, name: str, args: HetznerServerArgs) -> tuple[pulumi.Resource, ...]:
        if args.host.volume is None:
            return ()
        volume = hcloud.Volume(
            f"{name}-volume",
            name=name,
            size=args.host.volume.size_gib,
            location=args.host.location,
            delete_protection=args.protection,
            labels=dict(args.labels),
            # It holds replicas, so it outlives its server; names are unique in a project.
            opts=pulumi.ResourceOptions(parent=self, protect=args.protection, delete_before_replace=True),
        )
        attachment = hcloud.VolumeAttachment(
            f"{name}-volume-attachment",
            server_id=self.server_id,
            volume_id=volume.id.apply(int),
            # The system mounts it, not the cloud image.
            automount=False,
            opts=pulumi.ResourceOptions(
                parent=self,
                # A volume is attached to one server at a time.
                delete_before_replace=True,
                # It goes before the volume does.
                protect=args.protection,
            ),
        )
        return (attachment,)

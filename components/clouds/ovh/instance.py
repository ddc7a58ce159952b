"""One OVH instance with its private address. Installing a system on it is components/host.py's matter."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_ovh as ovh

from components.clouds.registry import Machine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.clouds.ovh.network import RegionalNetwork
    from fleet.hosts import OvhInstanceHost


def public_address(addresses: Sequence[Any], private: IPv4Network | None) -> str:
    """The public IPv4 address among an instance's addresses, which come in no order."""
    fours = sorted(IPv4Address(address.ip) for address in addresses if address.version == 4)  # noqa: PLR2004 - IPv4
    outside = [address for address in fours if private is None or address not in private]
    if not outside:
        found = ", ".join(map(str, fours)) or "none"
        raise ValueError(f"an instance has a public IPv4 address; found: {found}; look at it in OVH's console")
    return str(outside[0])


@dataclass(frozen=True, kw_only=True)
class PrivatePlace:
    """Where an instance is on the private network."""

    network: RegionalNetwork
    address: IPv4Address


@dataclass(frozen=True, kw_only=True)
class OvhInstanceArgs:
    """What an instance needs to know."""

    service_name: str
    """The project."""

    host: OvhInstanceHost
    """Region, flavor, image."""

    user_data: pulumi.Input[str] = field(repr=False)
    """First-boot document, a secret."""

    ssh_key: pulumi.Input[str]
    """Name of the key that the image lets in."""

    private: PrivatePlace | None
    """None: not attached."""

    private_range: IPv4Network | None
    """Range of the private network: what is in it is no public address."""

    protection: bool
    """Refuse to delete it."""


def network_of(private: PrivatePlace | None) -> Any:  # noqa: ANN401 - plain data of the provider
    """The instance's `network` input."""
    if private is None:
        return {"public": True}
    network = {"id": private.network.network_id, "subnet_id": private.network.subnet_id}
    return {"public": True, "private": {"network": network, "ip": str(private.address)}}


class OvhInstance(pulumi.ComponentResource):
    """An OVH instance, ready to be installed."""

    machine: Machine
    """The instance as the rest of the program sees it."""

    def __init__(self, name: str, args: OvhInstanceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Make the instance."""
        super().__init__("nixfleet:index:OvhInstance", name, None, opts)
        instance = ovh.cloudproject.Instance(
            f"{name}-instance",
            service_name=args.service_name,
            name=name,
            region=args.host.region,
            billing_period="hourly",
            flavor={"flavor_id": args.host.flavor_id},
            boot_from={"image_id": args.host.image_id},
            network=network_of(args.private),
            ssh_key={"name": args.ssh_key},
            user_data=args.user_data,
            opts=pulumi.ResourceOptions(
                parent=self,
                # They matter at the first boot only; a change would replace the machine, and its disk with it.
                ignore_changes=["bootFrom", "sshKey", "userData"],
                # The plugin plans these as updates and then fails, with the new inputs already in the state.
                replace_on_changes=["flavor", "network"],
                # A fixed private address is taken until the old instance is gone.
                delete_before_replace=True,
                # OVH has no protection of its own for instances.
                protect=args.protection,
            ),
        )
        address = instance.addresses.apply(lambda found: public_address(found, args.private_range))
        self.machine = Machine(identity=instance.id, address=address, ready=(instance,))
        self.register_outputs({})

"""OVH Public Cloud as a source of machines."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any, cast

import pulumi
import pulumi_ovh as ovh

from components.clouds.ovh.network import OvhNetwork, OvhNetworkArgs
from components.clouds.registry import CloudArgs, Machine, register_cloud
from fleet.network import ProviderNetwork

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fleet.hosts import OvhInstanceHost


def public_address(addresses: Sequence[Any], private: IPv4Network | None) -> str:
    """The public IPv4 address among an instance's addresses, which come in no order."""
    fours = sorted(IPv4Address(address.ip) for address in addresses if address.version == 4)  # noqa: PLR2004 - IPv4
    outside = [address for address in fours if private is None or address not in private]
    if not outside:
        raise ValueError(f"the instance has no public IPv4 address among {fours}: give its network `public`")
    return str(outside[0])


def private_address(args: CloudArgs, host: OvhInstanceHost) -> IPv4Address | None:
    """The host's address on the private network: the cluster address where that network is the cluster's."""
    if args.fleet.providers.ovh is None or args.fleet.providers.ovh.network is None:
        return None
    network = args.fleet.network
    if isinstance(network, ProviderNetwork) and network.provider == "ovh":
        return host.address
    return host.private_address


class Ovh(pulumi.ComponentResource):
    """All of a fleet that is in OVH's Public Cloud."""

    machines: Mapping[str, Machine]
    """Instances by host name."""

    api_address = None
    """OVH makes no load balancer for the API."""

    def __init__(self, name: str, args: CloudArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Make the key, the network and the instances."""
        super().__init__("nixfleet:index:Ovh", name, None, opts)
        hosts = cast("Mapping[str, OvhInstanceHost]", args.hosts)  # the registry gives only hosts of our kind
        key = self._key(name, args)
        network = self._network(name, args)
        self.machines = {label: self._machine(label, args, host, key, network) for label, host in hosts.items()}
        self.register_outputs({"machines": sorted(self.machines)})

    def _service(self, args: CloudArgs) -> str:
        settings = args.fleet.providers.ovh
        if settings is None:
            raise ValueError("hosts of kind ovh-instance need providers.ovh: add its serviceName to the stack file")
        return settings.service_name

    def _key(self, name: str, args: CloudArgs) -> ovh.CloudProjectSshKey:
        return ovh.CloudProjectSshKey(
            f"{name}-key",
            service_name=self._service(args),
            name=f"{args.stack}-deploy",
            public_key=args.identities.deploy_key,
            # Names are unique in a project.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )

    def _network(self, name: str, args: CloudArgs) -> OvhNetwork | None:
        settings = args.fleet.providers.ovh
        if settings is None or settings.network is None:
            return None
        network = OvhNetworkArgs(
            label=f"{args.stack}-fleet", service_name=settings.service_name, network=settings.network
        )
        return OvhNetwork(f"{name}-private", network, pulumi.ResourceOptions(parent=self))

    def _machine(
        self,
        label: str,
        args: CloudArgs,
        host: OvhInstanceHost,
        key: ovh.CloudProjectSshKey,
        network: OvhNetwork | None,
    ) -> Machine:
        instance = ovh.cloudproject.Instance(
            f"{label}-instance",
            service_name=self._service(args),
            name=label,
            region=host.region,
            billing_period="hourly",
            flavor={"flavor_id": host.flavor_id},
            boot_from={"image_id": host.image_id},
            network=_network_of(private_address(args, host), network, host.region),
            ssh_key={"name": key.name},
            user_data=args.user_data[label],
            opts=pulumi.ResourceOptions(
                parent=self,
                # They matter at the first boot only; a change would replace the machine, and its disk with it.
                ignore_changes=["bootFrom", "sshKey", "userData"],
                # The plugin plans these as updates and then fails, with the new inputs already in the state.
                replace_on_changes=["flavor", "network"],
                # A fixed private address is taken until the old instance is gone.
                delete_before_replace=True,
                # OVH has no protection of its own for instances.
                protect=args.fleet.protection,
            ),
        )
        private = args.fleet.providers.ovh.network.subnet if network and args.fleet.providers.ovh.network else None  # type: ignore[union-attr]  # a network comes from that section
        address = instance.addresses.apply(lambda found: public_address(found, private))
        return Machine(identity=instance.id, address=address, ready=(instance,))


def _network_of(address: IPv4Address | None, network: OvhNetwork | None, region: str) -> dict[str, Any]:
    if network is None or address is None:
        return {"public": True}
    regional = network.regions[region]
    private = {"network": {"id": regional.network_id, "subnet_id": regional.subnet_id}, "ip": str(address)}
    return {"public": True, "private": private}


def public_cloud(args: CloudArgs) -> Ovh:
    """OVH with the account's credentials: `ovh:*` config, secrets, or OVH_* variables."""
    config = pulumi.Config("ovh")
    provider = ovh.Provider(
        "ovh",
        endpoint=config.get("endpoint"),
        application_key=config.get_secret("applicationKey"),
        application_secret=config.get_secret("applicationSecret"),
        consumer_key=config.get_secret("consumerKey"),
    )
    return Ovh("ovh", args, pulumi.ResourceOptions(providers=[provider]))


register_cloud(public_cloud, "ovh-instance")

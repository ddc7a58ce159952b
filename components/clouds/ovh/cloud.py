"""OVH Public Cloud as a source of machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pulumi
import pulumi_ovh as ovh

from components.clouds.ovh.instance import OvhInstance, OvhInstanceArgs, PrivatePlace
from components.clouds.ovh.network import OvhNetwork, OvhNetworkArgs
from components.clouds.registry import CloudArgs, Machine, register_cloud
from fleet.inventory import key_fingerprint, private_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.hosts import OvhInstanceHost
    from fleet.settings import Ovh as Settings


def settings_of(args: CloudArgs) -> Settings:
    """The stack's settings for OVH; a law of the language demands them where there are instances."""
    return cast("Settings", args.fleet.providers.ovh)


class Ovh(pulumi.ComponentResource):
    """All of a fleet that is in OVH's Public Cloud."""

    machines: Mapping[str, Machine]
    """Instances by host name."""

    def __init__(self, name: str, args: CloudArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Make the key, the network and the instances."""
        super().__init__("nixfleet:index:Ovh", name, None, opts)
        hosts = cast("Mapping[str, OvhInstanceHost]", args.hosts)  # the registry gives only hosts of our kind
        key = self._key(name, args)
        network = self._network(name, args)
        self.machines = {label: self._machine(label, args, host, key, network) for label, host in hosts.items()}
        self.register_outputs({"machines": sorted(self.machines)})

    def _key(self, name: str, args: CloudArgs) -> ovh.CloudProjectSshKey:
        # Known by its content, so that a changed key is another resource. Were it replaced, names being unique, it
        # would go first, and the engine would replace the instances with it, without a look at what they ignore.
        fingerprint = key_fingerprint(args.identities.deploy_key)
        return ovh.CloudProjectSshKey(
            f"{name}-key-{fingerprint}",
            service_name=settings_of(args).service_name,
            name=f"{args.stack}-deploy-{fingerprint}",
            public_key=args.identities.deploy_key,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _network(self, name: str, args: CloudArgs) -> OvhNetwork | None:
        settings = settings_of(args)
        if settings.network is None:
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
        settings, address = settings_of(args), private_address(args.fleet, host)
        private = PrivatePlace(network=network.regions[host.region], address=address) if network and address else None
        instance = OvhInstance(
            label,
            OvhInstanceArgs(
                service_name=settings.service_name,
                host=host,
                user_data=args.user_data[label],
                ssh_key=key.name,
                private=private,
                private_range=settings.network.subnet if settings.network else None,
                protection=args.fleet.protection,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        return instance.machine


class OvhCloud:
    """OVH with the account's credentials: `ovh:*` config, secrets, or OVH_* variables."""

    api_address = None
    """OVH makes no load balancer for the API."""

    ends = ()

    def __init__(self, args: CloudArgs) -> None:
        """Make all that the fleet has there."""
        config = pulumi.Config("ovh")
        provider = ovh.Provider(
            "ovh",
            endpoint=config.get("endpoint"),
            application_key=config.get_secret("applicationKey"),
            application_secret=config.get_secret("applicationSecret"),
            consumer_key=config.get_secret("consumerKey"),
            # Nothing is done before the change is lawful; every resource waits for its provider.
            opts=pulumi.ResourceOptions(depends_on=[args.lawful]),
        )
        self.machines = Ovh("ovh", args, pulumi.ResourceOptions(providers=[provider])).machines

    def serve(self, members: Mapping[str, pulumi.CustomResource]) -> Mapping[str, pulumi.Resource]:  # noqa: ARG002 - a Cloud's
        """Nothing stands before a server here."""
        return {}


register_cloud(OvhCloud, "ovh-instance")

"""Machines that exist without us: boards and dedicated servers. Nothing is created for them and nothing given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.clouds.registry import CloudArgs, Machine, register_cloud
from fleet.contract.facts import ssh_address
from fleet.hosts import OvhDedicatedHost

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from fleet.hosts import Host


class Records:
    """Machines as the stack file describes them."""

    api_address = None
    ends = ()

    def __init__(self, args: CloudArgs) -> None:
        """Take the machines from the documents alone."""
        self.machines = {name: _machine(host) for name, host in args.hosts.items()}

    def serve(self, members: Mapping[str, pulumi.CustomResource]) -> Mapping[str, pulumi.Resource]:  # noqa: ARG002 - a Cloud's
        """Nothing is made here, so nothing stands before a server."""
        return {}


def _machine(host: Host) -> Machine:
    # A new disk in an old case is another machine to install; the path names the disk where no serial is given, and
    # another service of OVH is another machine, whatever its disk is called.
    named = [host.service_name] if isinstance(host, OvhDedicatedHost) else []
    return Machine(identity=" ".join([*named, host.disk.serial or host.disk.device]), address=str(ssh_address(host)))


register_cloud(Records, "bare-metal", "ovh-dedicated")

"""The WireGuard mesh's peers, brought to every installed host. No closure holds them: a new host changes no other's."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
from pulumi_command import local  # noqa: TC002 - the SDK reads the annotations of a resource when it runs

from components.commands import Work, work

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.settings import Fleet


@dataclass(frozen=True, kw_only=True)
class MeshArgs:
    """What the mesh needs to know."""

    stack: str
    """Stack whose contract describes the hosts."""

    fleet: Fleet
    """What the stack file says: limits follow from it."""

    hosts: tuple[str, ...]
    """Names of all hosts, sorted: when one leaves, its peers forget it."""

    peers: pulumi.Input[str]
    """Peers as JSON, sorted by host name."""

    stack_wide: pulumi.Resource
    """Goes only with the whole stack; nobody is forgotten in a mesh that ends."""

    deploy_secret: pulumi.Input[str] = field(repr=False)
    """The key to log in with as JSON, a secret."""

    after: tuple[pulumi.Resource, ...]
    """What has to be done before hosts are touched."""


class Mesh(pulumi.ComponentResource):
    """The mesh between the hosts."""

    command: local.Command
    """What a host that joins waits for: the others know it by then. It says who is off and could not be told."""

    pruned: pulumi.Resource
    """What a membership is ended before: peers forget a host when it has left."""

    endpoints: pulumi.Output[str]
    """Where every host answers, as JSON by name: all that an installation has to know of its peers. It comes out of the
    command, so that an installation depends on one resource and not on every machine: the state of a large fleet stays
    small."""

    def __init__(self, name: str, args: MeshArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Bring the peers to the hosts."""
        super().__init__("nixfleet:index:Mesh", name, None, opts)
        self.command = command = work(
            f"{name}-mesh",
            Work(verb="mesh", stack=args.stack, fleet=args.fleet),
            ("create", "update"),
            environment={"NIXFLEET_PEERS": args.peers},
            stdin=args.deploy_secret,
            # What it told the hosts the last time: one that is off misses nothing where nothing is new.
            previous=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.after)),
        )
        # Another list of hosts makes it anew, and the end of the old one, after that of memberships, is the work.
        self.pruned = work(
            f"{name}-peers",
            Work(verb="prune", stack=args.stack, fleet=args.fleet),
            ("delete",),
            triggers=[json.dumps(args.hosts)],
            environment={"NIXFLEET_PEERS": args.peers},
            stdin=args.deploy_secret,
            opts=pulumi.ResourceOptions(parent=self, deleted_with=args.stack_wide),
        )
        self.endpoints = command.environment.apply(_endpoints)
        self.register_outputs({"endpoints": self.endpoints})


def _endpoints(environment: Mapping[str, str] | None) -> str:
    peers = json.loads((environment or {})["NIXFLEET_PEERS"])
    return json.dumps({name: {"endpoint": peer["endpoint"]} for name, peer in peers.items()}, sort_keys=True)

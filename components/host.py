"""One host on its machine: a member of the cluster, installed once, then brought to each new closure.

Machines come from components/clouds. The order of hosts is wired in hosts.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
from pulumi_command import local

from components.commands import INERT, hostops
from components.edges import Gate, behind, unlinked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.clouds.registry import Machine

MARGIN_SECONDS = 300
"""The command ends by itself and says why; the engine's limit is for one that hangs."""


@dataclass(frozen=True, kw_only=True)
class HostArgs:
    """What a host needs to know."""

    stack: str
    """Stack whose contract describes the host."""

    machine: Machine
    """What it runs on."""

    role: str
    """What it does in the cluster: another role is another member."""

    facts: str
    """The host's entry of the contract as JSON: all that leaving knows of it when the file has it no more."""

    stack_wide: pulumi.Resource
    """Goes only with the whole stack; nobody leaves a cluster that ends."""

    pruned: tuple[pulumi.Resource, ...]
    """What is done when it has left: others forget it."""

    closure: str
    """Closure key of the wanted generation."""

    weight: str
    """What of it needs more than a restart of units: the next preview compares with it."""

    install_secret: pulumi.Input[str] = field(repr=False)
    """Standard input of the installation: keys and tokens as JSON, a secret."""

    switch_secret: pulumi.Input[str] = field(repr=False)
    """Standard input of a switch: keys and tokens as JSON, a secret."""

    deploy_secret: pulumi.Input[str] = field(repr=False)
    """Standard input of leaving: the key to log in with as JSON, a secret."""

    peers: pulumi.Input[str]
    """Hosts that it has to know when it is installed, as JSON: the servers, or all of a mesh."""

    servers: pulumi.Input[str]
    """Servers of the cluster, as JSON: who is asked when a server is touched, and when a host leaves."""

    reinstall: str
    """One-shot token that formats the disk and installs again; empty: none."""

    install_seconds: int
    """Limit of the installation, and of leaving, which may move as much."""

    ready_seconds: int
    """Limit of the wait for the node to be Ready."""

    copy_seconds: int
    """Limit of building a system and copying it there."""

    drain_seconds: int
    """Limit of the wait for a node's pods to go."""

    switch_seconds: int
    """Limit of a switch, building, copying and going back included."""

    after: pulumi.Resource | None
    """What has to be done before this host is touched: one edge, from its installation."""

    turn: Gate | None
    """Opens when all that comes before this host is done: a wait without an edge."""


class Host(pulumi.ComponentResource):
    """A host of the fleet."""

    closure: pulumi.Output[str]
    """Closure key that the host was brought to."""

    installation: pulumi.Output[str]
    """Changes exactly when the host is installed anew."""

    membership: pulumi.CustomResource
    """Its end is the work of leaving the cluster. It ends before the machine does, and after what depends on it."""

    node: pulumi.Output[str]
    """Changes exactly when the host comes back as another node: installed anew, or in another role."""

    system: pulumi.Resource
    """The host as it should be: what everything that needs the host depends on."""

    def __init__(self, name: str, args: HostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Install the host and bring it to its closure."""
        super().__init__("nixfleet:index:Host", name, None, opts)
        self.membership = membership = self._membership(name, args)
        install = self._install(name, args, membership)
        self.installation = unlinked(install.id)
        self.node = pulumi.Output.format("{0} {1}", self.installation, unlinked(membership.id))
        self.system = system = self._system(name, args, install)
        # The command's own inputs, so that the key is known only when the host is there.
        self.closure = system.environment.apply(_closure_of)
        self.register_outputs({"closure": self.closure, "installation": self.installation})

    def _membership(self, name: str, args: HostArgs) -> local.Command:
        return local.Command(
            f"{name}-membership",
            create=INERT,
            update=INERT,
            delete=hostops("leave", args.stack, name),
            # Another machine, or another role, is another member: the old one leaves first. The trigger is an output of
            # the machine, so that the engine ends the membership before a machine that it deletes before replacing.
            triggers=[args.machine.identity, args.role],
            environment={
                "NIXFLEET_ADDRESS": unlinked(args.machine.address),
                "NIXFLEET_MEMBER": args.facts,
                "NIXFLEET_PEERS": unlinked(args.servers),
                "NIXFLEET_LEAVE_SECONDS": str(args.install_seconds),
                "NIXFLEET_READY_SECONDS": str(args.ready_seconds),
            },
            stdin=args.deploy_secret,
            add_previous_output_in_env=False,
            logging=local.Logging.STDERR,
            opts=pulumi.ResourceOptions(
                parent=self,
                # A member leaves while it still has its network and its volumes.
                depends_on=[*args.machine.ready, *args.pruned],
                deleted_with=args.stack_wide,
                # A host is one member at a time.
                delete_before_replace=True,
                custom_timeouts=pulumi.CustomTimeouts(delete=f"{args.install_seconds + MARGIN_SECONDS}s"),
            ),
        )

    def _install(self, name: str, args: HostArgs, membership: pulumi.Resource) -> local.Command:
        return local.Command(
            f"{name}-install",
            create=hostops("install", args.stack, name),
            update=INERT,
            # The SDK makes a changed trigger a replacement: a new machine or a new token, and nothing else, installs.
            triggers=[unlinked(args.machine.identity), args.reinstall],
            environment={
                "NIXFLEET_ADDRESS": unlinked(args.machine.address),
                "NIXFLEET_MACHINE_ID": unlinked(args.machine.identity),
                "NIXFLEET_REINSTALL": args.reinstall,
                # Stays as it is now: what is judged before the next run (fleet/transition/installation.py).
                "NIXFLEET_FIXED": _fixed(args.facts),
                "NIXFLEET_PEERS": unlinked(args.peers),
                "NIXFLEET_INSTALL_SECONDS": str(args.install_seconds),
                "NIXFLEET_READY_SECONDS": str(args.ready_seconds),
            },
            stdin=behind(args.turn, args.install_secret),
            add_previous_output_in_env=False,
            logging=local.Logging.STDERR,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[membership, *([args.after] if args.after else [])],
                # Installed is installed: an address, a key or a word that changed later must not touch the disk.
                ignore_changes=["create", "update", "environment", "stdin", "dir", "interpreter", "logging"],
                # Streams of a failed installation may name what it was doing.
                additional_secret_outputs=["stdout", "stderr"],
                custom_timeouts=pulumi.CustomTimeouts(create=f"{args.install_seconds + MARGIN_SECONDS}s"),
            ),
        )

    def _system(self, name: str, args: HostArgs, install: local.Command) -> local.Command:
        switch = hostops("switch", args.stack, name)
        timeout = f"{args.switch_seconds + MARGIN_SECONDS}s"
        return local.Command(
            f"{name}-system",
            create=switch,
            update=switch,
            # A changed closure, a new installation or membership is an update of this resource, never a replacement.
            environment={
                "NIXFLEET_ADDRESS": unlinked(args.machine.address),
                "NIXFLEET_CLOSURE": args.closure,
                "NIXFLEET_WEIGHT": args.weight,
                "NIXFLEET_INSTALLATION": self.node,
                # Servers say whether the cluster can spare a host, and take its pods off it.
                "NIXFLEET_PEERS": unlinked(args.servers),
                "NIXFLEET_READY_SECONDS": str(args.ready_seconds),
                "NIXFLEET_COPY_SECONDS": str(args.copy_seconds),
                "NIXFLEET_DRAIN_SECONDS": str(args.drain_seconds),
                "NIXFLEET_SWITCH_SECONDS": str(args.switch_seconds),
            },
            stdin=args.switch_secret,
            add_previous_output_in_env=False,
            logging=local.Logging.STDERR,
            opts=pulumi.ResourceOptions(
                parent=self,
                # The one edge: the installation has waited for all that this waits for.
                depends_on=[install],
                custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout),
            ),
        )


def _fixed(facts: str) -> str:
    """What an installation fixes, of the host's entry of the contract."""
    entry = json.loads(facts)
    return json.dumps({"address": entry["address"], "layout": entry["disk"]["layout"]}, sort_keys=True)


def _closure_of(environment: Mapping[str, str] | None) -> str:
    return (environment or {})["NIXFLEET_CLOSURE"]

"""One host on its machine: a member of the cluster, installed once, then brought to each new closure.

Machines come from components/clouds. The order of hosts is wired in hosts.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
from pulumi_command import local  # noqa: TC002 - the SDK reads the annotations of a resource when it runs

from components.commands import Work, work
from components.edges import Gate, behind, unlinked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.clouds.registry import Machine
    from fleet.settings import Fleet


@dataclass(frozen=True, kw_only=True)
class HostArgs:
    """What a host needs to know."""

    stack: str
    """Stack whose contract describes the host."""

    fleet: Fleet
    """What the stack file says: limits follow from it."""

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

    installed_on: str
    """The machine on which it was installed already; empty: none is known."""

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

    system: local.Command
    """The host as it should be: what everything that needs the host depends on."""

    said: pulumi.Output[str]
    """What its switch said when it ran last: JSON, with `held` where its reboot waits for rollout.window."""

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
        self.said = unlinked(system.stdout)
        self.register_outputs({"closure": self.closure, "installation": self.installation})

    def _membership(self, name: str, args: HostArgs) -> local.Command:
        return work(
            f"{name}-membership",
            Work(verb="leave", stack=args.stack, fleet=args.fleet, host=name),
            ("delete",),
            # Another machine, or another role, is another member: the old one leaves first. The trigger is an output of
            # the machine, so that the engine ends the membership before a machine that it deletes before replacing.
            triggers=[args.machine.identity, args.role],
            environment={
                "NIXFLEET_ADDRESS": unlinked(args.machine.address),
                "NIXFLEET_MEMBER": args.facts,
                "NIXFLEET_PEERS": unlinked(args.servers),
            },
            stdin=args.deploy_secret,
            opts=pulumi.ResourceOptions(
                parent=self,
                # A member leaves while it still has its network and its volumes.
                depends_on=[*args.machine.ready, *args.pruned],
                deleted_with=args.stack_wide,
                # A host is one member at a time.
                delete_before_replace=True,
            ),
        )

    def _install(self, name: str, args: HostArgs, membership: pulumi.Resource) -> local.Command:
        return work(
            f"{name}-install",
            Work(verb="install", stack=args.stack, fleet=args.fleet, host=name),
            ("create",),
            # The SDK makes a changed trigger a replacement: a new machine or a new token, and nothing else, installs.
            triggers=[unlinked(args.machine.identity), args.reinstall],
            environment={
                "NIXFLEET_ADDRESS": unlinked(args.machine.address),
                "NIXFLEET_MACHINE_ID": unlinked(args.machine.identity),
                "NIXFLEET_INSTALLED_ON": args.installed_on,
                "NIXFLEET_REINSTALL": args.reinstall,
                # Stays as it is now: what is judged before the next run (fleet/transition/installation.py).
                "NIXFLEET_FIXED": _fixed(args.facts),
                "NIXFLEET_PEERS": unlinked(args.peers),
            },
            stdin=behind(args.turn, args.install_secret),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[membership, *([args.after] if args.after else [])],
                # Installed is installed: an address, a key or a word that changed later must not touch the disk.
                ignore_changes=["create", "update", "environment", "stdin", "dir", "interpreter", "logging"],
                # Streams of a failed installation may name what it was doing.
                additional_secret_outputs=["stdout", "stderr"],
            ),
        )

    def _system(self, name: str, args: HostArgs, install: local.Command) -> local.Command:
        return work(
            f"{name}-system",
            Work(verb="switch", stack=args.stack, fleet=args.fleet, host=name),
            ("create", "update"),
            # A changed closure, a new installation or membership is an update of this resource, never a replacement.
            environment={
                "NIXFLEET_ADDRESS": unlinked(args.machine.address),
                "NIXFLEET_CLOSURE": args.closure,
                "NIXFLEET_WEIGHT": args.weight,
                "NIXFLEET_INSTALLATION": self.node,
                # Servers say whether the cluster can spare a host, and take its pods off it.
                "NIXFLEET_PEERS": unlinked(args.servers),
                # The last step of the run (reboots.py) makes those that the window holds back.
                **({"NIXFLEET_REBOOTS": "later"} if args.fleet.rollout.window else {}),
            },
            stdin=args.switch_secret,
            opts=pulumi.ResourceOptions(
                parent=self,
                # The one edge: the installation has waited for all that this waits for.
                depends_on=[install],
            ),
        )


def _fixed(facts: str) -> str:
    """What an installation fixes, of the host's entry of the contract."""
    entry = json.loads(facts)
    return json.dumps({"address": entry["address"], "layout": entry["disk"]["layout"]}, sort_keys=True)


def _closure_of(environment: Mapping[str, str] | None) -> str:
    return (environment or {})["NIXFLEET_CLOSURE"]

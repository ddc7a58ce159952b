"""One host on its machine: installed once, then brought to each new closure. Machines come from components/clouds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
from pulumi_command import local

from components.commands import hostops

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.clouds.registry import Machine

INERT = ":"
"""Shell text that does nothing."""

MARGIN_SECONDS = 300
"""The command ends by itself and says why; the engine's limit is for one that hangs."""


@dataclass(frozen=True, kw_only=True)
class HostArgs:
    """What a host needs to know."""

    stack: str
    """Stack whose contract describes the host."""

    machine: Machine
    """What it runs on."""

    closure: str
    """Closure key of the wanted generation."""

    install_secret: pulumi.Input[str] = field(repr=False)
    """Standard input of the installation: keys and tokens as JSON, a secret."""

    switch_secret: pulumi.Input[str] = field(repr=False)
    """Standard input of a switch: keys and tokens as JSON, a secret."""

    peers: pulumi.Input[str]
    """Hosts that it has to know when it is installed, as JSON: the servers, or all of a mesh."""

    quorum: pulumi.Input[str] | None
    """Servers that are asked before this one is touched, as JSON; None: it is none."""

    reinstall: str
    """One-shot token that formats the disk and installs again; empty: none."""

    install_seconds: int
    """Limit of the installation."""

    ready_seconds: int
    """Limit of the wait for the node to be Ready."""

    switch_seconds: int
    """Limit of a switch, building, copying and going back included."""

    after: tuple[pulumi.Resource, ...]
    """What has to be done before this host is touched."""


class Host(pulumi.ComponentResource):
    """A host of the fleet."""

    closure: pulumi.Output[str]
    """Closure key that the host was brought to."""

    installation: pulumi.Output[str]
    """Changes exactly when the host is installed anew."""

    system: pulumi.Resource
    """The host as it should be: what everything that needs the host depends on."""

    def __init__(self, name: str, args: HostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Install the host and bring it to its closure."""
        super().__init__("nixfleet:index:Host", name, None, opts)
        install = self._install(name, args)
        self.installation = install.id
        self.system = system = self._system(name, args, install)
        # The command's own inputs, so that the key is known only when the host is there.
        self.closure = system.environment.apply(_closure_of)
        self.register_outputs({"closure": self.closure, "installation": self.installation})

    def _install(self, name: str, args: HostArgs) -> local.Command:
        return local.Command(
            f"{name}-install",
            create=hostops("install", args.stack, name),
            update=INERT,
            # The SDK makes a changed trigger a replacement: a new machine or a new token, and nothing else, installs.
            triggers=[args.machine.identity, args.reinstall],
            environment={
                "NIXFLEET_ADDRESS": args.machine.address,
                "NIXFLEET_MACHINE_ID": args.machine.identity,
                "NIXFLEET_REINSTALL": args.reinstall,
                "NIXFLEET_PEERS": args.peers,
                "NIXFLEET_INSTALL_SECONDS": str(args.install_seconds),
                "NIXFLEET_READY_SECONDS": str(args.ready_seconds),
            },
            stdin=args.install_secret,
            add_previous_output_in_env=False,
            logging=local.Logging.STDERR,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*args.machine.ready, *args.after],
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
        quorum = {} if args.quorum is None else {"NIXFLEET_PEERS": args.quorum}
        return local.Command(
            f"{name}-system",
            create=switch,
            update=switch,
            # A changed closure, or a new installation, is an update of this resource and never a replacement.
            environment={
                "NIXFLEET_ADDRESS": args.machine.address,
                "NIXFLEET_CLOSURE": args.closure,
                "NIXFLEET_INSTALLATION": install.id,
                "NIXFLEET_READY_SECONDS": str(args.ready_seconds),
                **quorum,
            },
            stdin=args.switch_secret,
            add_previous_output_in_env=False,
            logging=local.Logging.STDERR,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[install, *args.after],
                custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout),
            ),
        )


def _closure_of(environment: Mapping[str, str] | None) -> str:
    return (environment or {})["NIXFLEET_CLOSURE"]

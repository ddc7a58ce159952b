"""The cluster's own credential. It is for this program alone; what other stacks get is credential.py's matter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
from pulumi_command import local

from components.commands import Work, work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleet.settings import Fleet


@dataclass(frozen=True, kw_only=True)
class KubeconfigArgs:
    """What fetching the credential needs to know."""

    stack: str
    """Stack whose contract describes the cluster."""

    fleet: Fleet
    """What the stack file says: limits follow from it."""

    peers: pulumi.Input[str]
    """Where the servers answer, as JSON."""

    endpoint: pulumi.Input[str]
    """URL of the API by address, so that the first run needs no DNS entry."""

    installations: Sequence[pulumi.Input[str]]
    """Installations of the servers, sorted by name: new ones may mean new certificates."""

    renewal: str
    """A word that changes well within the year that the certificate lives, for example `2026-q3`."""

    deploy_secret: pulumi.Input[str] = field(repr=False)
    """The key to log in with as JSON, a secret."""

    after: pulumi.Resource
    """The last server."""


class Kubeconfig(pulumi.ComponentResource):
    """The administrator's kubeconfig."""

    text: pulumi.Output[str]
    """The file, a secret."""

    command: pulumi.Resource
    """What fetched it."""

    def __init__(self, name: str, args: KubeconfigArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Fetch the kubeconfig from a server."""
        super().__init__("nixfleet:index:Kubeconfig", name, None, opts)
        self.command = command = work(
            f"{name}-kubeconfig",
            Work(verb="kubeconfig", stack=args.stack, fleet=args.fleet),
            ("create", "update"),
            environment={
                "NIXFLEET_ENDPOINT": args.endpoint,
                "NIXFLEET_INSTALLATIONS": pulumi.Output.json_dumps(args.installations),
                "NIXFLEET_PEERS": args.peers,
                "NIXFLEET_RENEWAL": args.renewal,
            },
            stdin=args.deploy_secret,
            # A stream that is logged is shown, secret or not.
            logging=local.Logging.NONE,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[args.after],
                additional_secret_outputs=["stdout", "stderr"],
            ),
        )
        self.text = pulumi.Output.secret(command.stdout)
        self.register_outputs({"text": self.text})

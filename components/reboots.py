"""The last step of a run in a stack with a window for reboots: those that the window held back.

A host whose reboot has to wait must not hold up those that need none, so its own step succeeds and says so. This one
fails while the window is closed, which the next run goes on from, and with it the run says what is missing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi

from components.commands import Work, work
from components.edges import unlinked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.settings import Fleet


@dataclass(frozen=True, kw_only=True)
class RebootsArgs:
    """What the reboots need to know."""

    stack: str
    """Stack whose contract describes the hosts."""

    fleet: Fleet
    """What the stack file says: limits and the size of a batch follow from it."""

    said: Mapping[str, pulumi.Input[str]]
    """What each host's switch said when it ran last, by host."""

    peers: pulumi.Input[str]
    """Where the hosts answer, as JSON."""

    deploy_secret: pulumi.Input[str] = field(repr=False)
    """The key to log in with as JSON, a secret."""

    after: tuple[pulumi.Resource, ...]
    """Everything: reboots come last."""


class Reboots(pulumi.ComponentResource):
    """Reboots that waited for their window."""

    command: pulumi.Resource
    """Done when no host waits."""

    def __init__(self, name: str, args: RebootsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Reboot what waits, if it may be now."""
        super().__init__("nixfleet:index:Reboots", name, None, opts)
        switch = Work(verb="switch", stack=args.stack, fleet=args.fleet)
        self.command = work(
            f"{name}-reboots",
            Work(verb="reboots", stack=args.stack, fleet=args.fleet),
            ("create", "update"),
            environment={
                **switch.limits,
                "NIXFLEET_BATCH": str(args.fleet.rollout.batch_size),
                # Another one whenever a switch has held a reboot back again.
                "NIXFLEET_HELD": unlinked(pulumi.Output.all(**args.said).apply(held)),
                "NIXFLEET_PEERS": args.peers,
            },
            stdin=args.deploy_secret,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.after)),
        )
        self.register_outputs({})


def held(said: Mapping[str, str]) -> str:
    """Hosts whose reboot is due, as JSON, by what their switches said."""
    found = {name: _held(text) for name, text in sorted(said.items())}
    return json.dumps({name: mark for name, mark in found.items() if mark}, sort_keys=True)


def _held(text: str) -> str:
    try:
        return str(json.loads(text)["held"])
    except (ValueError, KeyError, TypeError):
        return ""

"""The last step of a run in a stack with a window for reboots: those that the window held back.

A host whose reboot has to wait must not hold up anything: neither hosts that need none, nor the engine's deletions,
which come after all steps and not at all where one failed. So it is no failure here either: the step says who waits,
the program warns of it in every run, and `make` ends with a code of its own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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
    """What the stack file says: the window, limits and the size of a batch follow from it."""

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
    """Done when those are made that may be."""

    def __init__(self, name: str, args: RebootsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Reboot what waits, if it may be now."""
        super().__init__("nixfleet:index:Reboots", name, None, opts)
        switch = Work(verb="switch", stack=args.stack, fleet=args.fleet)
        waiting = unlinked(pulumi.Output.all(**args.said).apply(held))
        self.command = command = work(
            f"{name}-reboots",
            Work(verb="reboots", stack=args.stack, fleet=args.fleet),
            ("create", "update"),
            environment={
                **switch.limits,
                "NIXFLEET_BATCH": str(args.fleet.rollout.batch_size),
                # Another one whenever a switch has held a reboot back again, and whenever the window has opened since.
                "NIXFLEET_HELD": waiting,
                "NIXFLEET_OPENED": waiting.apply(lambda hosts: opened(args.fleet) if json.loads(hosts) else ""),
                "NIXFLEET_PEERS": args.peers,
                "NIXFLEET_REBOOTS": "later",
            },
            stdin=args.deploy_secret,
            # Its own last output says which of them are made already.
            previous=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.after)),
        )
        command.stdout.apply(warn)
        self.register_outputs({})


def opened(fleet: Fleet) -> str:
    """Since when the window is open; empty while it is closed."""
    try:
        now = datetime.now(ZoneInfo(fleet.timezone))
    except ZoneInfoNotFoundError:
        # The step itself says so, with the cure.
        return "unknown"
    since = fleet.rollout.window.opened(now) if fleet.rollout.window else None
    return since.isoformat() if since else ""


def held(said: Mapping[str, str]) -> str:
    """Hosts whose reboot is due, as JSON, by what their switches said."""
    found = {name: str(_read(text).get("held") or "") for name, text in sorted(said.items())}
    return json.dumps({name: mark for name, mark in found.items() if mark}, sort_keys=True)


def warn(said: str) -> None:
    """Say who waits, in every run: `pulumi up` has no other way to tell of it."""
    if text := _read(said).get("waits"):
        pulumi.log.warn(str(text))


def _read(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

"""A release that a killed run left pending: Helm refuses it for ever, so it is forgotten, and the work tried again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi

from components.commands import Work
from components.hooks import run_verb

if TYPE_CHECKING:
    from fleet.settings import Fleet

SETTLE = "nixfleet-settle"
"""Name of the hook, which the state keeps."""

PENDING = ("cannot re-use a name that is still in use", "another operation (install/upgrade/rollback) is in progress")
"""What Helm says of a pending release (pkg/action/install.go and upgrade.go)."""


@dataclass(frozen=True, kw_only=True)
class Settling:
    """How releases are taken up again. The engine holds the stack's lock, so what is pending is of a run that died."""

    stack: str
    fleet: Fleet
    secret: pulumi.Input[str] = field(repr=False)
    """The key to log in with as JSON, a secret."""

    peers: pulumi.Output[str]
    """Servers of the cluster, as JSON: the first one that answers is asked."""

    @property
    def hooks(self) -> pulumi.ResourceHookBinding:
        """Hooks of every release."""
        return pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook(SETTLE, self._settle)])

    async def _settle(self, args: pulumi.ErrorHookArgs) -> bool:
        """Whether to try again: once, where something pending was in the way."""
        inputs = args.new_inputs or {}
        if len(args.errors) != 1 or not inputs or not any(words in args.errors[0] for words in PENDING):
            return False
        environment = {
            "NIXFLEET_PEERS": await self.peers.future() or "{}",
            "NIXFLEET_RELEASE": f"{inputs['namespace']}/{inputs['name']}",
        }
        await run_verb(Work(verb="settle", stack=self.stack, fleet=self.fleet), self.secret, environment)
        return True

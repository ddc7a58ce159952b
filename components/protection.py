"""The last resource of all: it depends on everything, so the engine has to delete it first, and refuses.

The engine refuses a protected resource only when its turn comes, and goes on with all that this one does not depend on.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, kw_only=True)
class ProtectionArgs:
    """What the protection needs to know."""

    enabled: bool
    """Whether the stack is protected. It is there in any case: one that is switched off has to be unprotected first."""

    ends: tuple[pulumi.Resource, ...]
    """Resources that nothing else depends on: with them, all others."""


class Protection(pulumi.ComponentResource):
    """What stops the end of a whole stack in its first step."""

    def __init__(self, name: str, args: ProtectionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Depend on all ends."""
        last = pulumi.ResourceOptions(
            # Deletions go from the ends: this is the one before all.
            depends_on=list(args.ends),
            protect=args.enabled,
        )
        super().__init__("nixfleet:index:Protection", name, None, pulumi.ResourceOptions.merge(opts, last))
        self.register_outputs({})

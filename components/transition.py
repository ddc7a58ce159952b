"""The first resource of all: it holds the change from the last fleet to the wanted one to the laws of a step.

`operate/` asks the same before the engine starts (operate/foresight.py); this is for those who run the engine by hand.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_command import local

from components.commands import python
from fleet.durations import MARGIN_SECONDS

if TYPE_CHECKING:
    from fleet.transition import Precedent


@dataclass(frozen=True, kw_only=True)
class TransitionArgs:
    """What the change is judged by."""

    precedent: Precedent
    """The wanted fleet, as it is remembered."""


class Transition(pulumi.ComponentResource):
    """The step from one fleet to the next."""

    command: pulumi.Resource
    """Lawful when it is there. It goes only with the whole stack."""

    def __init__(self, name: str, args: TransitionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Compare with what was remembered, and remember."""
        super().__init__("nixfleet:index:Transition", name, None, opts)
        judge = python("fleet.transition")
        self.command = local.Command(
            f"{name}-transition",
            create=judge,
            update=judge,
            environment={"NIXFLEET_PRECEDENT": json.dumps(args.precedent.model_dump(mode="json"), sort_keys=True)},
            # Its own last output is what it compares with.
            add_previous_output_in_env=True,
            logging=local.Logging.STDERR,
            opts=pulumi.ResourceOptions(
                parent=self,
                # It waits for nothing.
                custom_timeouts=pulumi.CustomTimeouts(create=f"{MARGIN_SECONDS}s", update=f"{MARGIN_SECONDS}s"),
            ),
        )
        self.register_outputs({})

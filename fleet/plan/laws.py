"""What a plan breaks: the laws of a step (fleet/transition). Those of the document have been held by then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.plan.model import Refusal
from fleet.transition import broken_laws

if TYPE_CHECKING:
    from fleet.transition import Step


def refusals(step: Step) -> tuple[Refusal, ...]:
    """Every law that the step breaks, sorted."""
    return tuple(Refusal.of(fault) for fault in broken_laws(step.before, step.after))

"""What a plan breaks: the laws of a step (fleet/transition), and those that need the plan itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.faults import Fault
from fleet.plan.model import Refusal
from fleet.transition import broken_laws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fleet.plan.model import Plan
    from fleet.transition import Step


def the_ceiling_holds(plan: Plan) -> Iterator[Fault]:
    """The clouds cost at most what the stack file allows, by the prices of today for what is ordered anew."""
    money = plan.money
    if money.ceiling is not None and money.after.high > money.ceiling:
        yield Fault(
            path="monthlyCeilingEur",
            value=f"{money.after.high:.2f} a month by the prices of {money.as_of}",
            law=f"the clouds cost at most {money.ceiling:.2f} a month",
            cure="take smaller or fewer machines, or raise monthlyCeilingEur",
        )


LAWS: tuple[Callable[[Plan], Iterator[Fault]], ...] = (the_ceiling_holds,)


def refusals(plan: Plan, step: Step) -> tuple[Refusal, ...]:
    """Every law that the change breaks, sorted."""
    faults = [*broken_laws(step.before, step.after), *(fault for law in LAWS for fault in law(plan))]
    return tuple(
        Refusal(path=fault.path, value=fault.value, law=fault.law, cure=fault.cure) for fault in sorted(set(faults))
    )

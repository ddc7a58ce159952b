"""What the clouds cost a month, before and after a change."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from fleet.plan.model import Amount, Money
from fleet.plan.prices import NOTHING, PRICES, balancer_price

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fleet.plan.model import HostPlan
    from fleet.settings import Fleet

ENDPOINT = "the load balancer"


def _sum(amounts: Iterable[Amount | None]) -> Amount:
    known = [amount for amount in amounts if amount is not None]
    return Amount(low=sum((one.low for one in known), Decimal(0)), high=sum((one.high for one in known), Decimal(0)))


def _step(before: Amount | None, after: Amount | None) -> Amount:
    """By how much one bill changes: what is not ordered anew costs what it did, whatever that is."""
    if before == after:
        return NOTHING
    old, new = before or NOTHING, after or NOTHING
    return Amount(low=new.low - old.high, high=new.high - old.low)


def money(before: Fleet | None, after: Fleet, hosts: Mapping[str, HostPlan]) -> Money:
    """The sums over all hosts and the load balancer."""
    old_balancer = balancer_price(before) if before else NOTHING
    new_balancer = balancer_price(after)
    old = [*(host.price_before for host in hosts.values()), old_balancer]
    new = [*(host.price_after for host in hosts.values()), new_balancer]
    dear = [
        name
        for name, host in hosts.items()
        if (host.price_before is None and host.closure_before) or (host.price_after is None and host.closure_after)
    ]
    return Money(
        before=_sum(old),
        after=_sum(new),
        difference=_sum(_step(one, other) for one, other in zip(old, new, strict=True)),
        unknown=(*dear, *([ENDPOINT] if new_balancer is None else [])),
        ceiling=after.monthly_ceiling_eur,
        as_of=PRICES.as_of,
    )

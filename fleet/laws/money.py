"""Law of money: what the clouds cost stays below what the fleet allows. Prices are in plan/prices.py, dated."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from fleet.faults import Fault
from fleet.laws.law import EVERY_HOST, Profiles, law
from fleet.plan.prices import PRICES, balancer_price, host_price

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.settings import Fleet


@law("endpoint", "hosts", "monthly_ceiling_eur", EVERY_HOST)
def clouds_cost_at_most_the_ceiling(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """By today's list, which servers that were ordered before may be below; an unknown price is in no sum."""
    if fleet.monthly_ceiling_eur is None:
        return
    prices = [*(host_price(host, ordered_today=True) for host in fleet.hosts.values()), balancer_price(fleet)]
    total = sum((price.high for price in prices if price), Decimal(0))
    if total > fleet.monthly_ceiling_eur:
        yield Fault(
            path="monthlyCeilingEur",
            value=f"{total:.2f} by the prices of {PRICES.as_of}",
            law=f"the clouds cost at most {fleet.monthly_ceiling_eur:.2f} a month",
            cure="take smaller or fewer machines, or raise monthlyCeilingEur",
        )

"""What machines cost a month, by a dated table; nobody is asked.

Left out: traffic, snapshots, hours of a month that has just begun; and OVH, whose flavors are known here by their
identifiers only, which differ from region to region.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from fleet.catalog import HCLOUD
from fleet.hosts import BareMetalHost, HcloudHost
from fleet.model import Model, Name
from fleet.network import LoadBalancerEndpoint
from fleet.plan.model import Amount

if TYPE_CHECKING:
    from fleet.hosts import Host
    from fleet.settings import Fleet


class ServerPrice(Model):
    """Net euros a month for one type of server."""

    month: Decimal
    """For one that is ordered today."""

    before: Decimal | None = None
    """For one that was ordered before the price changed, until it is rescaled or made anew; None: a newer type."""


class HcloudPrices(Model):
    """Hetzner Cloud, in one zone."""

    zone: str
    """Network zone that the prices hold in."""

    raised: str
    """Day of the last change of prices: who ordered before pays what it was."""

    server_types: dict[Name, ServerPrice]
    load_balancers: dict[Name, Decimal]
    """Address included."""

    ipv4: Decimal
    """A server's address."""

    volume_gib: Decimal
    """A month, for each GiB."""

    scarce: tuple[Name, ...]
    """Types that were not to be had for some or all customers since `scarce_from`."""

    scarce_from: str


class Prices(Model):
    """The whole table."""

    source: str
    as_of: str
    hcloud: HcloudPrices


PRICES = Prices.model_validate_json(
    (Path(__file__).parents[1] / "data" / "prices.json").read_text(encoding="utf-8"), by_alias=True, by_name=False
)
NOTHING = Amount(low=Decimal(0), high=Decimal(0))


def _hcloud(host: HcloudHost, *, ordered_today: bool) -> Amount | None:
    table = PRICES.hcloud
    price, place = table.server_types.get(host.server_type), HCLOUD.locations.get(host.location)
    if price is None or place is None or place.zone != table.zone:
        return None
    beside = table.ipv4 + (table.volume_gib * host.volume.size_gib if host.volume else Decimal(0))
    low = price.month if ordered_today or price.before is None else min(price.before, price.month)
    return Amount(low=rounded(low + beside), high=rounded(price.month + beside))


def rounded(amount: Decimal) -> Decimal:
    """In cents."""
    return amount.quantize(Decimal("0.01"))


def host_price(host: Host, *, ordered_today: bool) -> Amount | None:
    """What a host costs a month; None where the table does not know. A board on a shelf costs nothing here."""
    match host:
        case HcloudHost():
            return _hcloud(host, ordered_today=ordered_today)
        case BareMetalHost():
            return NOTHING
        case _:
            return None


def balancer_price(fleet: Fleet) -> Amount | None:
    """What the load balancer of the API costs a month; None where the table does not know its type."""
    if not isinstance(fleet.endpoint, LoadBalancerEndpoint):
        return NOTHING
    price = PRICES.hcloud.load_balancers.get(fleet.endpoint.type)
    return None if price is None else Amount(low=price, high=price)


def ordered_anew(old: Host, new: Host, *, machine: bool) -> bool:
    """Whether a host's server is billed by today's list: another machine, or another type."""
    return machine or (
        isinstance(old, HcloudHost) and isinstance(new, HcloudHost) and old.server_type != new.server_type
    )


def price_reasons(old: Host | None, new: Host, before: Amount | None, after: Amount | None) -> tuple[str, ...]:
    """What is to be known of the money where a server is ordered anew."""
    if not isinstance(new, HcloudHost) or after is None:
        return ()
    table = PRICES.hcloud
    said = []
    if before is not None and old is not None and after.high > before.low:
        more = (
            f"{after.high - before.low:+.2f}"
            if before.exact
            else (f"{after.high - before.high:+.2f} to {after.high - before.low:+.2f}")
        )
        old_price = "" if before.exact else f"; servers ordered before {table.raised} pay less until they are made anew"
        said.append(f"EUR {more} a month: ordered anew at today's price of {after.high:.2f}{old_price}")
    if new.server_type in table.scarce:
        said.append(f"{new.server_type} was not always to be had since {table.scarce_from}: a new one may be refused")
    return tuple(said)

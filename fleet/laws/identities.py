"""Laws of the public halves: whole, a host's own, and of hosts that exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.faults import Fault
from fleet.keys.age import recipient

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fleet.keys.identities import Identities

SECTION = "nixfleet:identities"


def missing_identities(identities: Identities, hosts: Iterable[str], cure: str) -> Iterator[Fault]:
    """Hosts without public halves; `cure` is the command that makes them."""
    for host in sorted(hosts):
        if host not in identities.hosts:
            yield Fault(
                path=f"{SECTION}.hosts.{host}",
                value="absent",
                law="every host has an identity before its machine exists",
                cure=cure,
            )


def identity_faults(identities: Identities) -> Iterator[Fault]:
    """Public halves that are shared, or that do not belong together."""
    seen = {identities.deploy_key: f"{SECTION}.deployKey"}
    for host, identity in sorted(identities.hosts.items()):
        path = f"{SECTION}.hosts.{host}"
        for word, key in (
            ("hostKey", identity.host_key),
            ("bootstrapKey", identity.bootstrap_key),
            ("wireguardKey", identity.wireguard_key),
        ):
            where = f"{path}.{word}"
            if seen.setdefault(key, where) != where:
                yield Fault(
                    path=where,
                    value=key,
                    law=f"it is {seen[key]} already",
                    cure=f"remove {path} on purpose to get new keys from make keys",
                )
        wanted = recipient(identity.host_key)
        if identity.age_recipient != wanted:
            yield Fault(
                path=f"{path}.ageRecipient",
                value=identity.age_recipient,
                law="the recipient is the host key in another form",
                cure=f"write {wanted}",
            )

"""The plan of a change, from the stack before and after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet.contract.closures import content_key, tree_hash
from fleet.contract.difference import differences, entry_of, machine_of, pairs
from fleet.plan import places
from fleet.plan.effect import Effect
from fleet.plan.estimate import estimate
from fleet.plan.laws import refusals
from fleet.plan.model import HostPlan, Plan, Setting
from fleet.plan.money import money
from fleet.plan.prices import host_price, ordered_anew, price_reasons
from fleet.plan.rollout import rollout
from fleet.plan.words import meaning
from fleet.settings import Fleet
from fleet.transition import Precedent, Step, precedent
from fleet.transition.installation import new_token

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleet.hosts import Host
    from fleet.model import Role
    from fleet.plan.revision import Revision
    from fleet.plan.systems import Systems
    from fleet.plan.times import Times

FIRST_BOOT = ("image", "imageId")
"""Keys of a host that matter when a machine is made, and never again."""


@dataclass(frozen=True, kw_only=True)
class _Comparison:
    """Both sides, with what is asked of them for every host."""

    before: Revision | None
    after: Revision
    step: Step
    cluster: dict[str, str]
    """Facts of the cluster that differ, by key."""

    trees: tuple[str, str]
    """Hashes of nix/ before and after."""

    systems: Systems | None
    """What Nix said; None: it was not asked."""

    def closure(self, name: str, *, old: bool) -> str | None:
        if self.systems:
            found = (self.systems.before if old else self.systems.after).get(name)
            return found.closure if found else None
        revision = self.before if old else self.after
        if revision is None or name not in revision.side.contract.hosts:
            return None
        return content_key(revision.side.contract, name, self.trees[0 if old else 1])

    def hosts(self, name: str) -> tuple[Host | None, Host | None]:
        return (self.before.fleet.hosts.get(name) if self.before else None), self.after.fleet.hosts.get(name)


def _stays(found: _Comparison, name: str, old: Revision) -> tuple[Effect, tuple[str, ...]]:
    """What happens to a host of both fleets, and why."""
    was, will = found.step.staying[name]
    entry = differences(*(entry_of(one.side.contract, name) for one in (old, found.after)))
    machine = differences(*(machine_of(one.fleet, name) for one in (old, found.after)))
    reasons = [*entry.values(), *machine.values()]
    if found.cluster:
        reasons.append(f"facts of the cluster: {', '.join(sorted({key.partition('.')[0] for key in found.cluster}))}")
    if found.trees[0] != found.trees[1]:
        reasons.append("files of nix/")
    if name in found.step.replaced:
        effect = Effect.REPLACED if was.created or will.created else Effect.REINSTALLED
    elif new_token(was, will):
        effect = Effect.REINSTALLED
    elif was.role is not will.role:
        effect = Effect.REJOINED
    else:
        milder = [found.systems.effect(name) if found.systems else _estimated(found, entry, will.role)]
        milder += [Effect.RESTARTED] if set(machine) - set(FIRST_BOOT) else []
        effect = max(milder, key=lambda one: one.gravity)
    return effect, tuple(reasons)


def _estimated(found: _Comparison, entry: Iterable[str], role: Role) -> Effect:
    """How hard a switch is where Nix was not asked."""
    read = estimate(entry, found.cluster, role)
    unread = Effect.GENERATION if found.trees[0] != found.trees[1] else Effect.NOTHING
    return max(read, unread, key=lambda one: one.gravity)


def _effect(found: _Comparison, name: str) -> tuple[Effect, tuple[str, ...]]:
    old, new = found.hosts(name)
    if found.before is None or old is None:
        return Effect.CREATED, ("a new host",)
    if new is None:
        kept = "its machine is deleted" if old.created else "its disk stays as it is, and its k3s stays off"
        return Effect.REMOVED, (f"it is in the file no more; {kept}",)
    return _stays(found, name, found.before)


def _host(found: _Comparison, name: str) -> HostPlan:
    old, new = found.hosts(name)
    shown = new or old
    assert shown is not None  # noqa: S101 - a name is of one of the two fleets
    effect, reasons = _effect(found, name)
    anew = old is None or (new is not None and ordered_anew(old, new, machine=effect is Effect.REPLACED))
    price_before = host_price(old, ordered_today=False) if old else None
    price_after = host_price(new, ordered_today=anew) if new else None
    said = price_reasons(old, new, price_before, price_after) if new and anew else ()
    return HostPlan(
        kind=getattr(shown, "kind"),  # noqa: B009 - every registered kind has it, the base class does not
        site=places.site_of(shown),
        role=shown.role,
        address=str(shown.address),
        machine=places.machine_of(shown),
        storage=shown.storage,
        volume_gib=volume.size_gib if (volume := getattr(shown, "volume", None)) else None,
        effect=effect,
        reasons=(*reasons, *said),
        closure_before=found.closure(name, old=True),
        closure_after=found.closure(name, old=False),
        packages=found.systems.packages(name) if found.systems and old and new else None,
        price_before=price_before,
        price_after=price_after,
    )


def _settings(before: Fleet | None, after: Fleet) -> tuple[Setting, ...]:
    """What differs beyond the hosts' own entries."""
    if before is None:
        return ()
    old, new = (fleet.model_dump(mode="json", exclude={"hosts"}) for fleet in (before, after))
    return tuple(
        Setting(path=key, words=meaning(key, Fleet), before=was, after=will)
        for key, (was, will) in pairs(old, new).items()
    )


def compare(before: Revision | None, after: Revision, times: Times, systems: Systems | None = None) -> Plan:
    """What the change from `before` (None: nothing is there yet) to `after` would do; `systems` is what Nix said."""
    old = precedent(before.fleet) if before else Precedent(hosts={})
    step = Step(before=old, after=precedent(after.fleet))
    facts = [one.side.contract.cluster.model_dump(mode="json") for one in (before, after) if one]
    found = _Comparison(
        before=before,
        after=after,
        step=step,
        cluster=differences(*facts) if before else {},
        trees=(tree_hash(before.nix) if before else "", tree_hash(after.nix)),
        systems=systems,
    )
    names = sorted({*(before.fleet.hosts if before else ()), *after.fleet.hosts})
    hosts = {name: _host(found, name) for name in names}
    return Plan(
        stack=after.side.contract.stack,
        cluster=after.fleet.cluster.name,
        base=before.label if before else "",
        evaluated=systems is not None,
        settings=_settings(before.fleet if before else None, after.fleet),
        hosts=hosts,
        rollout=rollout(
            before.fleet if before else None, after.fleet, {name: host.effect for name, host in hosts.items()}, times
        ),
        money=money(before.fleet if before else None, after.fleet, hosts),
        refusals=refusals(step),
        topology=places.topology(before, after),
    )

"""The plan's figures in words: the same sentences for every rendering."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.plan.effect import Effect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.plan.model import Amount, Money, PackageChange, Plan, Rollout, Wave


def hosts(count: int) -> str:
    """So many hosts."""
    return "1 host" if count == 1 else f"{count} hosts"


def headline(plan: Plan) -> str:
    """The whole plan in one line."""
    if plan.refusals:
        count = len(plan.refusals)
        return f"refused: {count} {'law is' if count == 1 else 'laws are'} broken, and nothing would be begun"
    if not plan.changed:
        engine = plan.engine and plan.engine.operations
        return "no host changes" if plan.settings or engine else "nothing changes"
    told = ", ".join(f"{count} {effect.value}" for effect, count in plan.counts.items())
    return (
        f"{len(plan.changed)} of {hosts(len(plan.hosts))} {'changes' if len(plan.changed) == 1 else 'change'}: {told}"
    )


def compared(plan: Plan) -> str:
    """What the plan compares."""
    return f"compared with {plan.base}" if plan.base else "a first run: nothing is there yet"


def basis(plan: Plan) -> str:
    """What the effects rest on."""
    if plan.evaluated:
        return "Nix has evaluated both sides: effects are those of the closures."
    return "Without an evaluation by Nix, effects are judged by the keys of the contract and the files of nix/."


def amount(value: Amount, *, signed: bool = False) -> str:
    """Euros a month."""
    sign = "+" if signed else ""
    if value.exact:
        return f"{value.low:{sign}.2f}"
    return f"{value.low:{sign}.2f} to {value.high:{sign}.2f}"


def bill(money: Money) -> str:
    """Money before and after, in one line."""
    if not (money.before.high or money.after.high or money.unknown):
        return "Nothing of this costs money in a cloud."
    text = (
        f"EUR {amount(money.before)} a month before, {amount(money.after)} after "
        f"({amount(money.difference, signed=True)}), net, by the prices of {money.as_of}."
    )
    if money.unknown:
        text += f" Not in it, as no price is known: {listed(money.unknown)}."
    if money.ceiling is not None:
        text += f" The ceiling is {money.ceiling:.2f}."
    return text


SHOWN = 6
"""Names that a sentence lists before it only counts the rest."""


def listed(names: tuple[str, ...]) -> str:
    """Names, cut where there are many."""
    if len(names) <= SHOWN:
        return ", ".join(names)
    return f"{', '.join(names[: SHOWN - 1])} and {len(names) - SHOWN + 1} more"


def minutes(value: float) -> str:
    """A length of time."""
    return "less than a minute" if value < 1 else f"about {value:.0f} min"


def length(rollout: Rollout) -> str:
    """How long the run takes, and how that is known."""
    if not rollout.waves:
        return "No host is touched."
    known = "as measured by earlier runs here" if rollout.measured else "assumed, as no earlier run is known here"
    count = len(rollout.waves)
    said = f"{'1 wave' if count == 1 else f'{count} waves'}, {minutes(rollout.minutes)} ({known})."
    return f"{said} Reboots wait for the window: {rollout.window}." if rollout.window else said


def quorum(wave: Wave) -> str:
    """What etcd has while a wave lasts."""
    if not wave.members:
        return "etcd is not there yet"
    text = f"{wave.answering} of {wave.members} members of etcd answer, {wave.quorum} needed"
    return text if wave.safe else f"{text}: the API is away meanwhile"


def waves(plan: Plan) -> Iterator[tuple[str, str, str, str]]:
    """Of each wave its number, minutes, hosts and quorum."""
    for number, wave in enumerate(plan.rollout.waves, start=1):
        minutes = f"{wave.begins_minute:.0f}-{wave.ends_minute:.0f}"
        yield str(number), minutes, listed(wave.hosts), quorum(wave)


def money_of(plan: Plan, name: str) -> str:
    """What a host costs a month: one figure, or from one to the other."""
    host = plan.hosts[name]
    before, after = host.price_before, host.price_after
    gone, new = host.closure_after is None, host.closure_before is None
    if (before is None and not new) or (after is None and not gone):
        return "unknown"
    if before == after or new or gone:
        shown = after or before
        text = amount(shown) if shown else ""
        return f"{text} saved" if gone else text
    return f"{amount(before) if before else ''} -> {amount(after) if after else ''}"


def package(one: PackageChange) -> str:
    """What happens to one package."""
    before, after = (", ".join(version or "no version" for version in side) for side in (one.before, one.after))
    if not one.before:
        return f"{one.name} {after} is added"
    return f"{one.name} {before} -> {after}" if one.after else f"{one.name} {before} is removed"


def package_groups(plan: Plan) -> dict[tuple[PackageChange, ...], tuple[str, ...]]:
    """Hosts by what differs of their packages, those of most hosts first: many hosts often change alike."""
    found: dict[tuple[PackageChange, ...], list[str]] = {}
    for name, host in plan.hosts.items():
        if host.packages:
            found.setdefault(host.packages, []).append(name)
    ranked = sorted(found.items(), key=lambda item: (-len(item[1]), item[1]))
    return {packages: tuple(names) for packages, names in ranked}


def effects_shown(plan: Plan) -> tuple[Effect, ...]:
    """Effects that the plan has, for a legend; the gravest first, and nothing last."""
    quiet = (Effect.NOTHING,) if len(plan.changed) < len(plan.hosts) else ()
    return (*plan.counts, *quiet)

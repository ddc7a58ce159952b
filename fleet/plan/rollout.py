"""The order of a run: who is worked on when, how many members of etcd answer meanwhile, and how long it takes.

The order is that of formation.py, which the program itself wires its hosts by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet.contract.formation import turns
from fleet.model import Role
from fleet.plan.effect import Effect
from fleet.plan.model import Rollout, Wave
from fleet.plan.times import LEAVE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fleet.plan.times import Times
    from fleet.settings import Fleet

GONE_FIRST = frozenset({Effect.REPLACED, Effect.REJOINED})
"""Who leaves before anybody's turn comes: a membership ends before another one of its name begins."""

_AWAY = frozenset({Effect.K3S, Effect.GENERATION, Effect.REBOOT, Effect.RESTARTED})
"""A member of etcd that does not answer for a while, and stays a member."""


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """Hosts that begin at the same time."""

    hosts: tuple[str, ...]
    begins: float
    ends: float
    leaves: bool = False


def _turns(fleet: Fleet, effects: Mapping[str, Effect], times: Times) -> Iterator[_Turn]:
    """The turns of hosts that stay or come, from minute 0 on."""
    done: dict[str, float] = {}
    begun: dict[float, list[tuple[str, float]]] = {}
    latest = 0.0
    for name, before in turns(fleet).items():
        begins = done[before] if before else 0.0
        ends = begins + times.minutes(effects[name], name)
        if effects[name] is not Effect.NOTHING:
            begun.setdefault(begins, []).append((name, ends))
        # Who waits for one waits for all before it, too.
        done[name] = latest = max(latest, ends)
    for begins, found in sorted(begun.items()):
        yield _Turn(hosts=tuple(name for name, _ in found), begins=begins, ends=max(ends for _, ends in found))


def _departures(names: tuple[str, ...], begins: float, times: Times) -> Iterator[_Turn]:
    if names:
        ends = begins + max(times.of(LEAVE, name) for name in names) / 60
        yield _Turn(hosts=names, begins=begins, ends=ends, leaves=True)


def _all(after: Fleet, effects: Mapping[str, Effect], times: Times) -> Iterator[_Turn]:
    first = tuple(sorted(name for name, effect in effects.items() if effect in GONE_FIRST))
    minute = 0.0
    for turn in _departures(first, minute, times):
        minute = turn.ends
        yield turn
    begin = minute
    for turn in _turns(after, effects, times):
        minute = max(minute, begin + turn.ends)
        yield _Turn(hosts=turn.hosts, begins=begin + turn.begins, ends=begin + turn.ends)
    last = tuple(sorted(name for name, effect in effects.items() if effect is Effect.REMOVED))
    yield from _departures(last, minute, times)


def _wave(turn: _Turn, members: set[str], servers: set[str], effects: Mapping[str, Effect]) -> tuple[Wave, set[str]]:
    """The wave of a turn, and the members of etcd after it."""
    here = set(turn.hosts)
    if turn.leaves:
        away, during, after = members & here, members, members - here
    else:
        away = {name for name in members & here if effects[name] in _AWAY}
        during = members - {name for name in here if effects[name] is Effect.REINSTALLED}
        after = members | (here & servers)
    wave = Wave(
        hosts=turn.hosts,
        begins_minute=round(turn.begins, 1),
        ends_minute=round(turn.ends, 1),
        members=len(during),
        quorum=len(during) // 2 + 1 if during else 0,
        answering=len(during - away),
    )
    return wave, after


def rollout(before: Fleet | None, after: Fleet, effects: Mapping[str, Effect], times: Times) -> Rollout:
    """The order of a run, given what happens to each host of both fleets."""
    members, servers = set(before.of_role(Role.SERVER)) if before else set(), set(after.of_role(Role.SERVER))
    waves = []
    for turn in _all(after, effects, times):
        wave, members = _wave(turn, members, servers, effects)
        waves.append(wave)
    return Rollout(
        waves=tuple(waves),
        minutes=max((wave.ends_minute for wave in waves), default=0.0),
        measured=bool(times.seconds),
        window=str(after.rollout.window) if after.rollout.window else None,
    )

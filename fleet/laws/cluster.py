"""Laws of the cluster: seed, quorum, rollout. Versions that go together are in versions.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.faults import Fault
from fleet.laws.law import EVERY_HOST, Profiles, law
from fleet.model import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.settings import Fleet

_MOST_SERVERS = 7


@law("cluster", "hosts", EVERY_HOST)
def seed_is_a_server(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """The seed is one of the fleet's servers."""
    servers = fleet.of_role(Role.SERVER)
    if fleet.cluster.seed not in servers:
        yield Fault(
            path="cluster.seed",
            value=fleet.cluster.seed,
            law="the seed is one of the servers",
            cure=f"name one of {', '.join(servers)}" if servers else "give a host the role server and name it",
        )


@law("cluster", "hosts", EVERY_HOST)
def servers_hold_a_quorum(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """The number of servers is odd, or the fleet says that it accepts an even one; etcd wants no more than seven."""
    count = len(fleet.of_role(Role.SERVER))
    if count % 2 == 0 and count > 0 and not fleet.cluster.allow_even_servers:
        yield Fault(
            path="hosts",
            value=f"{count} servers",
            law=f"{count} servers lose their quorum with as few failures as {count - 1}",
            cure="use 1, 3 or 5, or set cluster.allowEvenServers",
        )
    if count > _MOST_SERVERS:
        yield Fault(
            path="hosts",
            value=f"{count} servers",
            law="etcd becomes slower with every member and its makers advise no more than 7",
            cure="make the others agents",
        )


@law("rollout")
def probes_have_names_of_their_own(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """No two probes share a name, because reports and faults name them."""
    seen: set[str] = set()
    for place, probe in enumerate(fleet.rollout.probes):
        if probe.name in seen:
            yield Fault(
                path=f"rollout.probes.{place}.name",
                value=probe.name,
                law="a probe's name is its own, since reports name it",
                cure="rename one of the two",
            )
        seen.add(probe.name)
        if not probe.command.strip():
            yield Fault(
                path=f"rollout.probes.{place}.command",
                value='""',
                law="a probe runs something",
                cure="write a command, or remove the probe",
            )


@law("rollout")
def windows_are_open_for_a_while(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """A window for reboots has a length, and names a day once."""
    window = fleet.rollout.window
    if window is None:
        return
    if window.opens == window.closes:
        yield Fault(
            path="rollout.window.closes",
            value=window.closes,
            law="a window that closes when it opens is never open",
            cure="close it later, or remove rollout.window to allow reboots at any time",
        )
    for place, day in enumerate(window.days):
        if day in window.days[:place]:
            yield Fault(
                path=f"rollout.window.days.{place}", value=day, law="a day is named once", cure="remove one of the two"
            )


@law("rollout")
def waits_end_before_the_watchdog(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """An update's checks end before the watchdog returns to the previous generation."""
    rollout = fleet.rollout
    limit = rollout.watchdog_minutes * 60
    probes = sum(probe.timeout_seconds for probe in rollout.probes)
    for path, seconds in (("rollout.readyTimeoutSeconds", rollout.ready_timeout_seconds), ("rollout.probes", probes)):
        if seconds > limit:
            yield Fault(
                path=path,
                value=f"{seconds} seconds",
                law=f"the watchdog goes back to the previous generation after {limit} seconds, before this ends",
                cure="wait less, or raise rollout.watchdogMinutes",
            )

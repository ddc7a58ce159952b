"""Whether etcd keeps its quorum when a server is touched, formatted, or leaves for good: by what would be left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hostops.failure import Code, Failure
from hostops.servers import ask
from hostops.ssh import Line, NoAnswer, script

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hostops.task import Task

MEMBERS_SECONDS = 40
WITHOUT_VOTE = ("MemberIsLearner", "NotAMember")
"""Reasons of k3s' condition EtcdIsVoter for which a node has no vote: it catches up yet, or has left."""

NO_LOSS = "no server answers for the cluster; there is no quorum to lose"


@dataclass(frozen=True, kw_only=True)
class Members:
    """Who votes in etcd, as one server sees it."""

    voters: Mapping[str, bool]
    """By name: whether it is healthy."""

    asked: str
    """The server that told it."""

    @property
    def needed(self) -> int:
        """Healthy members that a quorum of all of these needs."""
        return len(self.voters) // 2 + 1

    def healthy_without(self, host: str) -> int:
        """Healthy members beside this one."""
        return sum(healthy for name, healthy in self.voters.items() if name != host)

    def sick_without(self, host: str) -> list[str]:
        """Members beside this one that are not healthy."""
        return sorted(name for name, healthy in self.voters.items() if not healthy and name != host)

    def __str__(self) -> str:
        """For a line of the journal."""
        sick = self.sick_without("")
        well = ", ".join(sorted(set(self.voters) - set(sick)))
        return f"members Ready: {well or 'none'}" + (f", not Ready: {', '.join(sick)}" if sick else "")


def read_members(line: Line) -> Members | None:
    """The members as this server sees them; None if it cannot say."""
    try:
        reply = line.run(script("members", role="server"), seconds=MEMBERS_SECONDS)
    except NoAnswer:
        return None
    told = {
        name.removeprefix("member_"): value.split(" ")
        for name, value in reply.facts().items()
        if name.startswith("member_")
    }
    voters = {
        name: ready == "True" and "Unhealthy" not in reason
        for name, (ready, *reason) in told.items()
        if not set(reason) & set(WITHOUT_VOTE)
    }
    return Members(voters=voters, asked=line.host) if reply.status == 0 and voters else None


def members_of(task: Task, line: Line) -> Members | None:
    """The members as this server sees them, or another one if it cannot say; None if nobody can."""
    found = read_members(line) if task.host(line.host).role == "server" else None
    others = [name for name in task.formation if name != line.host]
    while found is None and others:
        other = others.pop(0)
        found = _once(task, other) if task.address(other) is not None else None
    return found


def _once(task: Task, host: str) -> Members | None:
    line = Line(task, host)
    try:
        return read_members(line)
    finally:
        line.drop()


def check_quorum(task: Task, line: Line, *, leaves: bool = False) -> str:
    """Refuse to touch a server whose absence would cost the quorum; returns what was found, raises Failure.

    `leaves`: its disk is formatted, so that it does not come back as the same member.
    """
    host = line.host
    others = [name for name in task.formation if name != host]
    if task.host(host).role != "server":
        return "an agent holds no quorum"
    if not others:
        return "the only server"
    members = members_of(task, line)
    if members is None:
        # An update may be the cure of a cluster without a quorum; a format would make that loss final.
        return _check_nobody_loses(task, host, others) if leaves else NO_LOSS
    return check_touch(members, host, leaves=leaves)


def check_touch(members: Members, host: str, *, leaves: bool) -> str:
    """Whether the members can spare this one for a while, or with `leaves` its vote; raises Failure."""
    left, sick = members.healthy_without(host), members.sick_without(host)
    if host not in members.voters or left >= members.needed:
        return str(members)
    # One that is down already is not missed, and where all others are well there is no better moment: a member of two
    # can only be updated so.
    if not leaves and (not members.voters[host] or not sick):
        return str(members)
    why = f"{_are(sick, 'a member of etcd', 'members of etcd')} and not Ready" if sick else ""
    raise _refused(
        f"not touched, because {why or f'the members of etcd are {_and(members.voters)}'} (asked: {members.asked}): "
        f"without {host}, {left} of {len(members.voters)} would be left, and a quorum needs {members.needed}; "
        f"{'bring back one that is down (status shows why)' if sick else 'add another server first'}, then run again"
    )


def check_departure(members: Members, host: str, *, lives: bool) -> str:
    """Whether this member can be removed for good; raises Failure. `lives`: it is there to vote for its own removal."""
    if host not in members.voters:
        return f"{host} is no member of etcd"
    left, remaining = members.healthy_without(host), len(members.voters) - 1
    wanted = remaining // 2 + 1
    if left + (lives and members.voters[host]) >= members.needed and left >= wanted:
        return str(members)
    sick = members.sick_without(host)
    raise _refused(
        f"not removed, because of the members of etcd {left} of {remaining} would be left healthy"
        f"{f' ({_are(sick)} not Ready)' if sick else ''}, and a quorum needs {wanted} (asked: {members.asked}); "
        "bring back or add another server first, then run again"
    )


def _check_nobody_loses(task: Task, host: str, others: list[str]) -> str:
    """Without an answer a member's disk may be formatted only if all others say that they have no cluster."""
    found = ask(task, others)
    if not found.silent and not found.sick:
        return f"no cluster at {_and(found.new)}"
    said = [f"{name} has data of a cluster that does not answer" for name in found.sick]
    said += [f"{name}: {reason}" for name, reason in found.silent.items()]
    raise _refused(
        f"not formatted, because {host} was a member and nobody answers for the cluster ({'; '.join(said)}): without "
        "its data a quorum may be lost for good; bring the others back (status shows who is down), then run again"
    )


def _and(names: Iterable[str]) -> str:
    return " and ".join(sorted(names))


def _are(names: list[str], one: str = "", more: str = "") -> str:
    """Names with their verb and what they are."""
    return f"{_and(names)} {'are' if len(names) > 1 else 'is'} {more if len(names) > 1 else one}".strip()


def _refused(text: str) -> Failure:
    return Failure(Code.REFUSED, "quorum", text)

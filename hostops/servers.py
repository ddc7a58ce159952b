"""What the servers say of the cluster when they are asked: who serves it, who is sick, new or silent.

What follows from it is decided elsewhere: quorum.py, formation.py, forget.py, leave.py.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hostops.contact import pause
from hostops.drives import Drives
from hostops.look import LOOK_SECONDS, Look, look
from hostops.ssh import DEPLOY, Line, NoAnswer, script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fleet.contract.facts import HostFacts
    from hostops.process import Deadline
    from hostops.task import Task

AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class Servers:
    """Servers by what they said."""

    serving: Mapping[str, Look]
    """Those that serve a cluster with a quorum."""

    sick: tuple[str, ...]
    """Those with data of a cluster that does not answer there."""

    new: tuple[str, ...]
    """Those that answered and have no cluster: not installed yet, or installed and never let in."""

    silent: Mapping[str, str]
    """Those of which nothing is known, with the reason. They may have a cluster: silence is not absence."""

    @property
    def first(self) -> str | None:
        """The first one that serves, in the order in which they were asked."""
        return next(iter(self.serving), None)

    @property
    def said(self) -> str:
        """Who is silent and why, for a message."""
        return "; ".join(f"{name}: {reason}" for name, reason in self.silent.items())


def ask(task: Task, names: Iterable[str]) -> Servers:
    """Ask these servers once, all at the same time."""
    asked = tuple(names)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        answers = dict(zip(asked, pool.map(lambda name: _ask_one(task, name), asked), strict=True))
    looks = {name: answer for name, answer in answers.items() if isinstance(answer, Look)}
    # Without a quorum it does not answer, and still is the one cluster there is.
    sick = tuple(name for name, seen in looks.items() if seen["etcd"] != "ok" and seen["cluster_data"] == "yes")
    serving = {name: seen for name, seen in looks.items() if seen["etcd"] == "ok"}
    return Servers(
        serving=serving,
        sick=sick,
        new=tuple(name for name in looks if name not in (*sick, *serving)),
        silent={name: answer for name, answer in answers.items() if isinstance(answer, str)},
    )


def await_servers(
    task: Task, names: Iterable[str], deadline: Deadline, *, enough: Callable[[Servers], bool]
) -> Servers:
    """Ask until it is enough or the time is over: a quorum may be lost for a moment, a machine may still boot."""
    asked, tries = tuple(names), 0
    while True:
        found = ask(task, asked)
        if enough(found) or deadline.over:
            return found
        pause(tries, deadline)
        tries += 1


def _ask_one(task: Task, name: str) -> Look | str:
    """What a server says of itself, or why nothing is known of it."""
    if task.address(name) is None:
        return "its address is not known"
    entry, reason = task.host(name), ""
    for user in dict.fromkeys((DEPLOY, "root", entry.login_user)):
        line = Line(task, name, user=user, bootstrap=True)
        try:
            seen = look(line, entry, seconds=LOOK_SECONDS)
            return _with_disk(line, seen, entry) if seen.state == "installer" else seen
        except NoAnswer as error:
            reason = error.text
            if not error.login:
                break
        finally:
            line.drop()
    return reason


def _with_disk(line: Line, seen: Look, entry: HostFacts) -> Look:
    """An installer does not see what is on the disk: a member that booted it by mistake is still a member."""
    devices = " ".join(drive.device for drive in entry.drives.values())
    disks = Drives.parse(entry, line.run(script("disk", devices=devices), seconds=LOOK_SECONDS).facts())
    return replace(seen, facts={**seen.facts, "cluster_data": "yes"}) if disks.labels or disks.others else seen

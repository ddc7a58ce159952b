"""What a change that takes a node away for a while owes the cluster: pods go before it, and all is whole after it.

Draining is in drain.py, Longhorn in volumes.py, the quorum in quorum.py; here is when each of them has its turn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hostops.contact import pause
from hostops.drain import cordon, cordoned, drain, uncordon
from hostops.failure import Code, Failure
from hostops.lock import turn
from hostops.precaution import keep, release
from hostops.process import Deadline
from hostops.quorum import read_members
from hostops.ssh import Line
from hostops.volumes import degraded, last_copies, volumes

if TYPE_CHECKING:
    from hostops.task import Task
    from hostops.volumes import Volume

NOBODY = "no server answers for the cluster"


@dataclass(kw_only=True)
class Disruption:
    """One host's absence from the cluster."""

    task: Task
    host: str
    deadline: Deadline
    """Of the whole verb."""

    away: bool = False
    """Whether the node may be cordoned by now."""

    _sick: frozenset[str] = frozenset()
    _degraded: frozenset[str] | None = None
    _lines: list[Line] = field(default_factory=list)

    def begin(self, *, k3s: bool = False) -> None:
        """Take the pods away; raises Failure where the cluster cannot spare the host now. `k3s`: it is changed."""
        if k3s and self.host in self.task.formation and self.task.address(self.host):
            self._save()
        with self.task.journal.phase(self.host, "drain") as outcome:
            via = self._server()
            if via is None:
                # The change may be the cure of just that.
                outcome.append(f"not drained: {NOBODY}")
                return
            limit = Deadline(min(self.task.limits.drain, self.deadline.left))
            members = read_members(via)
            self._sick = frozenset(members.sick_without(self.host)) if members else frozenset()
            outcome.extend(self._await_copies(via, limit))
            self.away = True
            outcome.append(drain(self.task, via, self.host, limit))
        self._drop()

    def end(self) -> None:
        """Let pods come back, and wait until members and volumes are as whole as before; raises Failure."""
        with self.task.journal.phase(self.host, "cluster") as outcome:
            via = self._server()
            if via is None and not self.away:
                outcome.append(f"not asked: {NOBODY}")
                return
            if via is None:
                raise Failure(Code.UNREACHABLE, "cluster", f"{NOBODY}; the node may be cordoned; run again")
            outcome.append(uncordon(self.task, via, self.host))
            limit = Deadline(min(self.task.limits.ready, self.deadline.left))
            tries = 0
            while complaint := self._complaint(via):
                if limit.over:
                    text = f"the host is healthy, and after {limit.seconds:.0f} s {complaint}"
                    cure = "nothing else is touched before that is well; see to it, then run again"
                    raise Failure(Code.TIMED_OUT, "cluster", f"{text}; {cure}")
                pause(tries, limit)
                tries += 1
            outcome.append("members and volumes are as before")
            if self.host in self.task.formation and (done := release(self.task, self.host)):
                outcome.append(done)
        self._drop()

    def _save(self) -> None:
        with self.task.journal.phase(self.host, "snapshot") as outcome:
            via = self._server()
            self._drop()
            # Without a quorum there is nothing to save, and the change may be the cure.
            outcome.append(f"not saved: {NOBODY}" if via is None else keep(self.task))

    def give_up(self) -> None:
        """Let pods come back to a host that went back, as far as that is possible."""
        via = self._server()
        try:
            if via is not None:
                self.task.journal.say(self.host, "cluster", uncordon(self.task, via, self.host))
        except Failure as failure:
            self.task.journal.say(self.host, "cluster", f"the node stays cordoned: {failure.text}")
        self._drop()

    def _server(self) -> Line | None:
        """A server that answers for the cluster: another one if there is one."""
        others = [name for name in self.task.formation if name != self.host]
        for name in (*others, *({self.host} & set(self.task.formation))):
            if self.task.address(name) is None:
                continue
            line = Line(self.task, name)
            self._lines.append(line)
            if read_members(line) is not None:
                return line
        return None

    def _drop(self) -> None:
        while self._lines:
            self._lines.pop().drop()

    def _await_copies(self, via: Line, limit: Deadline) -> list[str]:
        """Wait until no volume has its last healthy copy here, and claim the absence; raises Failure.

        Hosts of a batch come here at the same time, so one at a time looks and claims: a host that is claimed already
        counts as away.
        """
        found = volumes(self.task, via)
        self._degraded = degraded(found)
        if not any(copy.host == self.host for volume in found for copy in volume.copies):
            return []
        tries = 0
        while True:
            with turn(self.task.stack, "storage", limit):
                found = volumes(self.task, via)
                away = {*cordoned(self.task, via), self.host}
                last = _last(found, away)
                if not last:
                    cordon(self.task, via, self.host)
                    alone = [v.name for v in found if v.wanted == 1 and any(c.host == self.host for c in v.copies)]
                    return [f"away meanwhile, by their own wish for one copy: {', '.join(alone)}"] if alone else []
            if limit.over:
                others = sorted(away - {self.host})
                beside = f", while {' and '.join(others)} {'is' if len(others) == 1 else 'are'} away" if others else ""
                raise Failure(
                    Code.REFUSED,
                    "drain",
                    f"not touched, because {self.host} has the last healthy copy of {', '.join(last)}{beside}; "
                    "wait until Longhorn has made others (kubectl -n longhorn-system get volumes.longhorn.io), then "
                    "run again",
                )
            pause(tries, limit)
            tries += 1

    def _complaint(self, via: Line) -> str:
        members = read_members(via)
        if members is None:
            return f"{via.host} does not answer for the cluster"
        if sick := sorted(set(members.sick_without("")) - self._sick):
            return f"{' and '.join(sick)} {'is' if len(sick) == 1 else 'are'} no healthy member of etcd"
        now = degraded(volumes(self.task, via))
        # A run that goes on with another's work does not know how it was before that.
        worse = sorted(now - (now if self._degraded is None else self._degraded))
        return f"Longhorn's volumes {', '.join(worse)} are degraded" if worse else ""


def _last(found: tuple[Volume, ...], away: set[str]) -> list[str]:
    """Volumes that would have no healthy copy left; one that wants a single copy has chosen to be away."""
    single = {volume.name for volume in found if volume.wanted == 1}
    return [name for name in last_copies(found, away) if name not in single]

"""The verb latecomers: hosts that a run left out, because they were off, are brought up to date at its end.

It ends well only when all of them are as they should be: a run that left somebody out is no run that is done.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from hostops.another import switch_another
from hostops.contact import Silent, await_look
from hostops.failure import Code, Failure
from hostops.mesh import Push
from hostops.process import Deadline, TooLong
from hostops.silence import BEGAN
from hostops.ssh import Line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostops.task import Task

VARIABLE = "NIXFLEET_LATE"
"""Hosts that were left out, as JSON by name, each with the environment of its switch."""

_HOSTS = TypeAdapter(dict[str, dict[str, str]])


def latecomers(task: Task) -> str:
    """Bring every host that was left out to its system, one after the other; raises Failure that names who is not.

    One line of JSON says what they run now, by host.
    """
    task.secrets.need("deployKey")
    late, secrets = _read(VARIABLE, task.environment.get(VARIABLE)), _read("late on stdin", task.secrets.late)
    work = Latecomers(task=task, secrets=secrets, deadline=Deadline(task.limits.whole))
    for host, environment in sorted(late.items()):
        if host in task.contract.hosts and not work.broken:
            work.bring(host, environment)
    work.end()
    task.journal.say(task.stack, "latecomers", f"up to date: {', '.join(work.done) or 'nobody was left out'}")
    return json.dumps(work.done, sort_keys=True)


@dataclass(kw_only=True)
class Latecomers:
    """One run of the verb."""

    task: Task
    secrets: Mapping[str, Mapping[str, str]]
    deadline: Deadline
    done: dict[str, object] = field(default_factory=dict)
    """Hosts that are as they should be, with what their switches answered."""

    silent: dict[str, str] = field(default_factory=dict)
    """Hosts that are still off, with what was seen last."""

    broken: str = ""
    """Why nothing more is touched: an update failed."""

    def bring(self, host: str, environment: Mapping[str, str]) -> None:
        """Bring one host up to date, and note how that ended."""
        try:
            self._await(host)
            if self.task.cluster.mesh is not None:
                # Its peers first: without them its node may not find the cluster.
                Push(task=self.task, keep=True).to([host])
            brought = switch_another(
                self.task,
                host,
                # It has answered now: what is silent from here on has failed.
                {**environment, BEGAN: ""},
                max(self.deadline.left, 1),
                self.secrets.get(host, {}),
            )
        except Silent as failure:
            self.silent[host] = failure.text
        except Failure as failure:
            self.broken = f"{host}: {failure.phase}: {failure.text}"
        except TooLong:
            self.broken = f"{host}: it was not done within {self.deadline.seconds:.0f} s"
        else:
            if brought.code:
                self.broken = brought.said
            else:
                self.done[host] = json.loads(brought.answer)

    def _await(self, host: str) -> None:
        line = Line(self.task, host)
        limit = Deadline(min(self.task.limits.answer, self.deadline.left))
        with self.task.journal.phase(host, "look") as outcome:
            try:
                await_look(self.task, line, limit, "look", cure="nothing was changed there")
                outcome.append("it is back")
            finally:
                if self.task.leases is not None:
                    self.task.leases.give_back(host, line)
                line.drop()

    def end(self) -> None:
        """Raise Failure where not all are as they should be."""
        if self.broken:
            raise Failure(Code.FAILED, "latecomers", f"{self.broken}; the hosts after it were not touched")
        if self.silent:
            names = " and ".join(self.silent)
            text = "; ".join(f"{host}: {said}" for host, said in self.silent.items())
            raise Failure(
                Code.UNREACHABLE,
                "latecomers",
                f"{names} {'was' if len(self.silent) == 1 else 'were'} off and left out, and all others are done "
                f"({text}); switch {'it' if len(self.silent) == 1 else 'them'} on and run again, or take what is gone "
                "for good out of the stack file",
            )


def _read(what: str, text: str | None) -> dict[str, dict[str, str]]:
    try:
        return _HOSTS.validate_json(text or "{}")
    except ValidationError:
        raise Failure(Code.USAGE, "environment", f"{what} is no JSON object of objects by host") from None

"""The verb leave: a host goes from its cluster for good, with its help or, if it has gone already, without.

Nothing here touches a disk. What a machine that answers loses is in release.py; how its node is forgotten in forget.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from fleet.contract.facts import Contract, HostFacts
from fleet.hosts import HOST_KINDS
from hostops.contact import pause
from hostops.drain import drain, uncordon
from hostops.failure import Code, Failure
from hostops.forget import QUIET_SECONDS, forget_at, remove_member
from hostops.heal import forget_removed
from hostops.look import LOOK_SECONDS, Look, look
from hostops.process import Deadline
from hostops.quorum import check_departure, read_members
from hostops.release import hold, let_go, run_step
from hostops.servers import await_servers
from hostops.ssh import Line, NoAnswer, script
from hostops.task import load_contract
from hostops.volumes import evict, forget_storage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostops.task import Task

STEP_SECONDS = 60
BARRED = (
    "its system was not reached and keeps its tokens: wipe that disk, or put the entry back to take it in again; if "
    "they may be in other hands, make new ones (make rotate WHAT=tokens)"
)
"""What is said of a machine that could not be released."""

VARIABLE = "NIXFLEET_MEMBER"


@dataclass(frozen=True, kw_only=True)
class Node:
    """What the cluster knows of the host's node."""

    exists: bool
    ready: bool
    boot_id: str
    address: str


@dataclass(kw_only=True)
class Departure:
    """The way of one host out of its cluster."""

    task: Task
    host: str
    line: Line
    """To the host, if it answers."""

    seen: Look | None
    """What the host said; None if it does not answer, or is another machine now."""

    silence: str
    """Why nothing is known of the host, if so."""

    deadline: Deadline
    disable: bool
    """Whether k3s stays stopped until a system for it comes."""

    moves: bool
    """Whether copies of volumes go to other hosts before, and Longhorn forgets the host."""

    def run(self) -> None:
        """Leave; raises Failure. Run again after a failure, it goes on where it stopped."""
        via = self._server()
        if via is None:
            self._stop()
            return
        try:
            self._leave(via)
        finally:
            via.drop()

    def _server(self) -> Line | None:
        """Another server that answers for the cluster; None if there is no cluster."""
        others = [name for name in self.task.formation if name != self.host]
        with self.task.journal.phase(self.host, "cluster") as outcome:
            limit = Deadline(min(self.task.limits.answer, self.deadline.left))
            found = await_servers(
                self.task, others, limit, enough=lambda found: bool(found.serving) or not (found.sick or found.silent)
            )
            if found.first is not None:
                outcome.append(f"{found.first} answers for it")
                return Line(self.task, found.first)
            if found.sick or found.silent:
                said = [f"{name} has data of a cluster that does not answer" for name in found.sick]
                said += [f"{name}: {reason}" for name, reason in found.silent.items()]
                raise Failure(
                    Code.UNREACHABLE,
                    "cluster",
                    f"no server answers that could let {self.host} go ({'; '.join(said)}); bring back the quorum "
                    "(status shows who is down), then run again",
                )
            if self._is_server:
                raise Failure(
                    Code.REFUSED,
                    "cluster",
                    f"{self.host} has the data of the cluster, and no other server has any: the cluster would end with "
                    "it; let another server join first, then run again",
                )
            outcome.append("no other server has a cluster")
        return None

    def _leave(self, via: Line) -> None:
        node = self._node(via)
        lives = node.ready and self.seen is not None
        if node.exists:
            self._check_quorum(via, lives=lives)
            if lives:
                self._empty(via)
        if lives and self._is_server:
            self._remove_member(via)
        self._stop()
        with self.task.journal.phase(self.host, "forget") as outcome:
            boot = self.seen["boot_id"] if self.seen else ""
            outcome.append(
                forget_at(self.task, via, self.host, self.deadline, boot_id=boot, stopped=True, bar=self._stays_behind)
            )
            if self._stays_behind:
                outcome.append(f"{via.host} refuses it under its name; {BARRED}")
        if self.moves:
            with self.task.journal.phase(self.host, "storage") as outcome:
                outcome.append(forget_storage(self.task, via, self.host))

    @property
    def _stays_behind(self) -> bool:
        """Whether a machine that is no cloud's to delete keeps tokens and data, because it was off."""
        kind = HOST_KINDS.get(self.task.host(self.host).kind)
        return self.seen is None and not (kind is not None and kind.created)

    @property
    def _is_server(self) -> bool:
        return self.seen is not None and self.seen["cluster_data"] == "yes"

    def _node(self, via: Line) -> Node:
        """The node as the cluster sees it, when that fits what the machine says; raises Failure if it does not."""
        with self.task.journal.phase(self.host, "node") as outcome:
            node = self._ask(via)
            if self.seen is None:
                # Kubernetes sees only after a while that a kubelet has ended.
                limit, tries = Deadline(min(QUIET_SECONDS, self.task.limits.ready)), 0
                while node.ready and not limit.over:
                    pause(tries, limit)
                    node, tries = self._ask(via), tries + 1
            if not node.exists:
                outcome.append(f"{via.host} knows no node {self.host}")
            elif self.seen is None and node.ready:
                raise Failure(
                    Code.REFUSED,
                    "node",
                    f"the node {self.host} is Ready at {node.address} (asked: {via.host}), and its machine does not "
                    f"let this program in ({self.silence}): nothing was changed; see that this computer reaches it, or "
                    "switch it off if it is to go, then run again",
                )
            elif self.seen is not None and node.ready and node.boot_id != self.seen["boot_id"]:
                raise Failure(
                    Code.REFUSED,
                    "node",
                    f"the node {self.host} is Ready at {node.address} (asked: {via.host}), and that is not the "
                    f"machine at {self.line.destination}: another one runs under this name; nothing was changed; stop "
                    "k3s there (systemctl stop k3s), then run again",
                )
            elif self.seen is None:
                outcome.append(f"gone: its node is not Ready, and its machine does not answer ({self.silence})")
            else:
                outcome.append("Ready" if node.ready else "not Ready, though its machine answers")
        return node

    def _ask(self, via: Line) -> Node:
        facts = run_step(via, "node", script("node", host=self.host, role="server"), STEP_SECONDS).facts()
        return Node(
            exists=bool(facts.get("uid")),
            ready=facts.get("ready") == "True",
            boot_id=facts.get("boot", ""),
            address=facts.get("address") or "an unknown address",
        )

    def _check_quorum(self, via: Line, *, lives: bool) -> None:
        with self.task.journal.phase(self.host, "quorum") as outcome:
            members = read_members(via)
            if members is None:
                text = f"{via.host} did not say who is a member of etcd; nothing was changed; run again"
                raise Failure(Code.UNREACHABLE, "quorum", text)
            try:
                outcome.append(check_departure(members, self.host, lives=lives))
            except Failure:
                forgotten = forget_removed(self.task, via, self.deadline)
                members = read_members(via) if forgotten else None
                if members is None:
                    raise
                outcome += [*forgotten, check_departure(members, self.host, lives=lives)]

    def _empty(self, via: Line) -> None:
        """Take pods and copies off the host; it is opened again where that fails."""
        with self.task.journal.phase(self.host, "drain") as outcome:
            limit = Deadline(min(self.task.limits.drain, self.deadline.left))
            outcome.append(drain(self.task, via, self.host, limit))
        if not self.moves:
            return
        with self.task.journal.phase(self.host, "evict") as outcome:
            try:
                outcome.append(evict(self.task, via, self.host, Deadline(self.deadline.left)))
            except Failure:
                outcome.append(f"failed; {uncordon(self.task, via, self.host)}")
                raise

    def _remove_member(self, via: Line) -> None:
        """While it lives, so that a pair can become one; it must not come back by itself then."""
        with self.task.journal.phase(self.host, "member") as outcome:
            hold(self.line, on=True)
            try:
                outcome.append(remove_member(self.task, via, self.host))
            except Failure:
                hold(self.line, on=False)
                outcome.append(f"failed; {uncordon(self.task, via, self.host)}")
                raise

    def _stop(self) -> None:
        """End k3s on a machine that answers."""
        if self.seen is None:
            return
        with self.task.journal.phase(self.host, "stop") as outcome:
            outcome.append(let_go(self.line, disable=self.disable))


def contact(task: Task, host: str, deadline: Deadline) -> tuple[Line, Look | None, str]:
    """The machine, if it is the one that is meant; else why nothing is known of it."""
    line, tries, reason = Line(task, host, bootstrap=True), 0, "its address is not known"
    if task.address(host) is None:
        return line, None, reason
    while True:
        try:
            seen = look(line, task.host(host), seconds=LOOK_SECONDS)
        except NoAnswer as error:
            reason = error.text
            if error.login:
                # It answers with a key of this host and does not know ours: a cloud image that was just made.
                return line, None, reason
        else:
            other = _other(task, host, seen)
            return line, None if other else seen, other
        if deadline.over:
            return line, None, reason
        pause(tries, deadline)
        tries += 1


def _other(task: Task, host: str, seen: Look) -> str:
    """Why a machine that answers is not the installed host."""
    if seen.state != "installed" or seen.key != "final":
        return f"{seen.state} answers with the {seen.key} key"
    found = seen.identity
    if found and (found.stack, found.host) != (task.stack, host):
        return f"the machine there is host {found.host!r} of stack {found.stack!r}"
    return ""


def _comes_back(task: Task, host: str) -> bool:
    """Whether the stack still has it, in another role: then it keeps its disks."""
    now = load_contract(task.stack, task.environment).hosts.get(host)
    return now is not None and now.role != task.host(host).role


def with_member(contract: Contract, host: str, environment: Mapping[str, str]) -> Contract:
    """The contract with the entry of a host that the file no longer has; raises Failure."""
    text = environment.get(VARIABLE, "")
    if not text:
        return contract
    try:
        entry = HostFacts.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "document"
        raise Failure(Code.USAGE, "environment", f"{VARIABLE} is no host ({where}: {first['msg']})") from None
    return contract.model_copy(update={"hosts": {**contract.hosts, host: entry}})


def leave(task: Task, host: str) -> None:
    """Let a host leave its cluster for good."""
    task.secrets.need("deployKey")
    deadline = Deadline(task.limits.whole)
    with task.journal.phase(host, "look") as outcome:
        line, seen, silence = contact(task, host, Deadline(min(task.limits.answer, deadline.left)))
        outcome.append(f"installed, at {line.destination}" if seen else silence)
    try:
        Departure(
            task=task,
            host=host,
            line=line,
            seen=seen,
            silence=silence,
            deadline=deadline,
            disable=True,
            moves=not _comes_back(task, host),
        ).run()
    finally:
        line.drop()

"""The verbs mesh and prune: every installed host is told who its peers are, so that a new one changes no closure.

A host that is on its way out of the fleet stays a peer until it has left its cluster: mesh keeps peers that are in the
contract no more while the cluster knows their nodes, and prune, which runs when they have left, drops them.
A host that the cluster has lost gets its peers when it is back (latecomers.py): it keeps nobody from going on.
"""

from __future__ import annotations

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fleet.contract.late import LATE
from fleet.durations import AT_ONCE, PUSH_SECONDS
from hostops.contact import pause
from hostops.failure import Code, Failure
from hostops.lease import Leased
from hostops.payload import mesh_document
from hostops.process import Deadline
from hostops.silence import census
from hostops.ssh import Line, NoAnswer, script

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hostops.silence import Census
    from hostops.task import Task

ABSENT = "skipped: it is not installed yet and gets its peers then"
PEERS = "peers"
BEFORE = "PULUMI_COMMAND_STDOUT"
"""What the verb answered the last time, in the engine's words."""


def mesh(task: Task) -> str:
    """Push the peers to all hosts at once; raises Failure that names every host that should have got them.

    One line of JSON says what was pushed, and to whom it could not be because the cluster has lost it.
    """
    task.secrets.need("deployKey")
    if task.cluster.mesh is None:
        raise Failure(
            Code.USAGE, "mesh", f"the cluster network of stack {task.stack} is no mesh; there is nothing to push"
        )
    off = Push(task=task, keep=True).to(sorted(task.contract.hosts))
    peers, before = _peers(task), _before(task)
    # Whom a host does not hear of because it leaves is prune's matter.
    news = any(before.get(PEERS, {}).get(name) != peer for name, peer in peers.items())
    late = before.get(LATE, {})
    found = {host: word for host in off if (word := uuid.uuid4().hex if news else late.get(host))}
    return json.dumps({LATE: found, PEERS: peers}, sort_keys=True)


def prune(task: Task) -> None:
    """Drop peers that the contract has no more; raises Failure that names every host that still has them.

    Hosts whose address nobody said are new, and never had them.
    """
    task.secrets.need("deployKey")
    gone = sorted(set(task.peers) - set(task.contract.hosts))
    if not gone:
        task.journal.say(task.stack, "prune", "no peer has left")
        return
    Push(task=task, keep=False).to(sorted(set(task.peers) & set(task.contract.hosts)))


def _peers(task: Task) -> dict[str, list[str | None]]:
    """All that makes a host another peer, by name."""
    return {
        name: [str(entry.address), entry.wireguard_key, task.address(name)]
        for name, entry in task.contract.hosts.items()
    }


def _before(task: Task) -> dict[str, dict[str, Any]]:
    """What this verb answered the last time; nothing where it never did, or an older one."""
    try:
        said = json.loads(task.environment.get(BEFORE) or "{}")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


@dataclass(kw_only=True)
class Push:
    """One push to several hosts."""

    task: Task
    keep: bool
    """Whether peers stay that the contract has no more and the cluster still knows."""

    _census: dict[bool, Census | None] = field(default_factory=dict)
    _asking: threading.Lock = field(default_factory=threading.Lock)

    def to(self, hosts: Iterable[str]) -> tuple[str, ...]:
        """Push to these; answers with those that the cluster has lost, raises Failure that names all others."""
        deadline, off, failures = Deadline(self.task.limits.contact), [], []
        names = tuple(hosts)
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            ended = pool.map(lambda host: self._push(host, deadline), names)
            for host, (failed, lost) in zip(names, ended, strict=True):
                failures += [failed] if failed else []
                off += [host] if lost else []
        if failures:
            raise Failure(Code.UNREACHABLE, "mesh", f"{'; '.join(failures)}; bring these hosts back, then run again")
        return tuple(off)

    def _push(self, host: str, deadline: Deadline) -> tuple[str, bool]:
        """Push to one host; answers with what went wrong, empty if nothing did, and whether it is off."""
        task = self.task
        if task.address(host) is None:
            return f"{host}: no address is known; pass it in NIXFLEET_PEERS", False
        line, tries, last = Line(task, host, bootstrap=True), 0, ""
        soon = Deadline(min(task.limits.answer, deadline.left))
        with task.journal.phase(host, "mesh") as outcome:
            while True:
                silent = False
                try:
                    last = self._try(line)
                    outcome.append(last)
                    return "" if not last.startswith("failed") else f"{host}: {last}", False
                except NoAnswer as error:
                    last, silent = error.text, error.silent
                except Leased as error:
                    last = error.text
                if silent and soon.over and (off := self._off(host, last=deadline.over)):
                    outcome.append(f"left out: {last}; {off}: it gets its peers when it is back")
                    return "", True
                if deadline.over:
                    outcome.append(f"no answer: {last}")
                    return f"{host}: no answer within {deadline.seconds:.0f} s, last seen: {last}", False
                pause(tries, deadline)
                tries += 1

    def _off(self, host: str, *, last: bool) -> str:
        """Why a silent host is no peer of anybody now, for a message; empty where that cannot be said.

        `last`: it is asked for the last time. A machine that was just made has no node, and its installation brings it
        its peers.
        """
        found = self._nodes(last=last)
        if found is None:
            return ""
        if last and host not in found.nodes:
            return f"{found.asked} knows no node {host}"
        return found.lost(host)

    def _nodes(self, *, last: bool) -> Census | None:
        """The nodes, asked once for all hosts, and once again at the end."""
        with self._asking:
            if last not in self._census:
                self._census[last] = census(self.task)
            return self._census[last]

    def _try(self, line: Line) -> str:
        try:
            document = self._document(line)
            if document is None:
                return ABSENT
            reply = line.run(script("mesh", peers=document), seconds=PUSH_SECONDS)
        except NoAnswer as error:
            if error.login and error.key == "bootstrap":
                return ABSENT
            raise
        finally:
            if self.task.leases is not None:
                self.task.leases.give_back(line.host, line)
            line.drop()
        result = reply.facts().get("mesh", "")
        if reply.status != 0 or result not in ("same", "written"):
            return f"failed with status {reply.status}: {' '.join(reply.error.split()[-30:]) or 'it said nothing'}"
        return {"same": "has these peers already", "written": "new peers"}[result]

    def _document(self, line: Line) -> str | None:
        """What the host is to have, by what it has; None where it is not installed."""
        reply = line.run(script("peers"), seconds=PUSH_SECONDS)
        if reply.key == "bootstrap" or reply.facts().get("mesh") == "absent":
            return None
        known = _read(reply.output)
        strangers = {name: peer for name, peer in known.items() if name not in self.task.contract.hosts}
        if self.keep:
            return mesh_document(self.task, line.host, self._staying(strangers))
        left = {name: peer for name, peer in known.items() if name not in strangers}
        return json.dumps({"peers": left, "self": line.host}, indent=2, sort_keys=True)

    def _staying(self, strangers: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
        """Those that are on their way out; one that has left while this host was off is forgotten now."""
        found = self._nodes(last=False) if strangers else None
        return strangers if found is None else {name: peer for name, peer in strangers.items() if name in found.nodes}


def _read(text: str) -> dict[str, dict[str, str]]:
    """Peers of a document; none of one that is missing or broken."""
    try:
        peers: dict[str, dict[str, str]] = json.loads(text)["peers"]
    except (ValueError, KeyError, TypeError):
        return {}
    return peers

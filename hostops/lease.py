"""Leases that hosts keep themselves: two operators, on two machines and with two backends, never work on one at once.

A lease ends by the host's own clock since its boot, so a holder that died blocks nobody for ever, and a clock that is
set changes nothing. Runs of one machine exclude each other by lock.py.
"""

from __future__ import annotations

import os
import platform
import pwd
import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from hostops import process, warden
from hostops.failure import Code, Failure
from hostops.ssh import Line, NoAnswer, script

if TYPE_CHECKING:
    from types import TracebackType

    from hostops.journal import Journal

LEASE_SECONDS = 120
"""How long a lease lasts without being renewed."""

RENEW_SECONDS = 30
"""Between two renewals: three may be lost."""

ASK_SECONDS = 20


class Leased(Failure):
    """Somebody else works on the host."""


@dataclass(kw_only=True)
class _Held:
    """A lease of ours."""

    line: Line
    boot_id: str


@dataclass(kw_only=True)
class Leases:
    """The leases of one run: each is taken before the first script runs on its host, and given back at the end."""

    hosts: frozenset[str]
    """Hosts that this run changes."""

    verb: str
    journal: Journal
    place: str
    """This machine's locks, as lock.place names them."""

    alone: bool
    """Whether this run holds the machine's lock of these hosts: then a lease of the same place is a dead run's."""

    _holder: str = field(default_factory=lambda: secrets.token_hex(16))
    _held: dict[str, _Held] = field(default_factory=dict)
    _lost: dict[str, str] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)
    _renewing: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Itself; nothing is taken yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give everything back; raises Failure if a lease was lost on the way."""
        self._over.set()
        for host in tuple(self._held):
            self.give_back(host)
        for host, text in self._lost.items():
            self.journal.say(host, "lease", text)
            raise Leased(Code.REFUSED, "lease", text)

    def before(self, line: Line) -> None:
        """Take the lease of the line's host over it, if it is wanted and not held; raises Leased and NoAnswer."""
        if line.host not in self.hosts or line.host in self._held:
            return
        facts = self._ask(line, "take")
        if facts["lease"] == "held":
            raise Leased(Code.REFUSED, "lease", f"{_told(facts)}; nothing was changed; {_cure(facts)}")
        if facts.get("was"):
            self.journal.say(line.host, "lease", f"taken over from {facts['was']}, which has ended")
        self._held[line.host] = _Held(line=line.twin(), boot_id=facts.get("boot_id", ""))
        if self._renewing is None:
            self._renewing = threading.Thread(target=self._renew, daemon=True)
            self._renewing.start()

    def notice(self, host: str, boot_id: str) -> None:
        """A host that has booted meanwhile knows nothing of the lease: the next script takes it again."""
        held = self._held.get(host)
        if held and held.boot_id != boot_id:
            del self._held[host]
            held.line.drop()

    def give_back(self, host: str, line: Line | None = None) -> None:
        """End the lease of a host, over the connection `line` or a new one; without an answer it ends by itself."""
        held = self._held.pop(host, None)
        if held is None:
            return
        try:
            self._ask(line or held.line, "drop")
        except NoAnswer as error:
            self.journal.say(host, "lease", f"not given back ({error.text}); it ends in {LEASE_SECONDS} s by itself")
        finally:
            held.line.drop()

    def _ask(self, line: Line, act: str) -> dict[str, str]:
        text = script(
            "lease",
            act=act,
            alone="yes" if self.alone else "no",
            holder=self._holder,
            place=self.place,
            seconds=str(LEASE_SECONDS),
            who=f"{_user()}@{platform.node()} ({self.verb}, process {warden.caller()})",
        )
        reply = line.send(text, seconds=ASK_SECONDS)
        facts = reply.facts()
        if "lease" not in facts:
            # As with a look: an image that only tells which account to use instead ends up here.
            said = (reply.output.strip() or reply.error.strip() or "nothing").splitlines()[-1]
            raise NoAnswer(f"{line.destination} answered {said!r}", reply.key, login=True)
        return facts

    def _renew(self) -> None:
        while not self._over.wait(RENEW_SECONDS):
            for host, held in tuple(self._held.items()):
                try:
                    facts = self._ask(held.line, "take")
                except NoAnswer:
                    # It boots, or the network is away; the work itself notices what matters.
                    continue
                if facts["lease"] == "held":
                    self._lost[host] = (
                        f"{_told(facts)}: this run was away for too long and has lost the host; run again"
                    )
                    self._held.pop(host, None)
                    process.stop()
                    return


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"


def _told(facts: dict[str, str]) -> str:
    age = f"for {facts.get('age', '?')} s, last heard of {facts.get('heard', '?')} s ago"
    return f"{facts.get('by') or 'somebody'} works on this host ({age})"


def _cure(facts: dict[str, str]) -> str:
    return (
        f"wait until that has ended, then run again; if it is dead, the host forgets it in {facts.get('left', '?')} s"
    )

"""A system that only a boot can prove: it is tried once, and the host comes back unless it is confirmed.

The guard on the host is remote/trial.sh; what boots by default changes in remote/confirm.sh, and not before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from hostops.contact import await_look
from hostops.failure import Code, Failure
from hostops.gates import await_healthy, failed_probe, passed
from hostops.process import Deadline
from hostops.ssh import REMOTE, Line, NoAnswer, script, words

if TYPE_CHECKING:
    from hostops.look import Look
    from hostops.task import Task

STEP_SECONDS = 180
"""A step that writes the boot menu: twice at most, and bootctl may have a slow EFI partition."""

MARGIN_SECONDS = 30
"""The checks end so long before the guard acts."""


@dataclass(kw_only=True)
class Trial:
    """One trial of a system."""

    task: Task
    line: Line
    wanted: str
    previous: str = ""
    """What boots by default meanwhile; empty until the host said so."""

    @property
    def host(self) -> str:
        """The host's name."""
        return self.line.host

    @property
    def _seconds(self) -> float:
        return self.task.cluster.watchdog_minutes * 60

    def arm(self, *, reboot: bool) -> None:
        """Make the next boot the trial; without a reboot now, the host confirms it by itself when its owner reboots."""
        entry, cluster = self.task.host(self.host), self.task.cluster
        text = script(
            "try",
            host=self.host,
            wanted=self.wanted,
            by="operator" if reboot else "host",
            minutes=str(cluster.watchdog_minutes),
            role=entry.role.value,
            address=str(entry.address),
            trial="".join((REMOTE / name).read_text() for name in ("common.sh", "loader.sh", "trial.sh")),
            reboot="yes" if reboot else "no",
        )
        try:
            reply = self.line.run(text, seconds=STEP_SECONDS)
        except NoAnswer as error:
            if reboot:
                # Whether it goes down is what the wait finds out.
                return
            raise Failure(Code.UNREACHABLE, "reboot", f"{self.line.destination}: {error.text}; run again") from None
        if reply.status != 0:
            what = f"no boot of {self.wanted} can be tried ({words(reply)})"
            cure = "what boots by default was left as it was; see there: bootctl list, or /boot/grub/grub.cfg"
            raise Failure(Code.FAILED, "reboot", f"{what}; {cure}")
        self.previous = reply.facts().get("previous", "")

    def run(self, before: Look) -> None:
        """Reboot into the system, check it and make it the default; raises Failure after the way back."""
        with self.task.journal.phase(self.host, "reboot") as outcome:
            self.arm(reboot=True)
            self.previous = self.previous or before["next_system"]
            self.line.drop()
            seen = self._await_boot(before["boot_id"])
            self._notice(seen)
            outcome.append(f"booted {self.wanted}, which boots by default only once it is healthy")
        self.finish(seen)

    def finish(self, seen: Look) -> None:
        """From the boot on: also of a trial that an interrupted run has begun."""
        self.previous = self.previous or seen["trial_previous"]
        with self.task.journal.phase(self.host, "check") as outcome:
            limit = Deadline(max(min(self.task.limits.ready, self._seconds - MARGIN_SECONDS), 1))
            last = await_healthy(self.task, self.line, self.wanted, limit, self._notice)
            if last:
                self.go_back(f"not healthy within {limit.seconds:.0f} s of its boot: {last}")
            if last := failed_probe(self.task, self.line):
                self.go_back(last)
            self._confirm()
            outcome.append(f"{passed(self.task)}; it boots by default now")

    def _await_boot(self, boot_id: str) -> Look:
        def down(seen: Look) -> str:
            return "it has not gone down yet" if seen["boot_id"] == boot_id else ""

        cure = f"its boot loader has {self.previous} as the default: look at its console, switch it off and on"
        limit = Deadline(self.task.limits.ready)
        return await_look(self.task, self.line, limit, "reboot", cure=cure, until=down)

    def _notice(self, seen: Look) -> None:
        """Raise Failure if the host has left the system."""
        if seen["current_system"] != self.wanted or seen["rolled_back"] == self.wanted:
            reason = seen["rolled_back_reason"] or "its boot did not come up"
            self._left(reason, seen["current_system"])

    def _confirm(self) -> None:
        try:
            reply = self.line.run(script("confirm", host=self.host, wanted=self.wanted), seconds=STEP_SECONDS)
        except NoAnswer as error:
            raise Failure(Code.UNREACHABLE, "check", f"{self.line.destination}: {error.text}; run again") from None
        facts = reply.facts()
        if facts.get("rolled_back") == self.wanted or facts.get("current_system") != self.wanted:
            self._left("it was not confirmed in time", facts.get("current_system", ""))
        if facts.get("confirmed") != "1":
            what = f"it is healthy, and could not become what boots by default ({words(reply)})"
            raise Failure(Code.FAILED, "check", f"{what}; the next boot is into {self.previous}; run again")

    def go_back(self, reason: str) -> NoReturn:
        """Reboot into the previous system now; raises Failure."""
        self.task.journal.say(self.host, "rollback", f"{reason}; going back")
        self.withdraw(reason)
        self._left(reason, self.previous)

    def withdraw(self, reason: str) -> Look:
        """End the trial, by a reboot where it runs; how the host is afterwards."""
        with self.task.journal.phase(self.host, "rollback") as outcome:
            try:
                self.line.run(script("untry", host=self.host, reason=reason), seconds=STEP_SECONDS)
            except NoAnswer as error:
                self.task.journal.say(self.host, "rollback", f"{error.text}; the guard on the host acts by itself")
            self.line.drop()

            def back(seen: Look) -> str:
                return f"it runs {seen['current_system']}" if seen["current_system"] == self.wanted else ""

            limit = Deadline(self._seconds + self.task.limits.ready)
            cure = f"its boot loader has {self.previous} as the default: look at its console, switch it off and on"
            seen = await_look(self.task, self.line, limit, "rollback", cure=cure, until=back, code=Code.TIMED_OUT)
            outcome.append(f"runs {seen['current_system']}")
        return seen

    def _left(self, reason: str, runs: str) -> NoReturn:
        try:
            self.line.run(script("acknowledge"), seconds=STEP_SECONDS)
        except NoAnswer as error:
            self.task.journal.say(self.host, "rollback", f"the note on the host stays: {error.text}")
        raise Failure(
            Code.ROLLED_BACK,
            "rollback",
            f"{reason}; the host left {self.wanted} by a reboot and runs {runs}, which boots by default; "
            "see there: journalctl --boot=-1",
        )

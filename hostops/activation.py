"""Activation on a host, watched: the system proves itself or the host goes back. Building is tools.py's matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from fleet.durations import ROLLBACK_SECONDS
from hostops.contact import pause
from hostops.failure import Code, Failure
from hostops.gates import await_healthy, failed_probe, passed
from hostops.process import Deadline
from hostops.ssh import REMOTE, Line, NoAnswer, script, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from hostops.task import Task

STEP_SECONDS = 60
POLL_SECONDS = 20
"""How long the host itself waits for the end of the activation in one poll."""

COMMIT_SECONDS = 180
"""Disarming and writing the boot menu."""

MARGIN_SECONDS = 30
"""The checks end so long before the watchdog acts."""

UNITS_FAILED = 4
"""switch-to-configuration: activated, but some unit failed."""

REBOOT_NEEDED = 100
"""switch-to-configuration: cannot be activated on the running system; nothing was."""


@dataclass(kw_only=True)
class Activation:
    """One activation of a system on a host."""

    task: Task
    line: Line
    wanted: str
    previous: str
    """What the watchdog goes back to."""

    boot_id: str
    """The boot in which all this happens: after another one the watchdog is gone, and so is what it was armed for."""

    default: bool = True
    """Whether the system boots by default once it has proven itself; else a boot has to prove it."""

    @property
    def host(self) -> str:
        """The host's name."""
        return self.line.host

    def run(self) -> bool:
        """Arm, activate, check, disarm; answers whether only a reboot can do it. Raises Failure after a rollback."""
        self._start()
        return self.finish()

    def finish(self) -> bool:
        """From a started activation on: also of one that an interrupted run has started."""
        watchdog = Deadline(self.task.cluster.watchdog_minutes * 60)
        with self.task.journal.phase(self.host, "switch") as outcome:
            status, new, old = self._end_of_activation(watchdog)
            outcome.append(f"activation ended with status {status}")
            outcome.extend(self._judge(status, new, old))
        with self.task.journal.phase(self.host, "check") as outcome:
            if status != REBOOT_NEEDED:
                outcome.append(self._check(watchdog))
            self._commit(self.previous if status == REBOOT_NEEDED else self.wanted, watchdog)
            outcome.append("watchdog disarmed")
            if self.default and status != REBOOT_NEEDED:
                outcome.append("it boots by default now")
        return status == REBOOT_NEEDED

    def take_back(self, reason: str) -> None:
        """Let the watchdog act at once, and wait until the previous system runs again."""
        self.task.journal.say(self.host, "rollback", f"{reason}; going back")
        try:
            self.line.run(script("undo"), seconds=STEP_SECONDS)
        except NoAnswer as error:
            self.task.journal.say(self.host, "rollback", f"{error.text}; the watchdog acts by itself")
        self._await_previous()

    def _start(self) -> None:
        """Arm the watchdog and start."""
        with self.task.journal.phase(self.host, "activate") as outcome:
            minutes = self.task.cluster.watchdog_minutes
            text = script(
                "activate",
                host=self.host,
                wanted=self.wanted,
                previous=self.previous,
                minutes=str(minutes),
                rollback=(REMOTE / "common.sh").read_text() + (REMOTE / "rollback.sh").read_text(),
            )
            try:
                reply = self.line.run(text, seconds=STEP_SECONDS)
            except NoAnswer as error:
                # Whether it started is what the polls find out: the script does nothing before it has arrived whole.
                outcome.append(f"the connection was lost ({error.text})")
                return
            if "armed" not in reply.facts():
                what = f"the watchdog could not be armed ({words(reply)})"
                raise Failure(
                    Code.FAILED, "activate", f"{what}; nothing was activated, and nothing else boots; run again"
                )
            outcome.append(f"watchdog armed for {minutes} min, activation started")

    def _end_of_activation(self, watchdog: Deadline) -> tuple[int, str, str]:
        """Status of switch-to-configuration, the units that failed with it, and those that did before."""

        def ended(facts: dict[str, str]) -> str:
            self._notice(facts)
            if not facts.get("ActiveState"):
                return "its systemd does not answer"
            return "it is still activating" if facts["ActiveState"] == "activating" else ""

        facts = self._poll_until(ended, watchdog.left + ROLLBACK_SECONDS, "switch", POLL_SECONDS)
        if facts.get("ActiveState") == "inactive":
            self.go_back("the activation was never started")
        new, old = (facts.get(f"{name}_failures", "").strip() for name in ("new", "old"))
        return int(facts.get("ExecMainStatus") or 1), new, old

    def _judge(self, status: int, new: str, old: str) -> list[str]:
        if status == UNITS_FAILED and (new or not old):
            # One that is started again and again may run just now.
            self.go_back(f"units failed with the new system: {new or 'none of them is failed by now'}")
        if status == UNITS_FAILED:
            return ["the units that are failed were so before"]
        if status == REBOOT_NEEDED:
            return ["only a reboot can activate it"]
        if status != 0:
            self.go_back(f"switch-to-configuration failed with status {status}")
        return []

    def _check(self, watchdog: Deadline) -> str:
        """Wait until the host is healthy on the new system, then run the user's probes."""
        limit = Deadline(max(min(self.task.limits.ready, watchdog.left - MARGIN_SECONDS), 1))
        last = await_healthy(self.task, self.line, self.wanted, limit, lambda seen: self._notice(dict(seen.facts)))
        if last:
            self.go_back(f"not healthy within {limit.seconds:.0f} s: {last}")
        if last := failed_probe(self.task, self.line):
            self.go_back(last)
        return passed(self.task)

    def _commit(self, expected: str, watchdog: Deadline) -> None:
        tries = 0
        while True:
            try:
                default = "yes" if self.default and expected == self.wanted else "no"
                text = script("commit", host=self.host, wanted=expected, default=default)
                reply = self.line.run(text, seconds=COMMIT_SECONDS)
                break
            except NoAnswer as error:
                if watchdog.over:
                    self._gone(f"the watchdog could not be disarmed in time: {error.text}")
                pause(tries, watchdog)
                tries += 1
        facts = reply.facts()
        self._notice(facts)
        if {"active", "activating"} & set(facts.get("rollback", "").split()):
            self._gone("the watchdog fired while it was being disarmed")
        if "default_failed" in facts:
            what = f"it runs {expected} and is healthy, and cannot make that what boots by default ({words(reply)})"
            raise Failure(Code.FAILED, "check", f"{what}; see that its boot partition is not full, then run again")
        if facts.get("current_system") != expected or facts.get("watchdog") == "active":
            raise Failure(
                Code.FAILED,
                "check",
                f"after disarming, it runs {facts.get('current_system')} (expected {expected}) and the watchdog is "
                f"{facts.get('watchdog')}; see: systemctl status nixfleet-rollback.timer; run again",
            )

    def _notice(self, facts: dict[str, str]) -> None:
        """Raise Failure if the watchdog has fired, or the host was rebooted."""
        self._notice_boot(facts)
        if facts.get("rolled_back") == self.wanted:
            self._gone("the watchdog fired: the new system was not confirmed in time")

    def _notice_boot(self, facts: dict[str, str]) -> None:
        """Raise Failure if the host was rebooted."""
        if facts.get("boot_id", self.boot_id) != self.boot_id:
            what = f"it was rebooted while {self.wanted} was unproven (a power cut, or a watchdog of its hardware)"
            runs = f"it runs {facts.get('current_system')}, which had proven itself and boots by default"
            raise Failure(Code.ROLLED_BACK, "rollback", f"{what}; {runs}; run again")

    def go_back(self, reason: str) -> NoReturn:
        """Let the watchdog act at once; raises Failure."""
        self.take_back(reason)
        self._end(reason)

    def _gone(self, reason: str) -> NoReturn:
        """The watchdog acts; raises Failure when it has."""
        self._await_previous()
        self._end(reason)

    def _await_previous(self) -> None:
        """Wait until the previous system runs again."""

        def back(facts: dict[str, str]) -> str:
            self._notice_boot(facts)
            runs, busy = facts.get("current_system"), {"active", "activating"} & set(facts.get("rollback", "").split())
            return f"it runs {runs}" if runs != self.previous else "it is still going back" if busy else ""

        limit = self.task.cluster.watchdog_minutes * 60 + ROLLBACK_SECONDS
        self._poll_until(back, limit, "rollback", 0)
        try:
            self.line.run(script("acknowledge"), seconds=STEP_SECONDS)
        except NoAnswer as error:
            self.task.journal.say(self.host, "rollback", f"the note on the host stays: {error.text}")

    def _end(self, reason: str) -> NoReturn:
        logs = "journalctl -u nixfleet-switch -u nixfleet-rollback -u nixfleet-undo"
        raise Failure(Code.ROLLED_BACK, "rollback", f"{reason}; the host runs {self.previous} again; see there: {logs}")

    def _poll_until(
        self, complaint: Callable[[dict[str, str]], str], seconds: float, phase: str, wait: int
    ) -> dict[str, str]:
        """Ask over new connections until there is no complaint; raises Failure."""
        limit, tries, last, answered = Deadline(seconds), 0, "nothing was tried", False
        while True:
            self.line.drop()
            try:
                facts = self._progress(wait)
                last, answered = complaint(facts), True
                if not last:
                    return facts
            except NoAnswer as error:
                last, answered = error.text, False
            if limit.over:
                code = Code.TIMED_OUT if answered else Code.UNREACHABLE
                cure = "the watchdog has gone back if it could; look at the host's console, then run again"
                raise Failure(code, phase, f"no end within {limit.seconds:.0f} s; last seen: {last}; {cure}")
            pause(tries, limit)
            tries += 1

    def _progress(self, wait: int) -> dict[str, str]:
        reply = self.line.run(script("progress", seconds=str(wait)), seconds=wait + STEP_SECONDS)
        facts = reply.facts()
        if facts.get("progress") != "1":
            raise NoAnswer(f"status {reply.status}: {words(reply)}")
        return facts

"""Activation on a host, watched: the system proves itself or the host goes back. Building is tools.py's matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from hostops.contact import pause
from hostops.failure import Code, Failure
from hostops.look import Look, look
from hostops.process import Deadline
from hostops.ssh import REMOTE, Line, NoAnswer, Reply, script

if TYPE_CHECKING:
    from collections.abc import Callable

    from hostops.task import Task

STEP_SECONDS = 60
POLL_SECONDS = 20
"""How long the host itself waits for the end of the activation in one poll."""

ROLLBACK_SECONDS = 300
"""What going back may take."""

MARGIN_SECONDS = 30
"""The checks end so long before the watchdog acts."""

UNITS_FAILED = 4
"""switch-to-configuration: activated, but some unit failed."""

PREFLIGHT_REBOOT = "4"
"""nixfleet-preflight (nix/modules/update): the running system cannot become the new one."""

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

    @property
    def host(self) -> str:
        """The host's name."""
        return self.line.host

    def run(self) -> bool:
        """Arm, activate, check, disarm; answers whether only a reboot can do it. Raises Failure after a rollback."""
        return not self._start() or self.finish()

    def finish(self) -> bool:
        """From a started activation on: also of one that an interrupted run has started."""
        watchdog = Deadline(self.task.cluster.watchdog_minutes * 60)
        with self.task.journal.phase(self.host, "switch") as outcome:
            status, failures = self._end_of_activation(watchdog)
            outcome.append(f"activation ended with status {status}")
            outcome.extend(self._judge(status, failures))
        with self.task.journal.phase(self.host, "check") as outcome:
            if status != REBOOT_NEEDED:
                outcome.append(self._check(watchdog))
            self._commit(self.previous if status == REBOOT_NEEDED else self.wanted, watchdog)
            outcome.append("watchdog disarmed")
        return status == REBOOT_NEEDED

    def _start(self) -> bool:
        """Arm the watchdog and start; False if the host says that it needs a reboot for this system."""
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
                return True
            if not self._may_go_on(reply):
                outcome.append(f"only a reboot can activate it: {_words(reply)}")
                return False
            outcome.append(f"watchdog armed for {minutes} min, activation started")
        return True

    def _may_go_on(self, reply: Reply) -> bool:
        facts = reply.facts()
        if facts.get("preflight") == PREFLIGHT_REBOOT:
            return False
        if "armed" not in facts:
            refused = facts.get("preflight", "0") != "0"
            what = "the host refused the system" if refused else "the watchdog could not be armed"
            raise Failure(
                Code.FAILED,
                "activate",
                f"{what} ({_words(reply)}); nothing was activated, but it boots next; run again",
            )
        return True

    def _end_of_activation(self, watchdog: Deadline) -> tuple[int, str]:
        """Status of switch-to-configuration, and the units that failed with it."""

        def ended(facts: dict[str, str]) -> str:
            self._notice(facts)
            return "it is still activating" if facts.get("ActiveState") == "activating" else ""

        facts = self._poll_until(ended, watchdog.left + ROLLBACK_SECONDS, "switch", POLL_SECONDS)
        if facts.get("ActiveState") == "inactive":
            self.go_back("the activation was never started")
        return int(facts.get("ExecMainStatus") or 1), facts.get("new_failures", "").strip()

    def _judge(self, status: int, failures: str) -> list[str]:
        if status == UNITS_FAILED and failures:
            self.go_back(f"units failed with the new system: {failures}")
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
        tries, last = 0, "nothing was tried"
        while True:
            # A new connection: one from before the activation proves nothing.
            self.line.drop()
            try:
                last = self._complaint(look(self.line, self.task.host(self.host)))
            except NoAnswer as error:
                last = error.text
            if not last:
                break
            if limit.over:
                self.go_back(f"not healthy within {limit.seconds:.0f} s, last seen: {last}")
            pause(tries, limit)
            tries += 1
        return self._probe()

    def _complaint(self, seen: Look) -> str:
        self._notice(dict(seen.facts))
        if seen["current_system"] != self.wanted:
            return f"it runs {seen['current_system']}"
        return seen.complaint(self.task.host(self.host), self.task.cluster.k3s_version)

    def _probe(self) -> str:
        for probe in self.task.cluster.rollout_probes:
            text = script("probe", command=probe.command, seconds=str(probe.timeout_seconds))
            try:
                reply = self.line.run(text, seconds=probe.timeout_seconds + STEP_SECONDS)
            except NoAnswer as error:
                self.go_back(f"the probe {probe.name} got no answer: {error.text}")
            lines = reply.output.splitlines()
            if lines != ["probe=1", "probe_status=0"]:
                said = " ".join(lines[1:])[:200]
                self.go_back(f"the probe {probe.name} must print nothing and exit 0; it said: {said}")
        return f"healthy, {len(self.task.cluster.rollout_probes)} probes passed"

    def _commit(self, expected: str, watchdog: Deadline) -> None:
        tries = 0
        while True:
            try:
                reply = self.line.run(script("commit"), seconds=STEP_SECONDS)
                break
            except NoAnswer as error:
                if watchdog.over:
                    self._gone(f"the watchdog could not be disarmed in time: {error.text}")
                pause(tries, watchdog)
                tries += 1
        facts = reply.facts()
        self._notice(facts)
        if facts.get("rollback") in ("active", "activating"):
            self._gone("the watchdog fired while it was being disarmed")
        if facts.get("current_system") != expected or facts.get("watchdog") == "active":
            raise Failure(
                Code.FAILED,
                "check",
                f"after disarming, it runs {facts.get('current_system')} (expected {expected}) and the watchdog is "
                f"{facts.get('watchdog')}; see: systemctl status nixfleet-rollback.timer; run again",
            )

    def _notice(self, facts: dict[str, str]) -> None:
        """Raise Failure if the watchdog has fired."""
        if facts.get("rolled_back") == self.wanted:
            self._gone("the watchdog fired: the new system was not confirmed in time")

    def go_back(self, reason: str) -> NoReturn:
        """Let the watchdog act at once; raises Failure."""
        self.task.journal.say(self.host, "rollback", f"{reason}; going back")
        try:
            self.line.run(script("undo"), seconds=STEP_SECONDS)
        except NoAnswer as error:
            self.task.journal.say(self.host, "rollback", f"{error.text}; the watchdog acts by itself")
        self._gone(reason)

    def _gone(self, reason: str) -> NoReturn:
        """Wait until the previous system runs again; raises Failure."""

        def back(facts: dict[str, str]) -> str:
            runs, busy = facts.get("current_system"), {"active", "activating"} & set(facts.get("rollback", "").split())
            return f"it runs {runs}" if runs != self.previous else "it is still going back" if busy else ""

        limit = self.task.cluster.watchdog_minutes * 60 + ROLLBACK_SECONDS
        self._poll_until(back, limit, "rollback", 0)
        try:
            self.line.run(script("acknowledge"), seconds=STEP_SECONDS)
        except NoAnswer as error:
            self.task.journal.say(self.host, "rollback", f"the note on the host stays: {error.text}")
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
            raise NoAnswer(f"status {reply.status}: {_words(reply)}")
        return facts


def _words(reply: Reply) -> str:
    return " ".join(reply.error.split()[-30:]) or "it said nothing"

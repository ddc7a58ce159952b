"""The verb switch: from what a host runs to what the contract means, or back. One connection if all is well already."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet.contract.late import LATE
from hostops.activation import Activation
from hostops.authority import check_authority
from hostops.contact import Silent, await_look, need_address
from hostops.disruption import Disruption
from hostops.failure import Code, Failure
from hostops.fixed import check_fixed
from hostops.gates import complaint, failed_probe
from hostops.heal import make_spare
from hostops.leave import Departure
from hostops.look import Look, look
from hostops.opening import later, reboots_wait
from hostops.process import Deadline
from hostops.silence import off_before
from hostops.ssh import Line, NoAnswer, script
from hostops.tools import nixos_rebuild_build, wanted_system
from hostops.trial import Trial
from hostops.weight import Weight, step_refused, weigh

if TYPE_CHECKING:
    from collections.abc import Callable

    from hostops.task import Task

STEP_SECONDS = 180


@dataclass(kw_only=True)
class Switch:
    """One run of the verb."""

    task: Task
    line: Line
    wanted: str
    deadline: Deadline
    """Of the whole verb."""

    @property
    def host(self) -> str:
        """The host's name."""
        return self.line.host

    def run(self, seen: Look) -> Look:
        """Bring the host to the wanted system, healthy; what it says of itself then."""
        self._earlier_rollback(seen)
        seen = self._change_role(seen)
        self._deliver(seen)
        if seen["released"] == "yes" or seen["removed"] == "yes":
            # Its k3s starts with the system of its new role; on the one that it has, it is started below.
            self._script("secrets", script("admit", start="no", form="no"))
        seen = self._withdraw(seen)
        if self._at_goal(seen):
            self._probe()
            self.task.journal.say(self.host, "switch", f"runs {self.wanted} already and is healthy")
            return seen
        if seen["watchdog"] == "active":
            self.task.journal.say(self.host, "switch", "goes on with the activation of an interrupted run")
            return self._resumed(seen, lambda: self._after(self._activation(seen).finish()))
        if seen.on_trial:
            self.task.journal.say(self.host, "reboot", "goes on with the trial of an interrupted run")
            return self._resumed(seen, lambda: self._finished(seen))
        if seen["current_system"] == self.wanted:
            return self._resumed(seen, lambda: self._settle(seen))
        return self._change(seen)

    def look(self) -> Look:
        """The first look; raises Silent where nobody answers at all."""
        with self.task.journal.phase(self.host, "look") as outcome:
            limit = Deadline(self.task.limits.answer)
            cure = "see that it is on and that the firewall's admin ranges have this machine; nothing was changed"
            seen = await_look(self.task, self.line, limit, "look", cure=cure)
            self._check_owner(seen)
            check_fixed(self.task.stack, self.host, self.task.host(self.host), seen)
            # From here on only the installed system's key counts.
            self.line.bootstrap = False
            outcome.append(f"generation {seen['generation']}, {seen['current_system']}")
        return seen

    def _check_owner(self, seen: Look) -> None:
        if seen.state != "installed" or seen.key != "final":
            what = f"{seen.state} answers with the {seen.key} key"
            raise Failure(Code.REFUSED, "look", f"{what}; it is not installed: run install first")
        found = seen.identity
        if found and (found.stack, found.host) != (self.task.stack, self.host):
            what = f"the machine there is host {found.host!r} of stack {found.stack!r}"
            raise Failure(
                Code.REFUSED, "look", f"{what}, not {self.host!r} of {self.task.stack!r}; correct the address"
            )

    def _earlier_rollback(self, seen: Look) -> None:
        """A rollback that no run has reported yet is reported now, once; the run after that tries again."""
        if seen["rolled_back"] != self.wanted or seen["watchdog"] == "active":
            return
        self._script("rollback", script("acknowledge"))
        raise Failure(
            Code.ROLLED_BACK,
            "rollback",
            f"in an earlier run the host left {self.wanted} by itself ({seen['rolled_back_reason']}); it runs "
            f"{seen['current_system']}; see there: journalctl -u nixfleet-switch -u nixfleet-rollback, or "
            "journalctl --boot=-1 after a reboot; run again to try once more",
        )

    def _change_role(self, seen: Look) -> Look:
        """A host whose role changes leaves as what it is; it joins with its new system.

        In a run its membership's end has done that (components/host.py). Where the state was lost there is none that
        could end, and an agent's system on a member would leave etcd with one that never votes again.
        """
        role, server = self.task.host(self.host).role, seen["cluster_data"] == "yes"
        # An agent has no server token; a server whose data was taken away has one.
        agent = seen["joined"] == "yes" and not server and not seen["secret_server-token"]
        if not (server if role == "agent" else agent):
            return seen
        Departure(
            task=self.task,
            host=self.host,
            line=self.line,
            seen=seen,
            silence="",
            deadline=self.deadline,
            disable=False,
            moves=False,
        ).run()
        return self._look_again()

    def _withdraw(self, seen: Look) -> Look:
        """End what an earlier run began for another system: neither its watchdog nor its guard may act on this one."""
        armed, tried = seen["watchdog"] == "active" and seen["watchdog_wanted"], seen["trial_wanted"]
        if armed and armed != self.wanted:
            self._activation(seen, armed).take_back(f"{armed} is unproven, and the wish is another one")
        if tried and tried != self.wanted:
            self._trial(seen, tried).withdraw("the wish is another one")
        changed = (armed and armed != self.wanted) or (tried and tried != self.wanted)
        return self._look_again() if changed else seen

    def _deliver(self, seen: Look) -> None:
        self._check_token(seen)
        wanted = self.task.secrets.on_host(self.task.host(self.host).role.value)
        files = {name: text for name, text in wanted.items() if _sum(text) != seen[f"secret_{name}"]}
        if not files:
            return
        with self.task.journal.phase(self.host, "secrets") as outcome:
            values = {name.replace("-", "_"): text for name, text in files.items()}
            self._script("secrets", script("deliver", files=" ".join(files), **values))
            outcome.append(f"delivered {', '.join(files)}")

    def _check_token(self, seen: Look) -> None:
        """k3s encrypts the cluster's keys with the server token: with another one a member never starts again."""
        check_authority(self.task, seen["server_ca"], self.host)
        there, ours = seen["secret_server-token"], self.task.secrets.on_host("server").get("server-token", "")
        if seen["cluster_data"] == "yes" and there and ours and _sum(ours) != there:
            raise Failure(
                Code.REFUSED,
                "secrets",
                "the server token is another one than the cluster runs with, and k3s would not start with it again: "
                "nothing was changed; put the old nixfleet:clusterKeys back into the stack file (git has them), or "
                "rotate the token as docs/runbooks.md says, then run again",
            )

    def _script(self, phase: str, text: str) -> None:
        try:
            reply = self.line.run(text, seconds=STEP_SECONDS)
        except NoAnswer as error:
            raise Failure(Code.UNREACHABLE, phase, f"{self.line.destination}: {error.text}; run again") from None
        if reply.status != 0:
            said = " ".join(reply.error.split()[-30:]) or "nothing"
            raise Failure(Code.FAILED, phase, f"the step failed with status {reply.status} and said: {said}")

    def _at_goal(self, seen: Look) -> bool:
        """Whether it runs the system, boots it, and is healthy; an owner's own reboot may still have to try it."""
        boots = seen["next_system"] == self.wanted or (self._reboot == "never" and seen["trial_wanted"] == self.wanted)
        due = seen["reboot_due"] == "yes" and self._reboot == "kernel"
        return (
            boots
            and not due
            and not seen.cordoned
            and seen["watchdog"] != "active"
            and not complaint(self.task, self.host, self.wanted, seen)
        )

    @property
    def _reboot(self) -> str:
        return self.task.cluster.reboot

    def _quorum(self) -> None:
        with self.task.journal.phase(self.host, "quorum") as outcome:
            outcome.extend(make_spare(self.task, self.line, self.deadline))

    def _change(self, seen: Look) -> Look:
        self._version(seen)
        self._quorum()
        self._copy()
        weight = self._weigh()
        if weight.impossible and self._held:
            self._leave_to_the_owner(seen)
            raise self._due(f"only a reboot can bring {self.wanted} up ({weight.impossible})")
        if not (weight.k3s or (weight.reboot and not self._held)):
            return self._perform(seen, weight)
        absence = self._absence()
        absence.begin(k3s=weight.k3s)
        return self._whole(absence, lambda: self._perform(seen, weight))

    @property
    def _held(self) -> str:
        """Why the host may not be rebooted now; empty if it may."""
        return reboots_wait(self.task)

    def _due(self, what: str) -> Failure:
        """The reboot has to wait: what the next run, or the owner, does."""
        if self._reboot == "never":
            cure = "the next boot tries it once and keeps it if it is well: reboot the host when it suits you"
        else:
            cure = "a run inside the window reboots it"
        return Failure(Code.REBOOT_DUE, "reboot", f"{what}, and {self._held}; {cure}")

    def _leave_to_the_owner(self, seen: Look) -> None:
        """Where reboots are the owner's, theirs is the trial; before a window opens, a power cut must be none."""
        if self._reboot == "never":
            self._trial(seen).arm(reboot=False)

    def _version(self, seen: Look) -> None:
        """Refuse a step of k3s that its makers do not test: a minor down, or one left out."""
        wanted = self.task.cluster.k3s_version
        if said := step_refused(seen.k3s_version, wanted):
            cure = "go one minor at a time (cluster.k3sVersion), and up"
            raise Failure(Code.REFUSED, "version", f"the node runs k3s {seen.k3s_version}, and {wanted} {said}; {cure}")

    def _absence(self, *, cordoned: bool = False) -> Disruption:
        return Disruption(task=self.task, host=self.host, deadline=self.deadline, away=cordoned)

    def _whole(self, absence: Disruption, work: Callable[[], Look]) -> Look:
        """Do work for which the node may be away, and see that the cluster is whole again after it."""
        try:
            seen = work()
        except Failure as failure:
            if failure.code != Code.REBOOT_DUE:
                absence.give_up()
                raise
            absence.end()
            raise
        absence.end()
        return seen

    def _resumed(self, seen: Look, work: Callable[[], Look]) -> Look:
        """Work that an interrupted run may have drained the node for."""
        return self._whole(self._absence(cordoned=seen.cordoned), work)

    def _finished(self, seen: Look) -> Look:
        self._trial(seen).finish(seen)
        return self._look_again()

    def _perform(self, seen: Look, weight: Weight) -> Look:
        if weight.reboot and not self._held:
            self._trial(seen).run(seen)
            return self._look_again()
        return self._after(self._activation(seen, default=not weight.reboot).run())

    def _copy(self) -> None:
        with self.task.journal.phase(self.host, "copy") as outcome:
            nixos_rebuild_build(self.task, self.line, min(self.task.limits.copy, self.deadline.left))
            outcome.append(self.wanted)

    def _weigh(self) -> Weight:
        """What the change does to the host, asked there; raises Failure where it cannot be that host's system."""
        with self.task.journal.phase(self.host, "weigh") as outcome:
            weight = weigh(self.line, self.wanted)
            outcome.append(weight.text)
        return weight

    def _look_again(self) -> Look:
        try:
            return look(self.line, self.task.host(self.host))
        except NoAnswer as error:
            raise Failure(Code.UNREACHABLE, "look", f"{self.line.destination}: {error.text}; run again") from None

    def _activation(self, seen: Look, wanted: str = "", *, default: bool = True) -> Activation:
        armed = seen["watchdog"] == "active" and seen["watchdog_previous"]
        # While a watchdog of an earlier run is armed, what runs now is unproven; what it would go back to is not.
        return Activation(
            task=self.task,
            line=self.line,
            wanted=wanted or self.wanted,
            previous=seen["watchdog_previous"] if armed else seen["current_system"],
            boot_id=seen["boot_id"],
            default=default and seen["reboot_due"] != "yes",
        )

    def _trial(self, seen: Look, wanted: str = "") -> Trial:
        return Trial(task=self.task, line=self.line, wanted=wanted or self.wanted, previous=seen["trial_previous"])

    def _settle(self, seen: Look) -> Look:
        """It runs the system already: healthy, it becomes what boots, or a boot has to prove it."""
        if seen["k3s"] == "inactive":
            self._script("ready", script("admit", start="yes", form="no"))
        entry, version = self.task.host(self.host), self.task.cluster.k3s_version
        with self.task.journal.phase(self.host, "ready") as outcome:
            await_look(
                self.task,
                self.line,
                Deadline(self.task.limits.ready),
                "ready",
                cure="it runs the wanted system already; see its log: journalctl -u k3s",
                until=lambda seen: seen.complaint(entry, version),
                code=Code.TIMED_OUT,
            )
            outcome.append(f"the node is Ready on {version}")
        self._probe()
        if seen["next_system"] != self.wanted and seen["reboot_due"] != "yes":
            with self.task.journal.phase(self.host, "boot") as outcome:
                text = script("commit", host=self.host, wanted=self.wanted, default="yes")
                self._script("boot", text)
                outcome.append("it boots by default now")
        return self._after(reboot=False)

    def _probe(self) -> None:
        """The user's probes, where there is nothing to go back to."""
        if said := failed_probe(self.task, self.line):
            raise Failure(Code.FAILED, "check", f"{said}; it ran {self.wanted} before, so nothing was changed")

    def _after(self, reboot: bool) -> Look:  # noqa: FBT001 - what an activation answers
        """The reboot that the running system needs, if it needs one and may have it."""
        before = self._look_again()
        if not reboot and before["reboot_due"] != "yes":
            return before
        if not self._held:
            self._quorum()
            # Nobody knew that it needs a reboot, so it may not have been drained yet.
            self._absence().begin()
            self._trial(before).run(before)
            return self._look_again()
        self._leave_to_the_owner(before)
        if reboot:
            raise self._due(f"only a reboot can bring {self.wanted} up")
        what = f"runs {self.wanted} but for what only a boot brings"
        if self._reboot == "never":
            text = f"{what}, and {self._held}; the next boot tries the system and keeps it if it is well"
            self.task.journal.say(self.host, "reboot", text)
            return self._look_again()
        raise self._due(f"it {what}")


def _left_out(task: Task, host: str, silent: Silent) -> str:
    """Let the run go on without an agent that was off before it began; raises what was said for any other host.

    A server is never left out: its peers count it, and agents must not be newer than it.
    """
    off, k3s = off_before(task, host) if task.host(host).role == "agent" else ("", "")
    if not off:
        raise silent
    said = f"left out: {silent.text}; {off}, since before this run: it is brought up to date at its end, or at the next"
    task.journal.say(host, "look", said)
    answer = {"generation": None, "k3s": k3s, LATE: uuid.uuid4().hex, "ready": False, "system": ""}
    return json.dumps(answer, sort_keys=True)


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def switch(task: Task, host: str) -> str:
    """Bring a host to the system that the contract means; one line of JSON says what it runs now."""
    task.secrets.need("deployKey")
    need_address(task, host, "look")
    deadline = Deadline(task.limits.whole)
    wanted = wanted_system(task, host, "evaluate")
    line = Line(task, host, bootstrap=True)
    work, held = Switch(task=task, line=line, wanted=wanted, deadline=deadline), ""
    try:
        try:
            first = work.look()
        except Silent as silent:
            return _left_out(task, host, silent)
        try:
            seen = work.run(first)
        except Failure as failure:
            if failure.code != Code.REBOOT_DUE or not later(task):
                raise
            # The run goes on with the others; its last step names those that wait.
            task.journal.say(host, failure.phase, f"held back: {failure.text}")
            seen = look(line, task.host(host))
            held = f"{wanted} {seen['boot_id']}"
    except NoAnswer as error:
        raise Failure(Code.UNREACHABLE, "look", f"{line.destination}: {error.text}; run again") from None
    finally:
        if task.leases is not None:
            # Over the connection that is there.
            task.leases.give_back(host, line)
        line.drop()
    generation = int(seen["generation"]) if seen["generation"].isdigit() else None
    said = {"generation": generation, "k3s": seen.k3s_version, "ready": seen.ready, "system": seen["current_system"]}
    return json.dumps({**said, **({"held": held} if held else {})}, sort_keys=True)

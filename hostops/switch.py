"""The verb switch: from what a host runs to what the contract means, or back. One connection if all is well already."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hostops.activation import Activation
from hostops.contact import await_look, need_address
from hostops.failure import Code, Failure
from hostops.fixed import check_fixed
from hostops.leave import Departure
from hostops.look import Look, look
from hostops.process import Deadline
from hostops.quorum import check_quorum
from hostops.ssh import Line, NoAnswer, script
from hostops.tools import nixos_rebuild_boot, wanted_system

if TYPE_CHECKING:
    from hostops.task import Task

STEP_SECONDS = 60
COPY_SECONDS = 3600
"""Limit of building a system and copying it to its host."""


@dataclass(kw_only=True)
class Switch:
    """One run of the verb."""

    task: Task
    line: Line
    wanted: str

    @property
    def host(self) -> str:
        """The host's name."""
        return self.line.host

    def run(self) -> Look:
        """Bring the host to the wanted system, healthy; what it says of itself then."""
        seen = self._look()
        self._earlier_rollback(seen)
        seen = self._change_role(seen)
        self._deliver(seen)
        if seen["released"] == "yes":
            # Its k3s starts with the system of its new role; on the one that it has, it is started below.
            self._script("secrets", script("admit", start="no", form="no"))
        if self._at_goal(seen):
            self.task.journal.say(self.host, "switch", f"runs {self.wanted} already and is healthy")
            return seen
        if seen["watchdog"] == "active" and seen["watchdog_wanted"] == self.wanted:
            self.task.journal.say(self.host, "switch", "goes on with the activation of an interrupted run")
            reboot = self._activation(seen).finish()
        elif not self._runs(seen):
            self._quorum()
            self._copy()
            reboot = self._activation(seen).run()
        else:
            if seen["k3s"] == "inactive":
                self._script("ready", script("admit", start="yes", form="no"))
            self._await_health()
            reboot = False
        return self._reboot_if_due(needed=reboot)

    def _look(self) -> Look:
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
            f"in an earlier run the watchdog took {self.wanted} back; the host runs {seen['current_system']}; "
            "see there: journalctl -u nixfleet-switch -u nixfleet-rollback; run again to try once more",
        )

    def _change_role(self, seen: Look) -> Look:
        """A host whose role changes leaves as what it is; it joins with its new system."""
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
            deadline=Deadline(self.task.limits.leave),
            disable=False,
            moves=False,
        ).run()
        return self._look_again()

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

    def _runs(self, seen: Look) -> bool:
        return seen["current_system"] == self.wanted and seen["next_system"] == self.wanted

    def _at_goal(self, seen: Look) -> bool:
        complaint = seen.complaint(self.task.host(self.host), self.task.cluster.k3s_version)
        return self._runs(seen) and not complaint and seen["watchdog"] != "active" and not self._reboot_wanted(seen)

    def _reboot_wanted(self, seen: Look) -> bool:
        return self.task.cluster.reboot == "kernel" and seen["reboot_due"] == "yes"

    def _quorum(self) -> None:
        with self.task.journal.phase(self.host, "quorum") as outcome:
            outcome.append(check_quorum(self.task, self.line))

    def _copy(self) -> None:
        with self.task.journal.phase(self.host, "copy") as outcome:
            nixos_rebuild_boot(self.task, self.line, COPY_SECONDS)
            found = self._look_again()["next_system"]
            if found != self.wanted:
                what = f"the host boots {found} next, wanted is {self.wanted}"
                raise Failure(Code.FAILED, "copy", f"{what}; the tree changed while this ran: run again")
            outcome.append(self.wanted)

    def _look_again(self) -> Look:
        try:
            return look(self.line, self.task.host(self.host))
        except NoAnswer as error:
            raise Failure(Code.UNREACHABLE, "look", f"{self.line.destination}: {error.text}; run again") from None

    def _activation(self, seen: Look) -> Activation:
        armed = seen["watchdog"] == "active" and seen["watchdog_previous"]
        # While a watchdog of an earlier run is armed, what runs now is unproven; what it would go back to is not.
        previous = seen["watchdog_previous"] if armed else seen["current_system"]
        return Activation(task=self.task, line=self.line, wanted=self.wanted, previous=previous)

    def _await_health(self) -> None:
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

    def _reboot_if_due(self, *, needed: bool) -> Look:
        before = self._look_again()
        if needed and self.task.cluster.reboot == "never":
            what = f"only a reboot can bring {self.wanted} up, and rollout.reboot is 'never'"
            raise Failure(Code.FAILED, "reboot", f"{what}; it boots next: reboot the host when it suits you")
        if not needed and not self._reboot_wanted(before):
            return before
        self._quorum()
        entry, version = self.task.host(self.host), self.task.cluster.k3s_version

        def complaint(seen: Look) -> str:
            if seen["boot_id"] == before["boot_id"]:
                return "it has not gone down yet"
            return seen.complaint(entry, version)

        with self.task.journal.phase(self.host, "reboot") as outcome:
            self._script("reboot", script("reboot"))
            self.line.drop()
            limit = Deadline(self.task.limits.ready)
            cure = "look at its console; its boot menu has the previous generation"
            seen = await_look(self.task, self.line, limit, "reboot", cure=cure, until=complaint)
            if seen["current_system"] != self.wanted:
                what = f"after the reboot the host runs {seen['current_system']}, not {self.wanted}"
                raise Failure(Code.ROLLED_BACK, "reboot", f"{what}; its boot loader went back; see: bootctl list")
            outcome.append("healthy after it")
        return seen


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def switch(task: Task, host: str) -> str:
    """Bring a host to the system that the contract means; one line of JSON says what it runs now."""
    task.secrets.need("deployKey")
    need_address(task, host, "look")
    wanted = wanted_system(task, host, "evaluate")
    line = Line(task, host, bootstrap=True)
    try:
        seen = Switch(task=task, line=line, wanted=wanted).run()
    finally:
        if task.leases is not None:
            # Over the connection that is there.
            task.leases.give_back(host, line)
        line.drop()
    generation = int(seen["generation"]) if seen["generation"].isdigit() else None
    return json.dumps({"generation": generation, "ready": seen.ready, "system": seen["current_system"]}, sort_keys=True)

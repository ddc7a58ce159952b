"""The verb install: from a machine that answers to a node of the cluster. The host itself is asked where it stands."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fleet.hosts import HOST_KINDS
from hostops.contact import await_look, first_contact
from hostops.drives import UNREADABLE, Drives, check_drives
from hostops.failure import Code, Failure
from hostops.forget import forget
from hostops.formation import check_formation
from hostops.guards import FIRST, Way, check_disks, check_token, keeps_copies, missing_seal, way
from hostops.leave import Departure
from hostops.look import Identity, Look
from hostops.payload import check_keys, extra_files
from hostops.process import Deadline
from hostops.quorum import check_quorum
from hostops.release import admit, is_elsewhere, let_go, was_taken_out
from hostops.replicas import check_copies
from hostops.ssh import Line, NoAnswer, script
from hostops.tools import nixos_anywhere

if TYPE_CHECKING:
    from hostops.ssh import Reply
    from hostops.task import Task

STEP_SECONDS = 60
"""Limit of a small script."""

LEAST_KIB = 900 * 1024
"""Memory that must be free for the installer's image."""


@dataclass(kw_only=True)
class Installation:
    """One run of the verb."""

    task: Task
    host: str
    token: str
    machine_id: str
    deadline: Deadline

    def run(self) -> None:
        """Go on from where the host stands until its node is Ready."""
        check_token(self.host, self.token)
        check_keys(self.task, self.host)
        line, seen = self._contact()
        step = self._guard(line, seen)
        before = seen.installed_before
        if step is Way.KEXEC and seen.state == "installed":
            self._depart(line, seen)
        if step is Way.KEXEC:
            self._kexec(line)
            line, seen = self._installer()
        if step in (Way.KEXEC, Way.DISK):
            before = self._format_and_install(line, seen)
        if step is Way.DONE:
            seen = self._rejoin(line, seen)
        # A system that was never let in may have booted by itself before its old node was forgotten.
        if step is not Way.DONE or not seen["joined"]:
            self._forget(seen, before=before)
        if step is Way.DONE:
            self._make_good(line, seen)
        else:
            self._reboot(line)
        line.drop()
        self._readiness()

    def _contact(self) -> tuple[Line, Look]:
        with self.task.journal.phase(self.host, "contact") as outcome:
            limit = Deadline(min(self.task.limits.contact, self.deadline.left))
            line, seen = first_contact(self.task, self.host, limit)
            outcome.append(f"{seen.state} at {line.destination}, {seen.key} key")
        return line, seen

    def _guard(self, line: Line, seen: Look) -> Way:
        with self.task.journal.phase(self.host, "guard") as outcome:
            step = way(self.task.stack, self.host, self.task.host(self.host), seen, self.token)
            if step in (Way.KEXEC, Way.DISK):
                outcome.append(check_formation(self.task, self.host, self.deadline)[1])
            if step is Way.KEXEC and seen.state == "installed":
                # While it still runs: in the installer a refusal leaves the host down.
                check_drives(self.task.host(self.host), self._drives(line, "guard"))
                if self.task.host(self.host).storage:
                    outcome.append(check_copies(self.task, self.host, itself=True))
            outcome.append("already installed" if step is Way.DONE else f"goes on with {step}")
        return step

    def _depart(self, line: Line, seen: Look) -> None:
        """Leave the cluster while the old system still runs."""
        if self.task.formation == (self.host,):
            return
        Departure(
            task=self.task,
            host=self.host,
            line=line,
            seen=seen,
            silence="",
            deadline=self.deadline,
            disable=True,
            moves=False,
        ).run()

    def _rejoin(self, line: Line, seen: Look) -> Look:
        """Bring a host that has left its cluster, or is in an older one, into this one; its disk stays as it is."""
        why = "it is in an older cluster" if is_elsewhere(self.task, self.host, seen) else ""
        if not why and was_taken_out(self.task, self.host, seen):
            why = "its cluster let it go while it was off"
        if seen["released"] != "yes" and not why:
            return seen
        if why:
            with self.task.journal.phase(self.host, "release") as outcome:
                outcome.append(f"{why}; {let_go(line, disable=True)}")
        self._forget(seen, before=True, formatted=False)
        with self.task.journal.phase(self.host, "join") as outcome:
            forms, found = check_formation(self.task, self.host, self.deadline)
            outcome += [found, admit(self.task, line, forms=forms)]
        return replace(seen, facts={**seen.facts, "joined": "yes"})

    def _kexec(self, line: Line) -> None:
        with self.task.journal.phase(self.host, "kexec") as outcome:
            available = int(self._script(line, "kexec", script("room")).facts().get("available_kib") or LEAST_KIB)
            if available < LEAST_KIB:
                cure = "use a machine with 2 GiB or more, or boot our installer medium on it"
                raise Failure(
                    Code.REFUSED,
                    "kexec",
                    f"{available // 1024} MiB of memory are free; the installer needs {LEAST_KIB // 1024}; {cure}",
                )
            line.drop()
            nixos_anywhere(self.task, line, "kexec", self.deadline.left)
            outcome.append("the installer was started")

    def _installer(self) -> tuple[Line, Look]:
        """The installer after kexec; it lets root in, with the key that the system before it had."""
        line = Line(self.task, self.host, bootstrap=True)
        cure = "look at its console; run again: it goes on there, or boot our installer medium on it"
        seen = await_look(
            self.task,
            line,
            Deadline(min(self.task.limits.contact, self.deadline.left)),
            "kexec",
            cure=cure,
            until=lambda seen: "" if seen.state == "installer" else f"a system that is no installer: {seen.state}",
        )
        return line, seen

    def _format_and_install(self, line: Line, seen: Look) -> bool:
        """Format the disk; answers whether it had an installation before."""
        claim, installs = self._claim(line, seen)
        forms = self._forms(line, member=len(installs) > 1 or bool(self.token))
        identity = Identity(
            stack=self.task.stack,
            host=self.host,
            install_id=installs[-1],
            machine_id=self.machine_id,
            address=str(self.task.host(self.host).address),
        )
        folder = extra_files(self.task, self.host, identity, installs[:-1], forms=forms)
        with self.task.journal.phase(self.host, "disko") as outcome:
            line.drop()
            nixos_anywhere(self.task, line, "disko,install", self.deadline.left, folder)
            outcome.append("formatted and installed")
        with self.task.journal.phase(self.host, "seal") as outcome:
            self._script(line, "seal", script("seal", at="/mnt", installs=" ".join(installs)))
            outcome.append(f"installation {claim.removeprefix(FIRST)}")
        return len(installs) > 1

    def _make_good(self, line: Line, seen: Look) -> None:
        """Seal what was installed by a run that did not come so far: its token would count as new in an installer."""
        installs = missing_seal(seen)
        if installs:
            with self.task.journal.phase(self.host, "seal") as outcome:
                self._script(line, "seal", script("seal", at="", installs=" ".join(installs)))
                outcome.append(f"installation {installs[-1]}, which an interrupted run had left without")

    def _drives(self, line: Line, phase: str) -> Drives:
        entry = self.task.host(self.host)
        devices = " ".join(drive.device for drive in entry.drives.values())
        return Drives.parse(entry, self._script(line, phase, script("disk", devices=devices)).facts())

    def _forms(self, line: Line, *, member: bool) -> bool:
        """Ask the other servers once more, right before the disk is formatted; answers whether it forms the cluster."""
        if self.task.host(self.host).role != "server":
            return False
        with self.task.journal.phase(self.host, "cluster") as outcome:
            forms, found = check_formation(self.task, self.host, self.deadline)
            outcome.append(found)
            if member:
                outcome.append(check_quorum(self.task, line, leaves=True))
        return forms

    def _claim(self, line: Line, seen: Look) -> tuple[str, tuple[str, ...]]:
        """The last look before the disk is formatted; answers with the claim and the ids of all installations."""
        entry = self.task.host(self.host)
        with self.task.journal.phase(self.host, "disk") as outcome:
            drives = self._drives(line, "disk")
            check_disks(self.host, entry, seen, drives, self.token)
            if keeps_copies(entry, seen, drives):
                # Again, as late as can be: other hosts may have gone down since.
                outcome.append(check_copies(self.task, self.host))
            earlier = [name for name in (*seen.used_ids, *drives.installs) if name != UNREADABLE]
            claimed = seen["claim"] if not self.token and seen["claim"].startswith(FIRST) else ""
            claim = self.token or claimed or f"{FIRST}{uuid.uuid4()}"
            values = {"claim": claim, "disks": drives.claim, "installs": " ".join(dict.fromkeys(earlier))}
            self._script(line, "disk", script("claim", **values))
            meant = " and ".join(found.device for found in drives.named)
            outcome.append(f"{meant} {'is the one that is' if len(drives.named) == 1 else 'are those that are'} meant")
        return claim, (*dict.fromkeys(earlier), claim.removeprefix(FIRST))

    def _forget(self, seen: Look, *, before: bool, formatted: bool = True) -> None:
        boot = seen["boot_id"]
        with self.task.journal.phase(self.host, "forget") as outcome:
            done = forget(self.task, self.host, self.deadline, boot_id=boot, before=before, formatted=formatted)
            outcome.append(done)

    def _script(self, line: Line, phase: str, text: str) -> Reply:
        try:
            reply = line.run(text, seconds=STEP_SECONDS)
        except NoAnswer as error:
            raise Failure(Code.UNREACHABLE, phase, f"{line.destination}: {error.text}; run again") from None
        if reply.status != 0:
            said = " ".join(reply.error.split()[-40:]) or "nothing"
            raise Failure(Code.FAILED, phase, f"the step failed with status {reply.status} and said: {said}")
        return reply

    def _reboot(self, line: Line) -> None:
        with self.task.journal.phase(self.host, "reboot") as outcome:
            line.drop()
            nixos_anywhere(self.task, line, "reboot", min(self.task.limits.contact, self.deadline.left))
            final = Line(self.task, self.host, bootstrap=True)
            await_look(
                self.task,
                final,
                Deadline(min(self.task.limits.contact, self.deadline.left)),
                "reboot",
                cure="look at its console; remove the installer medium or correct the boot order, then run again",
                until=_installed,
            )
            final.drop()
            outcome.append("the installed system answers with its own key")

    def _readiness(self) -> None:
        entry, version = self.task.host(self.host), self.task.cluster.k3s_version
        line = Line(self.task, self.host)
        with self.task.journal.phase(self.host, "ready") as outcome:
            await_look(
                self.task,
                line,
                Deadline(min(self.task.limits.ready, self.deadline.left)),
                "ready",
                cure=f"see its log: journalctl -u k3s; join address is {self.task.cluster.join}",
                until=lambda seen: seen.complaint(entry, version),
                code=Code.TIMED_OUT,
            )
            line.drop()
            outcome.append(f"the node is Ready on {version}")


def _installed(seen: Look) -> str:
    if seen.state == "installer":
        return "the installer answers again"
    return "" if seen.key == "final" and seen.state == "installed" else f"{seen.state} answers with the {seen.key} key"


def install(task: Task, host: str) -> None:
    """Install a host, or go on with it, or find that it is installed."""
    task.secrets.need("deployKey")
    machine, before = (task.environment.get(f"NIXFLEET_{name}", "") for name in ("MACHINE_ID", "INSTALLED_ON"))
    # A board's bootstrap key is on the medium that it is installed from, and on nothing that runs.
    if before and before == machine and HOST_KINDS[task.host(host).kind].created:
        task.workspace.distrust_bootstrap(host)
    Installation(
        task=task,
        host=host,
        token=task.environment.get("NIXFLEET_REINSTALL", ""),
        machine_id=task.environment.get("NIXFLEET_MACHINE_ID", ""),
        deadline=Deadline(task.limits.whole),
    ).run()

"""A double of `nixos-anywhere`: its phases over the ssh on PATH, on simulated machines, with its own ssh options.

Unlike the real one it tries to connect a limited time, and it sees a reboot by the boot id: simulated machines are up
again before a client could find them unreachable.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from sim import layouts
from sim.tools import steps
from sim.tools.flake import System, host_system, split

PHASES = ("kexec", "disko", "install", "reboot")
RETRY_SECONDS = 0.2
CONNECTION_FAILED = 255


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise steps.ToolError(f"ERROR: {message} (options that are not simulated are refused)")


@dataclass(frozen=True, kw_only=True)
class Job:
    """What one call is to do."""

    system: System
    target: str
    ssh: list[str]
    key: Path
    phases: tuple[str, ...]
    extra_files: Path | None

    @property
    def host(self) -> str:
        """The host's name, for events and faults."""
        name: str = self.system.document["host"]
        return name

    def run(self, *command: str, data: bytes | None = None) -> str:
        """Run a command on the machine."""
        return steps.ssh(self.ssh, self.target, *command, data=data)

    @property
    def sudo(self) -> tuple[str, ...]:
        """What goes before a command that only root may run."""
        return () if self.target.startswith("root@") else ("sudo",)


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = _Parser(prog="nixos-anywhere", description=__doc__, allow_abbrev=False)
    parser.add_argument("positional", nargs="?", metavar="ssh-host")
    parser.add_argument("--flake", "-f", required=True)
    parser.add_argument("--target-host")
    parser.add_argument("-i", dest="identity", type=Path)
    parser.add_argument("--phases", default=",".join(PHASES))
    parser.add_argument("--extra-files", type=Path)
    parser.add_argument("--ssh-option", action="append", default=[])
    parser.add_argument("--option", nargs=2, action="append", default=[])
    parser.add_argument("--build-on", choices=["auto", "remote", "local"], default="auto")
    for flag in (
        "--no-disko-deps",
        "--no-use-machine-substituters",
        "--no-substitute-on-destination",
        "--print-build-logs",
    ):
        parser.add_argument(flag, action="store_true")
    return parser.parse_args(words)


def _job(words: list[str], folder: Path) -> Job:
    options = _arguments(words)
    target = options.target_host or options.positional
    if not target:
        raise steps.ToolError("ERROR: ssh-host must be set")
    phases = tuple(options.phases.split(","))
    for phase in phases:
        if phase not in PHASES:
            raise steps.ToolError(f"ERROR: Unknown phase: {phase}")
    if options.extra_files and not options.extra_files.is_dir():
        raise steps.ToolError(f"ERROR: --extra-files {options.extra_files}: no such directory")
    if "kexec" not in phases:
        # Without kexec the machine is an installer already, where root is the only account.
        target = f"root@{target.rpartition('@')[2]}"
    key = _identity(options.identity, folder)
    ssh = [
        "-o",
        "IdentitiesOnly=yes",
        "-i",
        str(key),
        "-o",
        "UserKnownHostsFile=/dev/null",
        "-o",
        "StrictHostKeyChecking=no",
        "-T",
    ]
    for option in options.ssh_option:
        ssh += ["-o", option]
    system = host_system(*split(options.flake))
    return Job(system=system, target=target, ssh=ssh, key=key, phases=phases, extra_files=options.extra_files)


def _identity(given: Path | None, folder: Path) -> Path:
    """The private key to log in with, copied as the real tool does."""
    key = folder / "nixos-anywhere"
    key.touch(mode=0o600)
    if given is not None:
        if not given.exists():
            raise steps.ToolError(f"ERROR: -i {given}: no such file")
        shutil.copyfile(given, key)
    elif os.environ.get("SSH_PRIVATE_KEY"):
        key.write_text(os.environ["SSH_PRIVATE_KEY"] + "\n")
    else:
        raise steps.ToolError("ERROR: neither -i nor SSH_PRIVATE_KEY: passwords and new keys are not simulated")
    return key


def _wait_for(job: Job, changed_from: str | None = None) -> str:
    """Wait for the machine, or for its next boot; its boot id. The real tool has no limit here; the caller has one."""
    while True:
        try:
            found = job.run('cat "$NIXFLEET_ROOT/proc/sys/kernel/random/boot_id"').strip()
        except steps.ToolError as error:
            if error.status != CONNECTION_FAILED:
                raise
        else:
            if found != changed_from:
                return found
        time.sleep(RETRY_SECONDS)


def _facts(job: Job) -> dict[str, str]:
    """What runs there, as its os-release has it."""
    release = job.run('cat "$NIXFLEET_ROOT/etc/os-release"')
    return dict(line.partition("=")[::2] for line in release.splitlines())


def _need_installer(job: Job) -> None:
    if _facts(job).get("VARIANT_ID") != "installer":
        raise steps.ToolError("ERROR: the target is no installer: run phase kexec first")


def kexec(job: Job) -> None:
    """Bring the machine into the installer, unless it is one."""
    boot = _wait_for(job)
    if _facts(job).get("VARIANT_ID") == "installer":
        return
    public = steps.public_half(job.key)
    keys = "~/.ssh/authorized_keys"
    authorize = f'mkdir -p ~/.ssh; touch {keys}; grep -qF "$0" {keys} || echo "$0" >>{keys}'
    job.run("sh", "-c", f"'{authorize}'", f"'{public}'")
    steps.say(job.run(*job.sudo, "sim-kexec").strip())
    root = Job(**{**job.__dict__, "target": f"root@{job.target.rpartition('@')[2]}"})
    _wait_for(root, changed_from=boot)


def disko(job: Job) -> None:
    """Format the disks of the host's layout, all of them."""
    _need_installer(job)
    disks = layouts.partitions(job.system.entry)
    job.run("sim-disko", *(word for device, parts in disks.items() for word in (device, *parts)))


def install(job: Job) -> None:
    """Copy the system and the extra files, and make the disk bootable."""
    steps.build(job.system)
    steps.copy(job.ssh, job.target, "/mnt", job.system.path)
    if job.extra_files:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.add(job.extra_files, arcname=".")
        job.run('tar -C "$NIXFLEET_ROOT/mnt" -xpf - --no-same-owner', data=archive.getvalue())
    steps.say(job.run("sim-install", job.system.path).strip())


def reboot(job: Job) -> None:
    """Reboot; the machine has gone down when this returns."""
    boot = job.run('cat "$NIXFLEET_ROOT/proc/sys/kernel/random/boot_id"').strip()
    job.run("reboot")
    try:
        while job.run('cat "$NIXFLEET_ROOT/proc/sys/kernel/random/boot_id"').strip() == boot:
            time.sleep(RETRY_SECONDS)
    except steps.ToolError as error:
        # The installed system has another host key, so a pinned connection ends here.
        if error.status != CONNECTION_FAILED:
            raise


def main(words: list[str]) -> None:
    """Run the phases in the real tool's order, whatever order they were given in."""
    work = {"kexec": kexec, "disko": disko, "install": install, "reboot": reboot}
    with tempfile.TemporaryDirectory(prefix="na-") as folder:
        job = _job(words, Path(folder))
        for phase in PHASES:
            if phase in job.phases:
                steps.say(f"### {phase} ###")
                steps.step(job.host, f"nixos-anywhere {phase}")
                work[phase](job)
                if phase == "kexec":
                    job = Job(**{**job.__dict__, "target": f"root@{job.target.rpartition('@')[2]}"})
    steps.say("### Done! ###")


if __name__ == "__main__":
    steps.run(main)

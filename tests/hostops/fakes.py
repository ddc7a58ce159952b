"""A host for remote/*.sh without a host: a root folder, commands that answer what a test says, and a real shell."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hostops.ssh import script

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a script said."""

    status: int
    output: str
    error: str

    @property
    def facts(self) -> dict[str, str]:
        """Its name=value lines."""
        return dict(line.split("=", 1) for line in self.output.splitlines() if "=" in line)


class Fakes:
    """One host."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.bin = folder / "bin"
        self._log = folder / "commands"
        for path in (self.root, self.bin):
            path.mkdir()
        for name in ("proc/sys/kernel/random", "proc/sys/vm", "etc", "run", "var/lib"):
            (self.root / name).mkdir(parents=True)
        self.write("proc/meminfo", "MemTotal:  4000000 kB\nMemAvailable: 3000000 kB\n")
        self.write("proc/sys/kernel/random/boot_id", "boot-1\n")
        self.write("proc/uptime", "1000.25 3000.50\n")
        self.command("systemctl", "printf 'inactive\\n'; exit 3")

    def write(self, path: str, text: str) -> None:
        """A file of the host."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def link(self, path: str, target: str) -> None:
        """A symbolic link of the host to another of its paths."""
        link = self.root / path
        link.parent.mkdir(parents=True, exist_ok=True)
        (self.root / target).mkdir(parents=True, exist_ok=True)
        link.symlink_to(self.root / target)

    def command(self, name: str, body: str) -> None:
        """A command that notes its arguments and does what `body` says."""
        path = self.bin / name
        path.write_text(f"#!/bin/sh\nprintf '%s\\n' \"{name} $*\" >>{self._log}\n{body}\n")
        path.chmod(0o700)

    @property
    def commands(self) -> list[str]:
        """The faked commands that ran, with their arguments."""
        return self._log.read_text().splitlines() if self._log.exists() else []

    def run(self, name: str, **values: str) -> Said:
        """Run a script as it is run over SSH: the whole of it on stdin."""
        return self.feed(script(name, **values))

    def feed(self, text: str) -> Said:
        """Feed a shell."""
        ended = subprocess.run(
            ["sh", "-s"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
            env={"PATH": f"{self.bin}:{os.environ['PATH']}", "NIXFLEET_ROOT": str(self.root)},
        )
        return Said(status=ended.returncode, output=ended.stdout, error=ended.stderr)

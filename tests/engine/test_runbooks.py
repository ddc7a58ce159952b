"""docs/runbooks.md as it stands: every command of every runbook, in its order, in the situation that its title names.

A checkout of its own is brought up once and put back for every runbook; `make` is what a reader would type.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from fleet.yamltext import parse
from operate.engine import ROOT
from sim.machines.certificates import kubeconfig, new_authority
from sim.machines.machine import edit, ids, load
from sim.world import World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.engine

DOCUMENT = ROOT / "docs" / "runbooks.md"
RUNBOOK = re.compile(
    r"^## (?P<title>[^\[\n]+?)(?: \[(?P<situation>[^\]]+)\])?\n(?P<body>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL
)
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
LIMIT_SECONDS = 900
DATA = "var/lib/rancher/k3s/server/db/etcd"


def runbooks() -> dict[str, tuple[str | None, list[str]]]:
    """Situation and commands of each runbook, by its title."""
    found = {}
    for match in RUNBOOK.finditer(DOCUMENT.read_text()):
        commands = [line for block in BLOCK.findall(match["body"]) for line in block.splitlines() if line.strip()]
        found[match["title"]] = (match["situation"], commands)
    return found


class Checkout:
    """A checkout of its own with stack `sim` in it."""

    def __init__(self, base: Path) -> None:
        self.folder, self.kept = base / "checkout", base / "kept"

    @property
    def world(self) -> World:
        """The simulated world; its machines are off between two commands."""
        return World(self.folder / ".sim" / "world")

    def make(self) -> None:
        """Copy what git knows of the checkout, bring `sim` up and keep that."""
        names = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\0")
        for name in filter(None, names):
            if (ROOT / name).is_file():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.folder / name)
        (self.folder / ".venv").symlink_to(sys.prefix)
        self.run("make up")
        self.run("make snapshot")
        shutil.copytree(self.folder, self.kept, symlinks=True)

    def put_back(self) -> None:
        """Have everything as it was kept; links in it are absolute."""
        shutil.rmtree(self.folder)
        shutil.copytree(self.kept, self.folder, symlinks=True)

    def run(self, command: str) -> str:
        """Run a command as it is written; what it printed."""
        passed = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "NIXFLEET_"))}
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.folder,
            env=passed,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_SECONDS,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        return done.stdout

    def machine(self, host: str) -> str:
        """Id of a host's machine."""
        found = [one for one in ids(self.world) if (machine := load(self.world, one)) and machine.spec.name == host]
        assert len(found) == 1, (host, found)
        return found[0]

    def root(self, host: str) -> Path:
        """Root folder of a host's system."""
        return self.world.root / "machines" / self.machine(host) / "root"

    def off(self, *hosts: str) -> None:
        """Take the power away from machines."""
        for host in hosts:
            with edit(self.world, self.machine(host)) as machine:
                machine.power = False

    def edited(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the fleet in the stack file, as its owner does."""
        path = self.folder / "Pulumi.sim.yaml"
        document: Any = parse(path.read_text())
        change(document["config"]["nixfleet:fleet"])
        path.write_text(yaml.safe_dump(document, sort_keys=False, width=4096))


def gone(host: str) -> Callable[[Checkout], None]:
    """The cloud has no such server any more."""

    def act(checkout: Checkout) -> None:
        machine = checkout.machine(host)
        with checkout.world.edit("clouds/hcloud") as cloud:
            for objects in cloud["objects"].values():
                attached = [key for key, one in objects.items() if machine in (key, str(one.get("serverId")))]
                for key in attached:
                    del objects[key]
        shutil.rmtree(checkout.world.root / "machines" / machine)

    return act


def data_lost(checkout: Checkout) -> None:
    """etcd's data is gone on every server."""
    for host in ("hcloud-1", "hcloud-2", "hcloud-3"):
        shutil.rmtree(checkout.root(host) / DATA)


def expired(checkout: Checkout) -> None:
    """Every server has an administrator's credential that nobody accepts any more."""
    for host in ("hcloud-1", "hcloud-2", "hcloud-3"):
        (checkout.root(host) / "etc/rancher/k3s/k3s.yaml").write_text(kubeconfig(new_authority()))


def without(host: str) -> Callable[[Checkout], None]:
    """The owner has removed an entry."""
    return lambda checkout: checkout.edited(lambda fleet: fleet["hosts"].pop(host))


def nothing(_checkout: Checkout) -> None:
    """All is well."""


SITUATIONS: dict[str, Callable[[Checkout], None]] = {
    "all is well": nothing,
    "etcd's data is gone on every server": data_lost,
    "hcloud-2 and hcloud-3 are off for good": lambda checkout: checkout.off("hcloud-2", "hcloud-3"),
    "hcloud-2 is gone": gone("hcloud-2"),
    "hcloud-1 is gone": gone("hcloud-1"),
    "the administrator's certificate has expired": expired,
    "the entry of jetson-1 was removed": without("jetson-1"),
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose stack is up."""
    made = Checkout(tmp_path_factory.mktemp("runbooks"))
    made.make()
    return made


def test_every_runbook_with_commands_names_a_situation_that_is_made_here() -> None:
    found = runbooks()
    assert {situation for situation, _ in found.values() if situation} == set(SITUATIONS)
    assert [title for title, (situation, commands) in found.items() if bool(situation) != bool(commands)] == []


@pytest.mark.parametrize("title", [title for title, (situation, _) in runbooks().items() if situation])
def test_the_commands_of_a_runbook_do_what_it_says(title: str, kept: Checkout) -> None:
    situation, commands = runbooks()[title]
    kept.put_back()
    formats = formatted(kept)
    assert situation is not None
    SITUATIONS[situation](kept)
    for command in commands:
        kept.run(command)
    # A new machine is installed; no other disk is touched.
    new = {"hcloud-2 is gone": {"hcloud-2": 1}, "hcloud-1 is gone": {"hcloud-1": 1}}.get(situation, {})
    assert formatted(kept) == {host: formats[host] + new.get(host, 0) for host in formats}
    assert len(kept.world.names("clusters")) == 1


def formatted(checkout: Checkout) -> dict[str, int]:
    """How often each host's disks were formatted."""
    hosts = ("hcloud-1", "hcloud-2", "hcloud-3", "jetson-1", "n100-1", "ovh-1")
    return {host: sum(event.step.startswith("format") for event in checkout.world.events(host)) for host in hosts}

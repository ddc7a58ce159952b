"""docs/runbooks.md as it stands: every command of every runbook, in its order, in the situation that its title names.

A checkout of its own is brought up once and put back for every runbook; `make` is what a reader would type. Runbooks
that begin with an edit of the stack file and go on with the same commands are run at once: one run does them all.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from fleet.keys.age import identity
from fleet.keys.pairs import CLUSTER_KEY, HostKeys, as_secret, new_cluster_keys, new_host_keys
from fleet.yamltext import parse
from operate.engine import ROOT
from sim.machines.certificates import kubeconfig, new_authority
from sim.machines.machine import edit, ids, load
from sim.machines.rack import Rack
from sim.passphrase import Passphrase
from sim.world import Fault, World

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
SERVERS = ("hcloud-1", "hcloud-2", "hcloud-3")
HOSTS = (*SERVERS, "jetson-1", "n100-1")
PASSPHRASE = re.search(r"^SIM_PASSPHRASE := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
SECRETS_FILE = "nix/secrets/sim/n100-1.yaml"

COMMAND = re.compile(
    r"(bootctl|cat|export|git|hcloud|journalctl|k3s|kubectl|make|mount|nix|nixos-\w+|nix-\w+|ovh|pulumi|rm|scp|ssh|"
    r"ssh-\w+|sudo|systemctl|zpool) \S"
)
"""What begins a command where one stands in a sentence."""

NOT_RUN = {
    "make restore SNAPSHOT=NAME FROM=bucket OVER=yes": "tests/hostops/test_recovery.py restores from a bucket",
    "make up STACK=lab": "a protected stack is tests/engine/test_protection.py's",
    "nix build ./nix#iso-headless": "needs nixpkgs; tests/nix evaluates it",
    "export SEEN=SHA256:...": "the situation does it",
    "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub": "the situation does it",
    "hcloud server enable-rescue NAME && hcloud server reset NAME": "a cloud's own tool",
    "ssh -A -o UserKnownHostsFile=nix/fleet/lab.known_hosts ada@ADDRESS": "a person's own key and account",
    "make adopt": "tests/engine/test_taken_up.py runs it, on a stack that lost its state",
    "pulumi cancel -s lab": "the engine's own; the simulated fleet takes the locks of killed engines away",
    "zpool import tank": "ZFS' own",
}
"""Commands in sentences, each with the reason why it is not run here."""


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
        self.exported: dict[str, str] = {}
        """What the reader's shell has exported."""

        self.path = ""
        """What PATH has before all else: the folder of sops, where there is one."""

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
        # What no runbook is about costs time only.
        self.edited(lambda fleet: (fleet["hosts"].pop("ovh-1"), fleet["addons"].update(FEW_ADDONS)))
        self.write_secrets_file()
        self.run("make contract")
        self.run("git init -q . && git add Pulumi.sim.yaml")
        self.run("git -c user.name=ada -c user.email=ada@example.net commit -q -m fleet")
        self.run("make up")
        self.run("make snapshot")
        shutil.copytree(self.folder, self.kept, symlinks=True)

    def put_back(self) -> None:
        """Have everything as it was kept; links in it are absolute."""
        self.exported = {}
        shutil.rmtree(self.folder)
        shutil.copytree(self.kept, self.folder, symlinks=True)

    def sops(self, *words: str, key: str = "") -> subprocess.CompletedProcess[str] | None:
        """Run sops, as whoever has that private key; None where there is no sops, which tests/operate counts."""
        found = subprocess.run([ROOT / "tools" / "find-sops"], capture_output=True, text=True, check=False)
        if found.returncode:
            return None
        self.path = f"{os.path.dirname(found.stdout.strip())}:"  # noqa: PTH120 - of a string
        given = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            **({"SOPS_AGE_KEY": identity(key)} if key else {}),
        }
        return subprocess.run(
            [found.stdout.strip(), "--disable-version-check", *words],
            cwd=self.folder,
            env=given,
            capture_output=True,
            text=True,
            check=False,
        )

    def write_secrets_file(self) -> None:
        """A secrets file of the owner, which n100-1 reads."""
        (self.folder / SECRETS_FILE).parent.mkdir(parents=True)
        (self.folder / SECRETS_FILE).write_text("password: not for everybody\n")
        done = self.sops("encrypt", "--in-place", SECRETS_FILE)
        if done is None:
            (self.folder / SECRETS_FILE).unlink()
        else:
            assert done.returncode == 0, done.stderr

    def secret(self, key: str, *, kept: bool = False) -> str:
        """A secret of the stack file, or of the one that was kept."""
        document: Any = parse(((self.kept if kept else self.folder) / "Pulumi.sim.yaml").read_text())
        assert PASSPHRASE is not None
        vault = Passphrase.of_stack(PASSPHRASE[1], document["encryptionsalt"])
        return vault.decrypt(document["config"][key]["secure"])

    def with_secret(self, key: str, value: str) -> None:
        """Put another secret into the stack file."""
        path = self.folder / "Pulumi.sim.yaml"
        document: Any = parse(path.read_text())
        assert PASSPHRASE is not None
        vault = Passphrase.of_stack(PASSPHRASE[1], document["encryptionsalt"])
        document["config"][key]["secure"] = vault.encrypt(value)
        path.write_text(yaml.safe_dump(document, sort_keys=False, width=4096))

    def run(self, command: str, *, fails: bool = False) -> str:
        """Run a command as it is written; what it printed."""
        passed = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "NIXFLEET_"))}
        passed |= {**self.exported, "PATH": f"{self.path}{passed['PATH']}"}
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.folder,
            env=passed,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_SECONDS,
        )
        assert (done.returncode != 0) == fails, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        return done.stderr if fails else done.stdout

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
    for host in SERVERS:
        shutil.rmtree(checkout.root(host) / DATA)


def expired(checkout: Checkout) -> None:
    """Every server has an administrator's credential that nobody accepts any more."""
    for host in SERVERS:
        (checkout.root(host) / "etc/rancher/k3s/k3s.yaml").write_text(kubeconfig(new_authority()))


def another_deploy_key(checkout: Checkout) -> None:
    """The stack file has keys that no host knows."""
    checkout.with_secret(CLUSTER_KEY, as_secret(new_cluster_keys()))


def full(checkout: Checkout) -> None:
    """A disk has no room left."""
    Rack(checkout.world).fill(checkout.machine("n100-1"), full=True)


def without_host_key(checkout: Checkout) -> None:
    """A host has made itself another host key; its owner has read the fingerprint at its console."""
    ssh = checkout.root("n100-1") / "etc/ssh"
    for path in ssh.glob("ssh_host_ed25519_key*"):
        path.unlink()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ssh / "ssh_host_ed25519_key"], check=True)
    said = subprocess.run(
        ["ssh-keygen", "-lf", ssh / "ssh_host_ed25519_key.pub"], capture_output=True, text=True, check=True
    ).stdout
    checkout.exported = {"SEEN": said.split()[1]}


def new_admin_key(checkout: Checkout) -> None:
    """The owner has made a new key."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada@laptop", "-f", str(checkout.folder / "new")]
    subprocess.run(command, check=True)


def gone_back(checkout: Checkout) -> None:
    """An update did not come up, and its host went back."""
    checkout.edited(lambda fleet: fleet["hosts"]["n100-1"].update(tuning={"zramPercent": 50}))
    checkout.run("make contract")
    checkout.world.inject(Fault(machine="n100-1", step="activate", kind="fail"))
    said = checkout.run("make up", fails=True)
    assert "n100-1: rollback: failed: " in said, said


EDITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "the entry of jetson-1 was removed": lambda fleet: fleet["hosts"].pop("jetson-1"),
    "the entry of n100-1 has a new token": lambda fleet: fleet["hosts"]["n100-1"].update(reinstall="n100-1@again"),
    "the entry of hcloud-2 has another type": lambda fleet: fleet["hosts"]["hcloud-2"].update(serverType="ccx13"),
}
"""What the owner has written into the stack file, by situation. One run does it all."""


def edited_entries(checkout: Checkout) -> None:
    """All of them."""
    for change in EDITS.values():
        checkout.edited(change)


def no_longhorn(checkout: Checkout) -> None:
    """The owner has switched Longhorn off."""
    checkout.edited(lambda fleet: fleet["addons"].update(longhorn={"enabled": False}))


def no_state(checkout: Checkout) -> None:
    """The backend has lost all that it knew of the stack."""
    shutil.rmtree(checkout.folder / ".sim" / "state" / ".pulumi")


def nothing(_checkout: Checkout) -> None:
    """All is well."""


SITUATIONS: dict[str, Callable[[Checkout], None]] = {
    "all is well": nothing,
    "etcd's data is gone on every server": data_lost,
    "hcloud-2 and hcloud-3 are off for good": lambda checkout: checkout.off("hcloud-2", "hcloud-3"),
    "hcloud-1 is gone": gone("hcloud-1"),
    "the administrator's certificate has expired": expired,
    "the stack file has another deploy key than the hosts": another_deploy_key,
    "the disk of n100-1 is full": full,
    "n100-1 has lost its host key": without_host_key,
    "ada has a new key in new.pub": new_admin_key,
    "an update of n100-1 went back": gone_back,
    "Longhorn is switched off": no_longhorn,
    "the state is gone": no_state,
    **dict.fromkeys(EDITS, edited_entries),
}
FEW_ADDONS = {
    "longhorn": {"replicas": 2},
    **{name: {"enabled": False} for name in ("multus", "kyverno", "smokeTest")},
}
FORMATTED = {
    "hcloud-1 is gone": {"hcloud-1": 1},
    **{situation: {"n100-1": 1} for situation in EDITS},
}
"""Which disks are formatted in a situation, and how often: of machines that are new, and with a new token."""


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


def test_a_command_that_stands_in_a_sentence_is_run_too_or_says_why_not() -> None:
    text = BLOCK.sub("", DOCUMENT.read_text())
    said = {words for words in re.findall(r"`([^`]+)`", text) if COMMAND.match(words)}
    run = {command for _, commands in runbooks().values() for command in commands}
    # A command that is named without its words is one of those that are run with them.
    assert {words for words in said if not any(f"{one} ".startswith(f"{words} ") for one in run)} == set(NOT_RUN)


def test_runbooks_of_edited_entries_have_the_same_commands() -> None:
    assert len({tuple(commands) for situation, commands in runbooks().values() if situation in EDITS}) == 1


ONCE = sorted(title for title, (situation, _) in runbooks().items() if situation in EDITS)
"""Runbooks that are run at once."""

TITLES = [title for title, (situation, _) in runbooks().items() if situation and title not in ONCE[1:]]


@pytest.mark.parametrize("title", TITLES)
def test_the_commands_of_a_runbook_do_what_it_says(title: str, kept: Checkout) -> None:
    situation, commands = runbooks()[title]
    kept.put_back()
    formats = formatted(kept)
    assert situation is not None
    SITUATIONS[situation](kept)
    said = [kept.run(command) for command in commands]
    # A new machine is installed, and one with a new token; no other disk is touched.
    new = FORMATTED.get(situation, {})
    assert formatted(kept) == {host: formats[host] + new.get(host, 0) for host in formats}
    assert len(kept.world.names("clusters")) == 1
    if situation in OUTCOMES:
        OUTCOMES[situation](kept, said)


def formatted(checkout: Checkout) -> dict[str, int]:
    """How often each host's disks were formatted."""
    return {host: sum(event.step.startswith("format") for event in checkout.world.events(host)) for host in HOSTS}


def seen_well(checkout: Checkout, _said: list[str]) -> None:
    """Both credentials are the owner's alone, and only one is the administrator's."""
    texts = {}
    for name in ("kubeconfig.yaml", "consumer.yaml"):
        path = checkout.folder / name
        # The runbooks of rotations have no second one.
        if path.exists():
            assert path.stat().st_mode & 0o777 == 0o600
            texts[name] = yaml.safe_load(path.read_text())
    if "consumer.yaml" in texts:
        users = {name: set(text["users"][0]["user"]) for name, text in texts.items()}
        assert users == {"kubeconfig.yaml": {"client-certificate-data", "client-key-data"}, "consumer.yaml": {"token"}}


def has_room(checkout: Checkout, said: list[str]) -> None:
    """The disk is full no more."""
    machine = load(checkout.world, checkout.machine("n100-1"))
    assert (machine is not None and machine.full, "store paths deleted" in said[0]) == (False, True)


def knows_its_key(checkout: Checkout, _said: list[str]) -> None:
    """The host has the key that the stack file has, which alone opens its secrets file."""
    own = HostKeys.model_validate_json(checkout.secret("nixfleet:keys-n100-1"))
    on_disk = (checkout.root("n100-1") / "etc/ssh/ssh_host_ed25519_key").read_text()
    assert on_disk.strip() == own.host_key.strip()
    opened = checkout.sops("decrypt", SECRETS_FILE, key=own.host_key)
    assert opened is None or opened.stdout == "password: not for everybody\n", opened.stderr
    for stranger in (
        new_host_keys().host_key,
        HostKeys.model_validate_json(checkout.secret("nixfleet:keys-n100-1", kept=True)).host_key,
    ):
        refused = checkout.sops("decrypt", SECRETS_FILE, key=stranger)
        assert refused is None or refused.returncode != 0


def has_the_new_admin_key(checkout: Checkout, _said: list[str]) -> None:
    """Every host was told the new key, and nobody the old one."""
    new = (checkout.folder / "new.pub").read_text().strip()
    contract = json.loads((checkout.folder / "nix/fleet/sim.json").read_text())
    assert contract["cluster"]["users"]["ada"]["keys"] == [new]


def undone_edits(checkout: Checkout, _said: list[str]) -> None:
    """One host left with its disk as it is, one is installed anew, and one has another machine type."""
    nodes = checkout.world.read("clusters/sim")["nodes"]
    assert sorted(nodes) == sorted({*HOSTS} - {"jetson-1"})
    servers = checkout.world.read("clouds/hcloud")["objects"]["Server"].values()
    assert {one["name"]: one["serverType"] for one in servers}["hcloud-2"] == "ccx13"


def went_on(_checkout: Checkout, said: list[str]) -> None:
    """Its log tells of the way back, and the next run succeeds."""
    assert "up of sim" in said[-1]


def readable(checkout: Checkout, _said: list[str]) -> None:
    """The keys of the stack file are those of the hosts again."""
    assert checkout.secret(CLUSTER_KEY) == checkout.secret(CLUSTER_KEY, kept=True)


OUTCOMES: dict[str, Callable[[Checkout, list[str]], None]] = {
    "all is well": seen_well,
    "the disk of n100-1 is full": has_room,
    "n100-1 has lost its host key": knows_its_key,
    "ada has a new key in new.pub": has_the_new_admin_key,
    "an update of n100-1 went back": went_on,
    "the stack file has another deploy key than the hosts": readable,
    **dict.fromkeys(EDITS, undone_edits),
}
"""What has to be so afterwards, beside what always has to."""

"""A bench for `python -m hostops`: throwaway keys and contract, simulated machines, no engine."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from fleet.contract.facts import contract, render
from fleet.document import read_fleet
from fleet.keys.pairs import authority_of, deploy_public
from fleet.profiles import load_profiles
from fleet.userdata import user_data
from hostops import runtime
from hostops.task import ROOT
from sim.machines.rack import Disk, MachineSpec, Rack
from sim.racking import rack_records
from sim.session import machines
from sim.throwaway import Ring
from sim.world import Fault, FaultKind, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sim.machines.machine import Machine

RUN_SECONDS = 120
BOARD, SEED = "n100-1", "hcloud-1"
SERVERS = ("hcloud-1", "hcloud-2", "hcloud-3")
PUBLIC = {
    "a-worker": "198.51.100.4",
    "hcloud-1": "198.51.100.1",
    "hcloud-2": "198.51.100.2",
    "hcloud-3": "198.51.100.3",
    "ovh-1": "203.0.113.1",
}
"""Addresses that the clouds would give."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a call of hostops ended."""

    code: int
    out: str
    err: str

    @property
    def phases(self) -> list[str]:
        """Names of the phases that were logged, without the lines of tools."""
        lines = [line.split(": ", 3) for line in self.err.splitlines() if line.startswith("hostops: ")]
        return [line[2] for line in lines if not line[3].startswith("|")]

    @property
    def last(self) -> str:
        """The last line."""
        return self.err.strip().splitlines()[-1]


def call_hostops(
    words: tuple[str, ...], environment: Mapping[str, str], secrets: Mapping[str, str], before: tuple[str, ...] = ()
) -> subprocess.Popen[str]:
    """Start `python -m hostops` with these words, by the command `before` if there is one."""
    process = subprocess.Popen(
        [*before, sys.executable, "-m", "hostops", *words],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(secrets))
    process.stdin.close()
    process.stdin = None
    return process


class Bench:
    """A stack's machines, ready to be worked on."""

    def __init__(self, base: Path, hosts: tuple[str, ...]) -> None:
        self.fleet: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.sim.yaml").read_text())["config"]["nixfleet:fleet"]
        self.fleet["hosts"] = {name: host for name, host in self.fleet["hosts"].items() if name in hosts}
        self.fleet["cluster"]["allowEvenServers"] = True
        self.fleet["addons"] = {name: {"enabled": False} for name in ("longhorn", "multus", "kyverno", "smokeTest")}
        for host in self.fleet["hosts"].values():
            host.pop("storage", None)
            host.pop("volume", None)
        # Short, as a real one is: control sockets lie in it.
        self.ring, self.base, self.temporary = Ring(), base, Path(tempfile.mkdtemp(prefix="hb-"))
        self.more: dict[str, str] = {}
        """Further secrets on stdin."""

        self.world = World(base / "world")
        self.rack = Rack(self.world)
        self.write()

    def write(self) -> None:
        """Write the contract of the fleet as it is now."""
        profiles = load_profiles(ROOT)
        fleet = read_fleet(self.fleet, "Pulumi.sim.yaml", profiles)
        identities = self.ring.identities(tuple(sorted(fleet.hosts)))
        path = self.base / "contracts" / "sim.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(render(contract("sim", fleet, identities, profiles)))

    @contextmanager
    def powered(self) -> Iterator[None]:
        """Have the machines' daemon running, and every board racked with the installer medium in it."""
        self.temporary.mkdir(mode=0o700, exist_ok=True)
        try:
            with machines(self.world.root, self.base / "machines.log"):
                fleet = read_fleet(self.fleet, "Pulumi.sim.yaml", load_profiles(ROOT))
                rack_records(self.rack, fleet, self.ring.hosts, deploy_public(self.ring.cluster))
                yield
        finally:
            shutil.rmtree(self.temporary)

    @property
    def hosts(self) -> dict[str, Any]:
        """The fleet's hosts, as plain data."""
        hosts: dict[str, Any] = self.fleet["hosts"]
        return hosts

    def machine(self, name: str) -> Machine:
        """A host's machine."""
        machine = self.rack.by_name(name)
        assert machine is not None, name
        return machine

    def rack_cloud(self, name: str, *, serial: str = "") -> None:
        """Make a cloud machine for a host, as its provider would."""
        host, keys, ring = self.hosts[name], self.ring.hosts[name], self.ring
        identity = ring.identities((name,)).hosts[name]
        login = deploy_public(ring.cluster)
        self.rack.add(
            MachineSpec(
                id=f"id-{name}{serial}",
                name=name,
                disks=(Disk(serial=serial or f"SIM-{name}", size_gib=host["disk"]["sizeGib"], device="/dev/sda"),),
                medium="cloud-image",
                login_user="ubuntu" if host["kind"] == "ovh-instance" else "root",
                user_data=user_data(
                    bootstrap_private=keys.bootstrap_key, bootstrap_public=identity.bootstrap_key, deploy_key=login
                ),
                authorized_keys=(login,),
                addresses=(PUBLIC[name],),
            )
        )

    def secrets(self, host: str | None) -> dict[str, str]:
        """What stdin has for a host."""
        cluster = self.ring.cluster
        found = {"deployKey": cluster.deploy_key}
        if host in self.hosts:
            keys = self.ring.hosts[host]
            found |= {"hostKey": keys.host_key, "wireguardKey": keys.wireguard_key, "agentToken": cluster.agent_token}
            named = authority_of(cluster)
            if self.hosts[host]["role"] == "server":
                found |= {"serverToken": cluster.server_token, **named}
            elif named:
                found["authority"] = named["authority"]
        return found | self.more

    def environment(self, host: str | None = None, **more: str) -> dict[str, str]:
        """Environment of a call."""
        peers = {name: {"endpoint": PUBLIC[name]} for name in self.hosts if name in PUBLIC}
        return {
            **os.environ,
            "NIXFLEET_SIM": str(self.world.root),
            "NIXFLEET_SSH_CONFIG": str(self.world.root / "ssh_config"),
            "NIXFLEET_CONTRACTS": str(self.base / "contracts"),
            # What a verb leaves behind is seen here.
            "NIXFLEET_RUNTIME": str(self.temporary),
            "PATH": os.pathsep.join([str(ROOT / "sim" / "tools" / "bin"), os.environ["PATH"]]),
            "NIXFLEET_PEERS": json.dumps(peers),
            "NIXFLEET_MACHINE_ID": f"id-{host}",
            "NIXFLEET_CONTACT_SECONDS": "20",
            "NIXFLEET_READY_SECONDS": "60",
            "NIXFLEET_ANSWER_SECONDS": "5",
            **more,
        }

    def private_folders(self) -> list[Path]:
        """Private folders of runs, living and dead."""
        return sorted(self.temporary.glob(f"{runtime.PREFIX}*"))

    def start(
        self, verb: str, host: str | None = None, before: tuple[str, ...] = (), **more: str
    ) -> subprocess.Popen[str]:
        """Start a verb, by the command `before` if there is one."""
        target = ("--host", host) if host else ()
        words = (verb, "--stack", "sim", *target)
        return call_hostops(words, self.environment(host, **more), self.secrets(host), before)

    def run(self, verb: str, host: str | None = None, **more: str) -> Ended:
        """Run a verb to its end."""
        process = self.start(verb, host, (), **more)
        out, err = process.communicate(timeout=RUN_SECONDS)
        for secret in self.secrets(host).values():
            for line in secret.strip().splitlines():
                assert line.startswith("-----") or line not in err
        return Ended(code=process.returncode, out=out, err=err)

    def events(self, step: str, host: str | None = None) -> int:
        """How often something happened in the world."""
        return sum(event.step.startswith(step) and host in (None, event.machine) for event in self.world.events())

    def content(self, name: str) -> str:
        """The stamp of a host's first disk: another one after every format."""
        return self.machine(name).disks[0].content

    def fault(self, host: str, step: str, kind: FaultKind = "fail") -> None:
        """Let a step of a host go wrong once."""
        self.world.inject(Fault(machine=host, step=step, kind=kind))

    def remove(self, host: str) -> dict[str, str]:
        """Take a host's entry out of the fleet; the environment of its leaving."""
        contract = json.loads((self.base / "contracts" / "sim.json").read_text())
        address = PUBLIC.get(host) or contract["hosts"][host]["sshAddress"]
        self.kept = self.hosts.pop(host)
        self.write()
        return {"NIXFLEET_MEMBER": json.dumps(contract["hosts"][host]), "NIXFLEET_ADDRESS": address}

    def change(self, timezone: str) -> None:
        """Give every host another closure."""
        self.fleet["timezone"] = timezone
        self.write()

    def installed(self, *hosts: str) -> None:
        """Install hosts, one after the other."""
        for host in hosts:
            ended = self.run("install", host)
            assert ended.code == 0, ended.err


@contextmanager
def bench(base: Path, *hosts: str) -> Iterator[Bench]:
    """A bench with running machines: boards boot the installer medium, cloud machines are racked as cloud images."""
    made = Bench(base, hosts)
    with made.powered():
        for name in hosts:
            if name in PUBLIC:
                made.rack_cloud(name)
        yield made


class Copies:
    """A bench that was brought somewhere once, and is put back there for every test: links in it are absolute."""

    def __init__(self, base: Path, made: Bench) -> None:
        """Keep the bench as it is now; its machines are off."""
        self._made, self._kept = made, base / "kept"
        self._fleet, self._ring = copy.deepcopy(made.fleet), replace(made.ring, hosts=dict(made.ring.hosts))
        shutil.copytree(made.base, self._kept, symlinks=True)

    @contextmanager
    def one(self) -> Iterator[Bench]:
        """The bench as it was, with running machines."""
        shutil.rmtree(self._made.base)
        shutil.copytree(self._kept, self._made.base, symlinks=True)
        self._made.fleet = copy.deepcopy(self._fleet)
        self._made.ring = replace(self._ring, hosts=dict(self._ring.hosts))
        self._made.more = {}
        with self._made.powered():
            yield self._made


def into_installer(made: Bench, name: str) -> None:
    """Boot the installer medium on a board whose disk holds a system."""
    machine = made.machine(name)
    disk = made.rack.detach_disk(machine.spec.id, machine.disks[0].serial)
    made.rack.reboot(machine.spec.id)
    made.rack.attach_disk(machine.spec.id, disk)


def members(made: Bench) -> dict[str, str]:
    """Ids of etcd's members by name."""
    return {name: member["id"] for name, member in made.world.read("clusters/sim")["members"].items()}


def wait_for(true: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)

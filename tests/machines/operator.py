"""The operator's side: keys, a contract, what each host's system is, and hostops run as it is for real machines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from fleet.contract.facts import contract, render
from fleet.document import read_fleet
from fleet.hosts import Disk
from fleet.layouts import PARTITIONS, label_prefix
from fleet.profiles import load_profiles
from hostops.task import ROOT
from tests.hostops.bench import Ended, call_hostops

if TYPE_CHECKING:
    from sim.throwaway import Ring
    from tests.machines.machine import Machine

HERE = Path(__file__).parent
STACK = "sim"
NIX = "substituters =\nbuild-users-group =\nsandbox = true\nsandbox-paths = /bin /lib /lib64 /usr\nwarn-dirty = false\n"
"""Settings of the real Nix: nothing is downloaded, and a builder finds the shell of this computer."""


class Operator:
    """One stack on real machines."""

    def __init__(self, folder: Path, ring: Ring, *hosts: str) -> None:
        """A contract of these hosts of stack sim."""
        self.folder, self.ring = folder, ring
        self.fleet: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.sim.yaml").read_text())["config"]["nixfleet:fleet"]
        self.fleet["hosts"] = {name: _entry(name) for name in hosts}
        self.fleet["cluster"]["allowEvenServers"] = True
        self.fleet["addons"] = {name: {"enabled": False} for name in ("longhorn", "multus", "kyverno", "smokeTest")}
        self.watchdog_minutes = 15
        """A test that waits for the watchdog takes 1, which is shorter than a stack may say."""

        self.systems: dict[str, dict[str, str]] = {name: {} for name in hosts}
        self._meant: dict[str, dict[str, str]] = {}
        self.more: dict[str, str] = {}
        """Further secrets on stdin, of verbs of the whole stack."""

        self._machines: dict[str, Machine] = {}
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        self.write()

    # What is wanted.

    def write(self) -> None:
        """Write the contract and what the systems are."""
        profiles = load_profiles(ROOT)
        fleet = read_fleet(self.fleet, "Pulumi.sim.yaml", profiles)
        identities = self.ring.identities(tuple(sorted(fleet.hosts)))
        document = json.loads(render(contract(STACK, fleet, identities, profiles)))
        document["cluster"]["watchdogMinutes"] = self.watchdog_minutes
        path = self.folder / "contracts" / f"{STACK}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(document))
        flake = self.folder / "flake"
        shutil.copytree(HERE / "systems", flake, dirs_exist_ok=True)
        (flake / "systems.json").write_text(json.dumps(self.facts(), indent=1, sort_keys=True))

    def facts(self) -> dict[str, dict[str, str]]:
        """What each host's system is, for systems/system.nix."""
        document = json.loads((self.folder / "contracts" / f"{STACK}.json").read_text())
        return {
            f"{STACK}-{name}": {
                "host": name,
                "role": entry["role"],
                "address": entry["address"],
                "device": entry["disk"]["device"],
                "partitions": label_prefix(STACK, name, Disk.model_validate(entry["disk"])),
                "further": " ".join(sorted(PARTITIONS[entry["disk"]["layout"]] - {"esp", "root"})),
                "deployKey": document["cluster"]["deployKey"],
                "k3sVersion": document["cluster"]["k3sVersion"],
                "preflight": (ROOT / "nix/packages/nixfleet-preflight/preflight.sh").read_text(),
                "way": "works",
                "label": "first",
                "kernel": "6.12.1",
                "kernelParams": "",
                "loader": "systemd-boot",
                **self.systems[name],
            }
            for name, entry in document["hosts"].items()
        }

    def want(self, host: str, **system: str) -> str:
        """Let a host's system be another one than all before; its store path.

        `way`, `kernel`, `kernelParams`, `loader`: what only a boot brings stays as it was, unless it is named.
        """
        kept = {name: text for name, text in self.systems[host].items() if name in ("kernel", "kernelParams", "loader")}
        self.systems[host] = {**kept, "label": f"wish {len(self._meant)}", **system}
        self.write()
        path = self.wanted(host)
        self._meant[path] = self.systems[host]
        return path

    def mean(self, host: str, path: str) -> None:
        """Let a host's system be one again that was wanted before."""
        self.systems[host] = self._meant[path]
        self.write()

    def runs(self, host: str, path: str) -> None:
        """Say that the host runs its first system, which nobody asked for here."""
        self._meant[path] = self.systems[host]

    def knows(self, path: str) -> bool:
        """Whether that system was wanted before."""
        return path in self._meant

    def add(self, host: str) -> None:
        """A further host of the stack."""
        self.fleet["hosts"][host] = _entry(host)
        self.systems[host] = {}
        self.write()

    def remove(self, host: str) -> dict[str, str]:
        """Take a host's entry out of the stack; the environment of its leaving."""
        entry = json.loads((self.folder / "contracts" / f"{STACK}.json").read_text())["hosts"][host]
        address = self.address(host)
        del self.fleet["hosts"][host], self.systems[host]
        self.write()
        return {"NIXFLEET_MEMBER": json.dumps(entry), "NIXFLEET_ADDRESS": address}

    def wanted(self, host: str) -> str:
        """Store path of the system that is meant now."""
        place = f"{ROOT}/nix#nixosConfigurations.{STACK}-{host}.config.system.build.toplevel.outPath"
        argv = ["nix", "--extra-experimental-features", "nix-command flakes", "eval", "--raw", place]
        return subprocess.run(argv, env=self.environment(None), capture_output=True, check=True, text=True).stdout

    def build(self, host: str) -> str:
        """Build the system that is meant now, here; its store path."""
        place = f"{ROOT}/nix#nixosConfigurations.{STACK}-{host}.config.system.build.toplevel"
        argv = ["nix", "--extra-experimental-features", "nix-command flakes", "build", "--no-link", place]
        subprocess.run(argv, env=self.environment(None), check=True)
        return self.wanted(host)

    # Where machines are.

    def rack(self, **machines: Machine) -> None:
        """Say which machine answers at a host's address; names with _ for -."""
        self._machines |= {name.replace("_", "-"): machine for name, machine in machines.items()}
        lines = []
        for name, machine in self._machines.items():
            lines += [f"Host {self.address(name)}", "  HostName 127.0.0.1", f"  Port {machine.port}"]
        # Nobody answers for the others, and nothing leaves this computer.
        lines += ["Host *", "  HostName 127.0.0.1", "  Port 9"]
        (self.folder / "ssh_config").write_text("\n".join([*lines, ""]))

    def address(self, host: str) -> str:
        """Where SSH of a host answers."""
        return f"198.51.100.{int(host.rpartition('-')[2])}"

    # Runs.

    def environment(self, host: str | None, **more: str) -> dict[str, str]:
        """Environment of a call."""
        tools = self.folder / "bin"
        for tool in (HERE / "tools").iterdir():
            link = tools / tool.name
            # What stands for a tool is for machines that lack it.
            if not link.exists() and (tool.name == "nix" or shutil.which(tool.name) is None):
                link.symlink_to(tool)
        return {
            **os.environ,
            "NIX_REMOTE": f"local?root={self.folder}/store",
            "NIX_CONFIG": NIX,
            "NIX_SSHOPTS": "",
            "NIXFLEET_MACHINES_NIX": shutil.which("nix") or "",
            "NIXFLEET_MACHINES_FLAKE": str(self.folder / "flake"),
            "NIXFLEET_MACHINES_ROOT": str(ROOT),
            "NIXFLEET_SSH_CONFIG": str(self.folder / "ssh_config"),
            "NIXFLEET_CONTRACTS": str(self.folder / "contracts"),
            "NIXFLEET_PEERS": json.dumps({name: {"endpoint": self.address(name)} for name in self.fleet["hosts"]}),
            "NIXFLEET_MACHINE_ID": f"id-{host}",
            "NIXFLEET_CONTACT_SECONDS": "900",
            "NIXFLEET_READY_SECONDS": "600",
            "NIXFLEET_INSTALL_SECONDS": "1500",
            "NIXFLEET_ANSWER_SECONDS": "300",
            "TMPDIR": str(self.folder),
            "NIXFLEET_RUNTIME": str(self.folder / "run"),
            "PATH": os.pathsep.join([str(tools), os.environ["PATH"]]),
            **more,
        }

    def secrets(self, host: str | None) -> dict[str, str]:
        """What stdin has for a host."""
        cluster = self.ring.cluster
        found = {"deployKey": cluster.deploy_key}
        if host is None:
            return found | {"agentToken": cluster.agent_token, "serverToken": cluster.server_token} | self.more
        if host in self.fleet["hosts"]:
            keys = self.ring.hosts[host]
            found |= {"hostKey": keys.host_key, "wireguardKey": keys.wireguard_key, "agentToken": cluster.agent_token}
            if self.fleet["hosts"][host]["role"] == "server":
                found["serverToken"] = cluster.server_token
        return found

    def start(self, verb: str, host: str | None = None, **more: str) -> Run:
        """Start a verb."""
        words = (verb, "--stack", STACK, *(("--host", host) if host else ()))
        return Run(call_hostops(words, self.environment(host, **more), self.secrets(host)))

    def run(self, verb: str, host: str | None = None, **more: str) -> Ended:
        """Run a verb to its end."""
        return self.start(verb, host, **more).end()


def _entry(host: str) -> dict[str, Any]:
    """A host of stack sim, without what needs a cloud or Longhorn."""
    hosts = yaml.safe_load((ROOT / "Pulumi.sim.yaml").read_text())["config"]["nixfleet:fleet"]["hosts"]
    entry: dict[str, Any] = hosts[host]
    return {name: value for name, value in entry.items() if name not in ("storage", "volume")}


class Run:
    """A verb that runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Its output is kept as it is read."""
        self._process = process
        self._said: list[str] = []

    def until(self, text: str) -> None:
        """Until a line of its journal has that text."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._said.append(line)
            if text in line:
                return
        raise AssertionError(f"it ended without saying {text!r}: {''.join(self._said)}")

    def kill(self) -> None:
        """As the engine does when it is over with it."""
        self._process.kill()
        self.end()

    def end(self) -> Ended:
        """Wait for its end."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._said += self._process.stderr.readlines()
        out = self._process.stdout.read()
        code = self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            stream.close()
        return Ended(code=code, out=out, err="".join(self._said))

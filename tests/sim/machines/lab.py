"""A simulated world under test: a running daemon, a small contract of its own, and ssh with pinned keys."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from sim.machines import hostkeys
from sim.machines.machine import Disk, MachineSpec
from sim.machines.rack import Rack
from sim.world import Json, World

ROOT = Path(__file__).parents[3]
TOOLS = ROOT / "sim/tools/bin"
SERVER_TOKEN, AGENT_TOKEN = "server-secret", "agent-secret"
LIMIT_SECONDS = 60


def user_data(host_key: str) -> str:
    """User data that gives a cloud image its host key."""
    lines = "".join(f"    {line}\n" for line in host_key.splitlines())
    return f"#cloud-config\nssh_keys:\n  ed25519_private: |\n{lines}"


def entry(address: str, role: str = "server", layout: str = "vm-test", device: str = "/dev/sda") -> dict[str, Any]:
    """A contract's entry of a host."""
    return {
        "address": address,
        "arch": "x86_64-linux",
        "disk": {"device": device, "layout": layout, "serial": None, "sizeGib": 80},
        "hardware": "qemu",
        "labelPrefix": f"nf.test.{address}.",
        "labels": {},
        "role": role,
        "storage": False,
    }


class Lab:
    """The world, and what an operator of it has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = World(folder / "world")
        self.rack = Rack(self.world)
        self.key = hostkeys.new_key()
        self.boot_key, self.final_key = hostkeys.new_key(), hostkeys.new_key()
        self.identity = folder / "identity"
        self.identity.write_text(self.key)
        self.identity.chmod(0o600)
        self.flake = folder / "flake"
        self.flake.mkdir()
        self.contract: dict[str, Any] = {
            "stack": "test",
            "cluster": {
                "name": "test",
                "deployKey": hostkeys.public_half(self.key),
                "endpoint": {"kind": "loadBalancer", "name": "api.example.net", "address": None},
                "join": "10.0.0.1",
                "k3sVersion": "v1.35.6+k3s1",
                "mesh": None,
                "seed": "s1",
                "servers": {"s1": "10.0.0.1", "s2": "10.0.0.2", "s3": "10.0.0.3"},
                "users": {},
            },
            "hosts": {
                "s1": entry("10.0.0.1"),
                "s2": entry("10.0.0.2"),
                "s3": entry("10.0.0.3"),
                "a1": entry("10.0.0.4", "agent"),
            },
        }
        self._daemon: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the daemon."""
        argv = [sys.executable, "-m", "sim.machines.daemon", "--world", str(self.world.root)]
        self._daemon = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._daemon.stdout is not None
        assert self._daemon.stdout.readline() == "ready\n"

    def stop(self) -> int:
        """End the daemon as a service manager does; its exit status."""
        assert self._daemon is not None
        assert self._daemon.stdout is not None
        self._daemon.terminate()
        status = self._daemon.wait(LIMIT_SECONDS)
        self._daemon.stdout.close()
        self._daemon = None
        return status

    @property
    def running(self) -> bool:
        """Whether the daemon was started and not stopped."""
        return self._daemon is not None

    def spec(self, name: str, **changes: Json) -> MachineSpec:
        """A machine that boots a cloud image with the boot key, at an address of its own."""
        taken = {address for machine in self.rack.machines() for address in machine.spec.addresses}
        address = next(free for free in (f"203.0.113.{number}" for number in range(1, 255)) if free not in taken)
        values: dict[str, Any] = {
            "id": f"id-{name}",
            "name": name,
            "disks": (Disk(serial=f"disk-{name}", size_gib=80),),
            "medium": "cloud-image",
            "user_data": user_data(self.boot_key),
            "authorized_keys": (hostkeys.public_half(self.key),),
            "addresses": (address,),
        }
        return MachineSpec(**(values | changes))

    def add(self, name: str, **changes: Json) -> MachineSpec:
        """Rack such a machine."""
        spec = self.spec(name, **changes)
        self.rack.add(spec)
        return spec

    def is_installed(self, name: str) -> bool:
        """Whether the host's own system runs, which knows no login of root."""
        machine = self.rack.by_name(name)
        return machine is not None and machine.system == "nixos"

    def ssh_argv(self, name: str, *keys: str, user: str | None = None) -> list[str]:
        """An ssh command line that accepts only these host keys (default: boot and final key)."""
        user = user or ("deploy" if self.is_installed(name) else "root")
        known = self.folder / f"known-{name}-{len(keys)}"
        accepted = keys or (self.boot_key, self.final_key)
        known.write_text("".join(f"{name} {hostkeys.public_half(key)}\n" for key in accepted))
        machine = self.rack.by_name(name)
        assert machine is not None
        options = {
            "BatchMode": "yes",
            "HostKeyAlias": name,
            "IdentitiesOnly": "yes",
            "IdentityFile": str(self.identity),
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(known),
        }
        pinned = [word for option, value in options.items() for word in ("-o", f"{option}={value}")]
        return ["ssh", "-F", str(self.world.root / "ssh_config"), *pinned, f"{user}@{machine.spec.addresses[0]}"]

    def ssh(self, name: str, command: str, *keys: str, user: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command on a machine, as root where no user is named."""
        if user is None and self.is_installed(name):
            command = f"printf %s {shlex.quote(command)} | sudo -n nixfleet-run"
        argv = [*self.ssh_argv(name, *keys, user=user), "--", command]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=LIMIT_SECONDS)

    def ok(self, name: str, command: str) -> str:
        """Run a command that must succeed; its output without the last newline."""
        ended = self.ssh(name, command)
        assert ended.returncode == 0, ended
        return ended.stdout.rstrip("\n")

    def tool(self, host: str, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one of the doubled tools with an ssh first on PATH that is pinned for `host`."""
        contracts = self.folder / "contracts"
        contracts.mkdir(exist_ok=True)
        draft = contracts / f"draft-{host}"
        draft.write_text(json.dumps(self.contract))
        draft.replace(contracts / "test.json")
        shim = self.folder / f"bin-{host}" / "ssh"
        shim.parent.mkdir(exist_ok=True)
        words = " ".join(["/usr/bin/env", f"PATH={os.environ['PATH']}", *self.ssh_argv(host)[:-1]])
        shim.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        shim.chmod(0o755)
        path = [str(shim.parent), str(TOOLS), str(Path(sys.executable).parent), os.environ["PATH"]]
        variables = {"NIXFLEET_SIM": str(self.world.root), "NIXFLEET_CONTRACTS": str(contracts)}
        return subprocess.run(
            argv,
            env={**os.environ, **variables, **environment, "PATH": os.pathsep.join(path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_SECONDS,
        )

    def extra_files(self, *, forms: bool, **secrets: str) -> Path:
        """A folder for --extra-files: the final host key, the tokens, and with `forms` the mark to form a cluster."""
        folder = self.folder / "extra"
        shutil.rmtree(folder, ignore_errors=True)
        for name, text in {
            "etc/ssh/ssh_host_ed25519_key": self.final_key,
            "etc/nixfleet/secrets/server-token": secrets.get("server_token", SERVER_TOKEN),
            "etc/nixfleet/secrets/agent-token": secrets.get("agent_token", AGENT_TOKEN),
        }.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        if forms:
            (folder / "etc/nixfleet/form").touch()
        return folder

    def anywhere(
        self, name: str, phases: str, *, forms: bool = False, **secrets: str
    ) -> subprocess.CompletedProcess[str]:
        """Run phases of nixos-anywhere on a machine."""
        machine = self.rack.by_name(name)
        assert machine is not None
        user = "deploy" if self.is_installed(name) else machine.spec.login_user
        target = f"{user}@{machine.spec.addresses[0]}"
        extra = ("--extra-files", str(self.extra_files(forms=forms, **secrets))) if "install" in phases else ()
        argv = ("nixos-anywhere", "--flake", f"{self.flake}#test-{name}", "-i", str(self.identity))
        return self.tool(name, *argv, "--phases", phases, *extra, "--target-host", target)

    def install(self, name: str, *, forms: bool | None = None, **secrets: str) -> None:
        """Install a racked machine; the seed is asked to form the cluster unless `forms` says no."""
        asked = name == self.contract["cluster"]["seed"] if forms is None else forms
        ended = self.anywhere(name, "kexec,disko,install,reboot", forms=asked, **secrets)
        assert ended.returncode == 0, ended
        self.rack.settle()

    def rebuild(self, name: str) -> str:
        """Bring the contract's system to a host as the next to boot; its store path."""
        machine = self.rack.by_name(name)
        assert machine is not None
        target = f"deploy@{machine.spec.addresses[0]}"
        flake = f"{self.flake}#test-{name}"
        ended = self.tool(name, "nixos-rebuild", "boot", "--flake", flake, "--target-host", target, "--sudo")
        assert ended.returncode == 0, ended
        return ended.stderr.split()[-1]

    def disk(self, name: str) -> Disk:
        """The first disk of a machine as it is now."""
        machine = self.rack.by_name(name)
        assert machine is not None
        return machine.disks[0]

    def formats(self, name: str) -> int:
        """How often disks of a machine were formatted."""
        return len(self.world.events(name, "format"))

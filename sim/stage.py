"""A place where a stack runs on simulated machines: state, the engine's home with the doubles, and the world.

Serves stack `sim` in the checkout, rehearsals and tests alike. Stack files and contracts are given; site.py makes
throwaway ones.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from fleet import stackfile
from fleet.document import read_fleet
from fleet.keys.pairs import CLUSTER_KEY, ClusterKeys, HostKeys, deploy_public, host_config_key
from fleet.profiles import load_profiles
from operate.engine import ROOT, Place
from operate.messages import OperateError
from sim.apart import run_apart
from sim.apis import CLOSED, served
from sim.launch import ADDRESS
from sim.machines.rack import Rack
from sim.passphrase import Passphrase, WrongPassphraseError
from sim.plugins.install import install
from sim.racking import describe_flavors, rack_records
from sim.session import alone, drop_stale_locks, machines
from sim.world import Event, World
from sim.zygote import zygote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from operate.engine import Verb
    from operate.record import Run

TOOLS = ROOT / "sim" / "tools" / "bin"
"""The doubles of nix, nixos-anywhere and nixos-rebuild."""

MEMORY = Path("/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp")  # noqa: S108 - hostops checks whose folder it is

CREDENTIALS = {
    "HCLOUD_TOKEN": "0" * 64,
    "OVH_APPLICATION_KEY": "simulated",
    "OVH_APPLICATION_SECRET": "simulated",
    "OVH_CONSUMER_KEY": "simulated",
}
"""What the providers want to see; nothing outside this machine ever does."""

ENGINE = {
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
    "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
    "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
}
"""Keeps the engine on this machine and to the doubles."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One run, with what it did to the world."""

    run: Run
    events: tuple[Event, ...] = field(repr=False)
    peak_bytes: int
    """The most memory that the program's process had."""

    @property
    def connections(self) -> int:
        """SSH connections that were made to machines."""
        return sum(event.step == "ssh connect" for event in self.events)

    @property
    def commands(self) -> tuple[str, ...]:
        """Commands that the engine ran, as `create NAME` or `update NAME`."""
        return tuple(
            event.step for event in self.events if event.machine == "command" and not event.step.startswith("dial ")
        )


class Stage:
    """Where one stack runs."""

    def __init__(self, *, stack: str, base: Path, folder: Path, contracts: Path, passphrase: str) -> None:
        """`folder` holds Pulumi.yaml and the stack file; `base` holds everything that a run leaves behind."""
        self.stack = stack
        self.base = base
        self.world = World(base / "world")
        self.rack = Rack(self.world)
        # Short, because sockets lie in it, and another one for every world: stacks of one name are worked on at once.
        self._runtime = MEMORY / f"nixfleet-sim-{hashlib.sha256(str(base.absolute()).encode()).hexdigest()[:16]}"
        self._passphrase = passphrase
        self._powered = False
        self._environment = {
            **CREDENTIALS,
            **CLOSED,
            **ENGINE,
            "NIXFLEET_SIM": str(self.world.root),
            "NIXFLEET_SSH_CONFIG": str(self.world.root / "ssh_config"),
            "NIXFLEET_CONTRACTS": str(contracts),
            "NIXFLEET_RUNTIME": str(self._runtime),
            ADDRESS: str(self._runtime / "zygote"),
            "PATH": os.pathsep.join([str(TOOLS), os.environ.get("PATH", "")]),
            "PULUMI_BACKEND_URL": (base / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": passphrase,
            "PULUMI_HOME": str(base / "engine"),
            "XDG_STATE_HOME": str(base / "logs"),
        }
        self.place = Place(stack=stack, folder=folder, environment=self._environment)

    @contextmanager
    def powered(self) -> Iterator[None]:
        """Have the machines running while the block lasts, and the stage for oneself; blocks may be nested."""
        if self._powered:
            yield
            return
        with alone(self.base):
            (self.base / "state").mkdir(exist_ok=True)
            drop_stale_locks(self.base / "state")
            install(self.base / "engine" / "plugins", Path(sys.executable))
            with served(self.world) as endpoints, machines(self.world.root, self.base / "machines.log"):
                self._environment.update(endpoints)
                self._powered = True
                self._runtime.mkdir(mode=0o700, exist_ok=True)
                try:
                    self._rack_records()
                    with zygote(self._runtime / "zygote"):
                        yield
                finally:
                    self._powered = False
                    self._environment.update(CLOSED)
                    shutil.rmtree(self._runtime, ignore_errors=True)

    def _rack_records(self) -> None:
        document: dict[str, Any] = yaml.safe_load(self.place.stack_file.read_bytes())
        config = document["config"]
        fleet = read_fleet(config[stackfile.FLEET_KEY], self.place.stack_file.name, load_profiles(ROOT))
        describe_flavors(self.world, fleet)
        records = [name for name, host in fleet.hosts.items() if not host.created]
        if not records:
            return
        vault = self._vault(document)
        keys = {
            name: HostKeys.model_validate_json(vault.decrypt(config[key]["secure"]))
            for name in records
            if (key := host_config_key(name)) in config
        }
        if missing := sorted(set(records) - set(keys)):
            raise OperateError(
                f"no private keys for {', '.join(missing)} in {self.place.stack_file}: run `make keys "
                f"STACK={self.stack}`"
            )
        cluster = ClusterKeys.model_validate_json(vault.decrypt(config[CLUSTER_KEY]["secure"]))
        rack_records(self.rack, fleet, keys, deploy_public(cluster))

    def _vault(self, document: dict[str, Any]) -> Passphrase:
        try:
            return Passphrase.of_stack(self._passphrase, document["encryptionsalt"])
        except KeyError:
            raise OperateError(f"{self.place.stack_file} holds no keys: run `make keys STACK={self.stack}`") from None
        except WrongPassphraseError:
            raise OperateError(
                f"wrong passphrase: the secrets of stack {self.stack} do not open with PULUMI_CONFIG_PASSPHRASE; "
                f"set the passphrase that `make keys STACK={self.stack}` was run with"
            ) from None

    def run(self, verb: Verb, *, adopting: bool = False) -> Outcome:
        """Run the engine once, in a process of its own."""
        with self.powered():
            before = len(self.world.events())
            done, peak = run_apart(verb, self.place, adopting=adopting)
            return Outcome(run=done, events=self.world.events()[before:], peak_bytes=peak)

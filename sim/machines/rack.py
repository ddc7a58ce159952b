"""The rack: what clouds, tests and tools may do to machines from outside. What happens inside is the daemon's."""

from __future__ import annotations

import fcntl
import json
import shutil
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sim.machines import machine as machines
from sim.machines import systems
from sim.machines.machine import Disk, Machine, MachineSpec

if TYPE_CHECKING:
    from sim.world import Json, World

__all__ = ["Disk", "MachineSpec", "Rack", "SimulatorError"]

SETTLE_SECONDS = 60.0


class SimulatorError(RuntimeError):
    """The simulator itself could not do what it was asked to."""


class Rack:
    """All machines of a world. Without a running daemon changes wait on disk until one starts."""

    def __init__(self, world: World) -> None:
        """The rack of that world."""
        self._world = world

    def add(self, spec: MachineSpec) -> None:
        """Rack a machine and switch it on; returns when it has booted."""
        machines.create(self._world, Machine(spec=spec))
        self._world.record(spec.name, "rack", spec.id)
        self._notify(spec.id)

    def remove(self, machine_id: str) -> None:
        """Take a machine away with all its disks; an absent one is no error."""
        machine = machines.load(self._world, machine_id)
        if machine is None:
            return
        self._world.remove(machines.document_name(machine_id))
        self._world.record(machine.spec.name, "unrack", machine_id)
        self._notify(machine_id)
        shutil.rmtree(machines.folder(self._world, machine_id), ignore_errors=True)

    def power(self, machine_id: str, on: bool) -> None:  # noqa: FBT001 - a switch has two positions
        """Switch a machine on (it boots) or off (hard)."""
        with machines.edit(self._world, machine_id) as machine:
            if on and not machine.power:
                machine.boots_wanted += 1
            machine.power = on
        self._notify(machine_id)

    def rekey(self, machine_id: str, key: str) -> str:
        """Let a machine answer with another host key from its next boot on, which is now; the key that it had."""
        with machines.edit(self._world, machine_id) as machine:
            path = systems.running_root(self._world, machine) / systems.HOST_KEY
            had = path.read_text()
            if machine.system == "installer":
                machine.respec(host_key=key)
            else:
                path.write_text(key)
            machine.boots_wanted += 1
        self._notify(machine_id)
        return had

    def set_clock(self, machine_id: str, seconds: int) -> None:
        """Let a machine's clock be so many seconds ahead; negative: behind. k3s notices when it starts."""
        with machines.edit(self._world, machine_id) as machine:
            machine.clock_seconds = seconds
        self._notify(machine_id)

    def fill(self, machine_id: str, *, full: bool) -> None:
        """Fill a machine's disk to the last byte, or make room again."""
        with machines.edit(self._world, machine_id) as machine:
            machine.full = full
        self._notify(machine_id)

    def reboot(self, machine_id: str) -> None:
        """Press the reset button; returns when the machine has booted again."""
        with machines.edit(self._world, machine_id) as machine:
            machine.boots_wanted += 1
        self._notify(machine_id)

    def get(self, machine_id: str) -> Machine:
        """A machine as it is now; raises LookupError."""
        machine = machines.load(self._world, machine_id)
        if machine is None:
            raise LookupError(f"no machine {machine_id} in the rack; it has {', '.join(machines.ids(self._world))}")
        return machine

    def by_name(self, name: str) -> Machine | None:
        """The machine of that name; None if there is none."""
        return next((machine for machine in self.machines() if machine.spec.name == name), None)

    def machines(self) -> tuple[Machine, ...]:
        """All machines, by id."""
        found = (machines.load(self._world, machine_id) for machine_id in machines.ids(self._world))
        return tuple(machine for machine in found if machine is not None)

    def attach_disk(self, machine_id: str, disk: Disk) -> None:
        """Plug in a further disk."""
        with machines.edit(self._world, machine_id) as machine:
            if any(old.serial == disk.serial for old in machine.disks):
                raise ValueError(f"machine {machine_id} has a disk {disk.serial} already; detach it first")
            machine.respec(disks=(*machine.disks, disk))
        self._notify(machine_id)

    def detach_disk(self, machine_id: str, serial: str) -> Disk:
        """Unplug a disk; it comes back as it is now, to be attached elsewhere."""
        with machines.edit(self._world, machine_id) as machine:
            disk = machine.disk(serial)
            machine.respec(disks=tuple(old for old in machine.disks if old.serial != serial))
        self._notify(machine_id)
        return disk

    def resize_disk(self, machine_id: str, serial: str, size_gib: int) -> None:
        """Change a disk's size, as clouds do."""
        with machines.edit(self._world, machine_id) as machine:
            machine.replace_disk(replace(machine.disk(serial), size_gib=size_gib))
        self._notify(machine_id)

    def set_addresses(self, machine_id: str, addresses: tuple[str, ...]) -> None:
        """Let a machine answer at these addresses and at no others."""
        with machines.edit(self._world, machine_id) as machine:
            machine.respec(addresses=addresses)
        self._notify(machine_id)

    def rename(self, machine_id: str, name: str) -> None:
        """Change the name that the cloud knows; the running system keeps its own."""
        with machines.edit(self._world, machine_id) as machine:
            machine.respec(name=name)
        self._notify(machine_id)

    def elapse(self, machine_id: str, seconds: float) -> None:
        """Let a machine's timers see that much time pass; returns when what they started has ended."""
        self._ask("elapse", machine_id, seconds)

    def settle(self) -> None:
        """Wait until nothing moves: no boot, no unit and no command is under way."""
        self._ask("settle")

    def _notify(self, machine_id: str) -> None:
        if running(self._world):
            self._ask("reconcile", machine_id)

    def _ask(self, verb: str, *arguments: Json) -> None:
        answer = ask(self._world, verb, *arguments)
        if answer.get("error"):
            raise SimulatorError(answer["error"])


def running(world: World) -> bool:
    """Whether the world's daemon runs: it holds this lock for as long as it lives."""
    with (world.root / ".daemon").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def ask(world: World, verb: str, *arguments: Json) -> dict[str, Any]:
    """Send the daemon one request and wait for its answer; raises SimulatorError without a daemon."""
    where = world.read("daemon")
    try:
        with socket.create_connection(("127.0.0.1", where["port"]), timeout=SETTLE_SECONDS) as connection:
            fields = [where["secret"], verb, json.dumps(arguments)]
            connection.sendall(f"{len(fields)}\n".encode() + b"".join(f"{text}\0".encode() for text in fields))
            with connection.makefile("rb") as stream:
                answer: dict[str, Any] = json.loads(stream.read() or b"{}")
                return answer
    except (KeyError, OSError) as error:
        raise SimulatorError(
            f"simulator {world.root}: no answer to `{verb}` ({error!r}); "
            "start its daemon: python -m sim.machines.daemon --world ROOT"
        ) from error

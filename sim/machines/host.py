"""One running machine inside the daemon: its power, its processes, its SSH door and its k3s."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.machines import machine as machines
from sim.machines import systems
from sim.machines.closure import Closure, outside
from sim.machines.door import Door
from sim.machines.loader import default_boot
from sim.machines.machine import Unit
from sim.machines.service import DATA, FORM, RELEASED, TOMBSTONE, Service
from sim.machines.site import SH, Session, Streams
from sim.machines.units import Units

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sim.machines.machine import Machine
    from sim.machines.site import Site

SEED = Path(__file__).parents[2] / "nix/modules/k3s/seed.sh"
"""What the seed's unit runs before k3s: the real script."""

RESTART_SECONDS = 10
"""systemd's pause before it starts k3s again (nix/modules/k3s/unit.nix)."""


class Host:
    """A machine that the daemon looks after."""

    def __init__(self, site: Site[Host], machine: Machine) -> None:
        """A machine that is down, with a port of its own."""
        self.site = site
        self.id = machine.spec.id
        self.name = machine.spec.name
        self.login_user = machine.spec.login_user
        self.addresses = machine.spec.addresses
        self.system: machines.System = "none"
        self.root: Path = systems.ram(site.world, machine)
        self.door = Door(self)
        self.units = Units(self)
        self.clock_seconds = 0
        self.full = False
        self.boots = -1
        """The boot that it is up from; -1: down."""

        self._processes: set[asyncio.subprocess.Process] = set()
        self._seeding: asyncio.Task[None] | None = None

    def load(self) -> Machine:
        """The machine's document now; raises LookupError once it was taken out of the rack."""
        machine = machines.load(self.site.world, self.id)
        if machine is None:
            raise LookupError(f"machine {self.name} ({self.id}) is no longer in the rack")
        return machine

    async def follow(self, machine: Machine) -> None:
        """Make the running machine what its document says."""
        self.name, self.login_user = machine.spec.name, machine.spec.login_user
        self.addresses = machine.spec.addresses
        self.clock_seconds, self.full = machine.clock_seconds, machine.full
        if not machine.power:
            await self.down()
        elif self.boots != machine.boots_wanted:
            await self.down()
            if machine.boots_done != machine.boots_wanted:
                machine = self._boot()
            await self._up(machine)
        elif self.boots >= 0 and machine.system != "none":
            systems.lay_devices(self.root, machine)
        if self.boots >= 0 and machine.system != "none":
            systems.lay_troubles(self.root, machine)

    def _boot(self) -> Machine:
        fault = self.site.world.fault(self.name, "boot")
        with machines.edit(self.site.world, self.id) as machine:
            systems.boot(self.site.world, machine, self.site.shims)
            if fault:
                machine.system = "none"
        self.site.world.record(self.name, "boot", machine.system)
        return machine

    async def _up(self, machine: Machine) -> None:
        self.boots, self.system = machine.boots_done, machine.system
        self.root = systems.running_root(self.site.world, machine)
        if self.system == "none":
            return
        await self.open_door()
        if self.system == "nixos":
            self.start_k3s()
        self.units.resume(machine.units)
        if self.system == "nixos" and not machine.units:
            self._start_trial()

    async def open_door(self) -> None:
        """Start sshd with the key that lies on the disk."""
        await self.door.open((self.root / systems.HOST_KEY).read_text())

    def _start_trial(self) -> None:
        """nixfleet-trial.service, which every system has: run the guard that lies on the disk, if one does."""
        guard = self.root / "var/lib/nixfleet/trial"
        if guard.exists():
            self.units.start("nixfleet-trial.service", Unit(argv=(SH, str(guard)), service_type="oneshot"))

    def suspend(self) -> None:
        """Stop everything that runs here, and write nothing about it."""
        self.units.halt()
        self.door.close()
        if self._seeding is not None:
            self._seeding.cancel()
        for process in tuple(self._processes):
            _kill(process)

    async def down(self) -> None:
        """Lose power: every process and connection ends at once."""
        self.boots, self.system = -1, "none"
        self.suspend()
        self.stop_k3s()
        self.site.sessions = {token: s for token, s in self.site.sessions.items() if s.host is not self}

    def journal(self, unit: str) -> Path:
        """Log of a unit of this boot."""
        path = self.root / "run/journal" / unit
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def cut_power(self, *, back: bool) -> None:
        """Note that the machine lost its power, and whether it is back; it follows when its document is looked at."""
        with machines.edit(self.site.world, self.id) as machine:
            machine.power = back
            if back:
                machine.boots_wanted += 1

    def request_boot(self) -> None:
        """Boot again as soon as whoever asked has got the answer."""
        with machines.edit(self.site.world, self.id) as machine:
            machine.boots_wanted += 1

    def current_system(self) -> Closure:
        """The system that is activated."""
        return Closure.read(self.root, outside(self.root, (self.root / "run/current-system").readlink()))

    def boot_default(self) -> str | None:
        """Store path of what boots next."""
        return default_boot(self.root)

    def start_k3s(self) -> None:
        """Start k3s as the current system has it; on a seed, what its unit runs before comes first.

        Not where the unit's conditions are not met, as on a host that has left its cluster.
        """
        self.stop_k3s()
        if (self.root / RELEASED).exists():
            return
        service = Service(machine=self.id, root=self.root, closure=self.current_system(), clock=self.clock_seconds)
        if service.server and (self.root / TOMBSTONE).exists():
            return
        # With data and without a mark that script does nothing.
        service.waiting = service.seed and (service.new or self._asked_to_form)
        self.site.kube.start(service)
        self.site.kube.settle()
        if service.waiting:
            self._seeding = asyncio.create_task(self._seed(service))

    def stop_k3s(self) -> None:
        """Stop k3s, or what its unit runs before it."""
        if self._seeding is not None:
            self._seeding.cancel()
        self.site.kube.stop(self.id)

    @property
    def _asked_to_form(self) -> bool:
        return (self.root / FORM).exists()

    async def _seed(self, service: Service) -> None:
        """Run the seed's own script as k3s' unit does, again and again until it lets k3s start."""
        # With the mark it ends soon; without, it may wait for other servers for as long as those are away.
        async with self.site.moving() if self._asked_to_form else nullcontext():
            ended = await self._seed_script(service, "before")
            while ended != 0:
                await asyncio.sleep(RESTART_SECONDS)
                ended = await self._seed_script(service, "before")
            service.waiting = False
            self.site.kube.settle()
            if service.state == "active":
                await self._seed_script(service, "after")

    async def _seed_script(self, service: Service, when: str) -> int:
        peers = {name: at for name, at in service.closure.cluster.get("servers", {}).items() if name != service.host}
        environment = {"SEED_DATA": f"/{DATA}", "SEED_PEERS": " ".join(peers.values()), "SEED_SECONDS": "600"}
        nothing = asyncio.subprocess.DEVNULL
        with self.journal("k3s.service").open("ab") as journal:
            streams = Streams(stdin=nothing, stdout=journal.fileno(), stderr=journal.fileno())
            text = f"set -o errexit -o nounset -o pipefail\n{SEED.read_text()}"
            session = Session(host=self, user="root", connection=None)
            process = await self.spawn(("bash", "-c", text, "nixfleet-seed", when), session, environment, streams)
        try:
            return await process.wait()
        finally:
            _kill(process)
            self._processes.discard(process)
            session.ended.set()

    async def spawn(
        self, argv: tuple[str, ...], session: Session[Any], environment: Mapping[str, str], streams: Streams
    ) -> asyncio.subprocess.Process:
        """Start a process of this machine; it is killed when the machine goes down."""
        token = self.site.open_session(session)
        variables = self._environment(session.user, token) | dict(environment)
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=self._home(variables["HOME"]),
            env=variables,
            start_new_session=True,
            stdin=streams.stdin,
            stdout=streams.stdout,
            stderr=streams.stderr,
        )
        self._processes.add(process)
        return process

    async def finished(self, process: asyncio.subprocess.Process) -> int:
        """Wait for a process; its exit status as a shell tells it."""
        status = await process.wait()
        self._processes.discard(process)
        self.site.kube.look_again(self.id)
        return status if status >= 0 else 128 - status

    def _home(self, home: str) -> Path:
        return Path(home) if Path(home).is_dir() else self.root

    def _environment(self, user: str, token: str) -> dict[str, str]:
        home = "/root" if user == "root" else f"/home/{user}"
        return {
            "HOME": f"{self.root}{home}",
            "LANG": "C",
            "LOGNAME": user,
            "NIXFLEET_ROOT": str(self.root),
            "PATH": f"{self.site.shims / self.system}:{self.site.path}",
            "SHELL": SH,
            "SIM_PORT": str(self.site.port),
            "SIM_TOKEN": token,
            "SIM_USER": user,
            "USER": user,
        }


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)

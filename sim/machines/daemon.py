"""`python -m sim.machines.daemon --world ROOT`: runs a world's machines until SIGTERM; a line says it is ready."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import IO

from sim.machines import machine as machines
from sim.machines import shims
from sim.machines.control import Control, Verb
from sim.machines.door import LOOPBACK
from sim.machines.host import Host
from sim.machines.kube import Kube
from sim.machines.site import Site
from sim.world import World

READY = "ready"
NOBODY = 1
"""A port that nothing listens on (tcpmux, abandoned)."""

TOOLS = Path(__file__).parent.parent / "tools" / "bin"


class Daemon:
    """Follows the rack: what the machines' documents say, the machines do."""

    def __init__(self, world: World) -> None:
        """A daemon for that world; nothing runs until `open`."""
        self._world = world
        # The machines have commands of their own, not the operator's doubles.
        path = os.pathsep.join(p for p in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(p) != TOOLS)
        self._site: Site[Host] = Site(world=world, shims=world.root / "shims", path=path, kube=Kube(world))
        verbs: dict[str, Verb] = {"reconcile": self._reconcile, "elapse": self._elapse, "settle": self._site.settled}
        self._control = Control(self._site, verbs, self._reconcile)
        self._turns: dict[str, asyncio.Lock] = {}

    async def open(self) -> None:
        """Start what is racked and switched on, as it was."""
        shims.lay(self._site.shims)
        await self._control.open()
        for machine_id in machines.ids(self._world):
            await self._reconcile(machine_id)
        self._write_ssh_config()

    def close(self) -> None:
        """Stop everything; the machines stay in their documents as they are."""
        self._control.close()
        for host in self._site.hosts.values():
            host.suspend()
            host.door.dispose()

    async def _reconcile(self, machine_id: str) -> None:
        async with self._turns.setdefault(machine_id, asyncio.Lock()), self._site.moving():
            machine = machines.load(self._world, machine_id)
            host = self._site.hosts.get(machine_id)
            if machine is None:
                await self._drop(host)
                return
            if host is None:
                host = self._site.hosts[machine_id] = Host(self._site, machine)
            await host.follow(machine)
            self._write_ssh_config()

    async def _drop(self, host: Host | None) -> None:
        if host is not None:
            await host.down()
            host.door.dispose()
            del self._site.hosts[host.id]
            self._write_ssh_config()

    async def _elapse(self, machine_id: str, seconds: float) -> None:
        if machine_id not in self._site.hosts:
            raise LookupError(f"no machine {machine_id} in the rack")
        self._site.hosts[machine_id].units.elapse(seconds)
        await self._site.settled()

    def _write_ssh_config(self) -> None:
        """Where each address really is. No option about keys: checking them is the program's own matter."""
        lines = ["# Written by the simulator: addresses of simulated machines."]
        for host in self._site.hosts.values():
            for address in host.addresses:
                lines += [f"Host {address}", f"  HostName {LOOPBACK}", f"  Port {host.door.port}"]
        # Any other address is refused on this computer: the simulator sends nothing to the outside.
        lines += ["Host *", f"  HostName {LOOPBACK}", f"  Port {NOBODY}"]
        text, path = "\n".join(lines) + "\n", self._world.root / "ssh_config"
        if not path.exists() or path.read_text() != text:
            draft = path.with_suffix(".draft")
            draft.write_text(text)
            draft.replace(path)


async def _run(world: World, *, attached: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if attached:
        # Nothing is ever written there: it becomes readable when the other side is gone, however it ended.
        loop.add_reader(sys.stdin.fileno(), stop.set)
    daemon = Daemon(world)
    await daemon.open()
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    await stop.wait()
    daemon.close()


def _sole(world: World) -> IO[str]:
    """Hold the world's daemon lock; exits if another daemon has it."""
    handle = (world.root / ".daemon").open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"simulator {world.root}: another daemon runs this world; stop it first, or use another folder")
    return handle


def main() -> None:
    """Run until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m sim.machines.daemon", description=__doc__)
    parser.add_argument("--world", type=Path, required=True, help="folder of the simulated world")
    parser.add_argument(
        "--attached", action="store_true", help="stop when stdin ends, hence with the process that holds it"
    )
    options = parser.parse_args()
    world = World(options.world)
    if shutil.which("bash") is None:
        sys.exit("simulator: bash is not on PATH; simulated commands need it; install it")
    with _sole(world):
        asyncio.run(_run(world, attached=options.attached))


if __name__ == "__main__":
    main()

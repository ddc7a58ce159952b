"""Starting points: machines that were brought somewhere once, kept in the cache, and start there in a second or two."""

from __future__ import annotations

import fcntl
import json
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fleet.keys import pairs
from sim.throwaway import Ring
from tests.machines import qemu
from tests.machines.machine import Machine
from tests.machines.medium import HERE, cache, digest, medium
from tests.machines.operator import Operator
from tests.machines.qemu import Disk, Hardware

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hostops.bench import Ended

Point = Literal["installer", "installed"]
"""`installer`: booted from the medium with the bootstrap key, as a board with our stick, the disk blank.
`installed`: by hostops, booted from its disk, its node Ready."""

SERVER = "hcloud-1"
SERIAL = "MAIN"
HARDWARE = Hardware(disks=(Disk(serial=SERIAL, gib=80),))


class Site:
    """One host of a stack: its machine, and the operator who works on it."""

    def __init__(self, machine: Machine, operator: Operator, host: str = SERVER) -> None:
        self.machine, self.operator, self.host = machine, operator, host
        operator.rack(**{host.replace("-", "_"): machine})

    def run(self, verb: str, **more: str) -> Ended:
        """Run a verb of this host to its end."""
        return self.operator.run(verb, self.host, **more)


class Points:
    """The starting points of this computer; made where they are missing, by one process at a time."""

    def __init__(self) -> None:
        """Find or make the medium, and find out what machines run with."""
        with _alone(cache() / "medium.lock"):
            self.medium = medium()
            verdict = self.medium / "accelerator"
            if not verdict.exists():
                verdict.write_text(qemu.accelerator(self.medium / "vmlinuz"))
            self.accel = verdict.read_text()
        self.ring = _ring(cache() / "ring.json")

    @contextmanager
    def at(self, name: Point) -> Iterator[Site]:
        """A machine at a starting point; it is off afterwards, and all that it wrote is gone."""
        folder = self._made(name)
        with self._site() as site:
            site.machine.make_disks(folder)
            site.machine.start(folder / "memory")
            site.machine.set_clock(int(time.time()))
            yield site

    @contextmanager
    def cold(self, hardware: Hardware = HARDWARE) -> Iterator[Site]:
        """A machine that has just booted our medium, its disks blank."""
        with self._site(hardware) as site:
            site.machine.make_disks()
            site.machine.start()
            site.machine.await_up()
            let_in(site)
            yield site

    @contextmanager
    def further(self, operator: Operator, host: str) -> Iterator[Site]:
        """A machine of a further host of that operator, booted from the medium, its disk blank."""
        folder = self._made("installer")
        operator.add(host)
        with _temporary() as place:
            machine = Machine(place / "m", self.medium / "medium.img", self.accel, HARDWARE)
            try:
                machine.make_disks(folder)
                machine.start(folder / "memory")
                machine.set_clock(int(time.time()))
                site = Site(machine, operator, host)
                let_in(site)
                yield site
            finally:
                machine.cut_power()

    def _made(self, name: Point) -> Path:
        folder = cache() / f"{name}-{self._digest(name)}"
        with _alone(cache() / f"{name}.lock"):
            if not folder.exists():
                {"installer": self._make_installer, "installed": self._make_installed}[name](folder)
        return folder

    def _digest(self, name: Point) -> str:
        """What goes into a starting point; the keys are the same for all."""
        words = (self.medium.name, self.accel, repr(HARDWARE))
        if name == "installer":
            return digest(words=words)
        with _temporary() as folder:
            facts = Operator(folder, self.ring, SERVER).facts()
        return digest(HERE / "systems", HERE / "tools", words=(*words, json.dumps(facts, sort_keys=True)))

    def _make_installer(self, folder: Path) -> None:
        with self.cold() as site:
            site.machine.save(folder)

    def _make_installed(self, folder: Path) -> None:
        with self.at("installer") as site:
            ended = site.operator.run("install", site.host)
            assert ended.code == 0, ended.err
            site.machine.await_up()
            site.machine.save(folder)

    @contextmanager
    def _site(self, hardware: Hardware = HARDWARE) -> Iterator[Site]:
        with _temporary() as folder:
            machine = Machine(folder / "m", self.medium / "medium.img", self.accel, hardware)
            try:
                yield Site(machine, Operator(folder / "o", self.ring, SERVER))
            finally:
                machine.cut_power()


@contextmanager
def _temporary() -> Iterator[Path]:
    """A folder with a short path: sockets lie in it."""
    folder = Path(tempfile.mkdtemp(prefix="fm-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _ring(path: Path) -> Ring:
    """The keys that the machines of all starting points know, made once."""
    with _alone(path.with_suffix(".lock")):
        if not path.exists():
            ring = Ring()
            ring.identities((SERVER,))
            document = {
                "cluster": ring.cluster.model_dump(mode="json"),
                "hosts": {name: host.model_dump(mode="json") for name, host in ring.hosts.items()},
            }
            path.write_text(json.dumps(document))
    document = json.loads(path.read_text())
    return Ring(
        cluster=pairs.ClusterKeys.model_validate(document["cluster"]),
        hosts={name: pairs.HostKeys.model_validate(host) for name, host in document["hosts"].items()},
    )


def let_in(site: Site) -> None:
    """Give the running system the host's bootstrap key, and let the operator in."""
    ring, machine = site.operator.ring, site.machine
    machine.put("/root/.ssh/authorized_keys", pairs.deploy_public(ring.cluster))
    machine.put("/etc/ssh/ssh_host_ed25519_key", ring.hosts[site.host].bootstrap_key)
    machine.tell("ssh-keygen -y -f /etc/ssh/ssh_host_ed25519_key >/etc/ssh/ssh_host_ed25519_key.pub")
    machine.tell("systemctl restart sshd")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

"""A machine's own document: hardware, power, what it runs. The files of its systems are in systems.py."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sim.world import Json, World

Medium = Literal["cloud-image", "installer", "blank"]
"""What the machine starts from while nothing is installed: its cloud image, our installer's stick, or nothing."""

System = Literal["none", "cloud-image", "installer", "nixos"]
"""What runs. `installer` is the same system from a stick and after kexec."""


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A disk as the firmware sees it."""

    serial: str
    size_gib: int
    device: str = "/dev/sda"
    by_id: str | None = None
    """Its name below `/dev/disk/by-id`; None: no such link."""

    by_path: str | None = None
    """Its name below `/dev/disk/by-path`; None: no such link."""

    file_system: str = ""
    """Of the whole disk, where it has no partitions."""

    partition_labels: tuple[str, ...] = ()
    """Labels of the partitions, in order; empty: no partition table."""

    partition_types: tuple[str, ...] = ()
    """Their file systems, as far as known."""

    partition_mounts: tuple[str, ...] = ()
    """Where the system on this disk mounts them, as far as known."""

    content: str = "blank"
    """Stamp of what is on it: a new one with every format, so a test sees that a disk was formatted."""


PARTITION_FIELDS = ("partition_labels", "partition_types", "partition_mounts")


@dataclass(frozen=True, kw_only=True)
class MachineSpec:
    """A machine as it is racked."""

    id: str
    """Its identity: a cloud's id or a serial number; another id is another machine."""

    name: str
    arch: str = "x86_64-linux"
    firmware: str = "uefi"
    cpus: int = 4
    memory_gib: float = 8
    disks: tuple[Disk, ...]
    medium: Medium
    login_user: str = "root"
    user_data: str | None = None
    """cloud-init's user data, for the medium `cloud-image`."""

    authorized_keys: tuple[str, ...] = ()
    """Public keys that the cloud image or the installer medium lets in."""

    host_key: str | None = None
    """Private SSH host key (OpenSSH PEM) of the installer medium; None: it makes a random one with every boot."""

    addresses: tuple[str, ...]
    """Where it answers."""


@dataclass(kw_only=True)
class Unit:
    """A transient unit of systemd."""

    argv: tuple[str, ...]
    user_env: dict[str, str] = field(default_factory=dict)
    service_type: str = "simple"
    remain_after_exit: bool = False
    collect: bool = False
    stop_seconds: float = 90
    """`TimeoutStopSec`: how long a stop waits before it kills; systemd's default."""

    description: str = ""
    active: str = "active"
    sub: str = "running"
    result: str = "success"
    status: int = 0
    """Exit status of the main process, `ExecMainStatus`."""

    due: float | None = None
    """For a timer: when it starts its service, in seconds since 1970."""


@dataclass(kw_only=True)
class Machine:
    """The whole document of a machine."""

    spec: MachineSpec
    power: bool = True
    clock_seconds: int = 0
    """How far its clock is ahead of the right time; negative: behind."""

    full: bool = False
    """Whether its disk has no room for another byte; memory has, and with it /run."""

    boots_wanted: int = 1
    """Counts the boots that were asked for; the daemon boots until `boots_done` is the same."""

    boots_done: int = 0
    kexec_keys: dict[str, str] | None = None
    """After kexec: host key and authorized keys that the next boot's installer carries over."""

    system: System = "none"
    system_disk: str | None = None
    """Serial of the disk that the running system is on; None: in memory."""

    boot_id: str = ""
    mounts: dict[str, str] = field(default_factory=dict)
    """Where partitions are mounted, by device."""

    cloud_init_done: str = ""
    """Content stamp of the disk that cloud-init has configured: it does so once."""

    units: dict[str, Unit] = field(default_factory=dict)

    @property
    def disks(self) -> tuple[Disk, ...]:
        """The disks it has now."""
        return self.spec.disks

    def disk(self, serial: str) -> Disk:
        """The disk with that serial; raises LookupError."""
        for disk in self.disks:
            if disk.serial == serial:
                return disk
        raise LookupError(f"machine {self.spec.name} has no disk with serial {serial}; it has {self.disks}")

    def replace_disk(self, disk: Disk) -> None:
        """Put `disk` where the one with its serial was."""
        disks = tuple(disk if old.serial == disk.serial else old for old in self.disks)
        self.respec(disks=disks)

    def respec(self, **changes: Json) -> None:
        """Change fields of the hardware."""
        self.spec = replace(self.spec, **changes)


def document_name(machine_id: str) -> str:
    """The machine's document in the world."""
    return f"machines/{machine_id}/machine"


def folder(world: World, machine_id: str) -> Path:
    """Where the machine's files are."""
    return world.root / "machines" / machine_id


def parse(document: dict[str, Any]) -> Machine:
    """A machine from its document."""
    spec = dict(document["spec"])
    spec["disks"] = tuple(
        Disk(**{**disk, **{name: tuple(disk[name]) for name in PARTITION_FIELDS}}) for disk in spec["disks"]
    )
    for name in ("authorized_keys", "addresses"):
        spec[name] = tuple(spec[name])
    units = {name: Unit(**{**unit, "argv": tuple(unit["argv"])}) for name, unit in document["units"].items()}
    return Machine(**{**document, "spec": MachineSpec(**spec), "units": units})


def load(world: World, machine_id: str) -> Machine | None:
    """The machine as it is now; None if there is none."""
    document = world.read(document_name(machine_id))
    return parse(document) if document else None


def create(world: World, machine: Machine) -> None:
    """Put a new machine into the world; raises ValueError if its id is taken."""
    with world.edit(document_name(machine.spec.id)) as document:
        if document:
            raise ValueError(f"machine {machine.spec.id} is in the rack already; remove it first")
        document.update(asdict(machine))


@contextmanager
def edit(world: World, machine_id: str) -> Iterator[Machine]:
    """Change a machine under its lock; raises LookupError if there is none."""
    with world.edit(document_name(machine_id)) as document:
        if not document:
            raise LookupError(f"no machine {machine_id} in the rack; it has {', '.join(ids(world)) or 'none'}")
        machine = parse(document)
        yield machine
        document.update(asdict(machine))


def ids(world: World) -> tuple[str, ...]:
    """Identities of all machines, sorted."""
    return tuple(sorted(path.parent.name for path in (world.root / "machines").glob("*/machine.json")))

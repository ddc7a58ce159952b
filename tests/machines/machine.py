"""A machine under QEMU, in the words of a test: start, cut the power, press reset, cut the network, plug a disk."""

from __future__ import annotations

import shlex
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING

from tests.machines import qemu
from tests.machines.monitor import Channel, Gone, Listener, Monitor, Said, Silent

if TYPE_CHECKING:
    from pathlib import Path

    from tests.machines.qemu import Disk, Hardware


class Machine:
    """One machine; its disks, firmware variables and console lie in a folder of its own."""

    def __init__(self, folder: Path, medium: Path, accel: str, hardware: Hardware) -> None:
        """A machine that is off, with blank disks; the folder's path must be short, as sockets lie in it."""
        self.folder, self.hardware = folder, hardware
        self._medium, self._accel = medium, accel
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        folder.mkdir(exist_ok=True)

    # What it is made of.

    def make_disks(self, start: Path | None = None) -> None:
        """Blank disks and variables, or what a starting point left on them."""
        code = start / "variables.qcow2" if start else None
        _overlay(self.folder / "variables.qcow2", code or qemu.FIRMWARE / "OVMF_VARS_4M.fd", "qcow2" if code else "raw")
        for disk in self.hardware.disks:
            self.make_disk(disk, start)

    def make_disk(self, disk: Disk, start: Path | None = None) -> None:
        """One disk."""
        base = qemu.image(disk, start) if start else None
        _overlay(qemu.image(disk, self.folder), base, "qcow2", gib=disk.gib)

    # Power.

    def start(self, state: Path | None = None) -> None:
        """Switch it on; with `state` it goes on where it was when that was saved."""
        if self.on:
            raise RuntimeError("the machine is on; cut its power first")
        listeners = [Listener(self.folder / name) for name in ("qmp", "driver")]
        argv = qemu.command(
            self.hardware, self.folder, self._medium, accel=self._accel, port=self.port, resumes=state is not None
        )
        with (self.folder / "qemu.log").open("ab") as log:
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self.channel, self.monitor = Channel(listeners[1].accept()), Monitor(listeners[0].accept())
        except (TimeoutError, Gone, Silent):
            self.cut_power()
            raise RuntimeError(f"QEMU did not start: {(self.folder / 'qemu.log').read_text()[-2000:]}") from None
        if state is not None:
            self._watch_migrations()
            self.monitor.do("migrate-incoming", uri=f"exec:cat {state}")
            self.monitor.wait_for("MIGRATION", status="completed")
            self.monitor.do("cont")

    @property
    def on(self) -> bool:
        """Whether it has power."""
        return self._process is not None

    def cut_power(self) -> None:
        """At once: what was not on the disk is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            for way in ("channel", "monitor"):
                if hasattr(self, way):
                    getattr(self, way).close()
                    delattr(self, way)

    def press_reset(self) -> None:
        """As the button does."""
        self.monitor.forget_events()
        self.monitor.do("system_reset")

    def forget_boots(self) -> None:
        """Those until now; `await_boot` waits for a later one."""
        self.monitor.forget_events()

    def await_boot(self) -> None:
        """Until the next boot has begun: after a reboot by the guest, or a reset."""
        self.monitor.wait_for("RESET")

    def await_off(self) -> None:
        """Until the guest has switched itself off; it can be started again then."""
        self.monitor.wait_for("SHUTDOWN")
        self.cut_power()

    # What it does.

    def run(self, script: str) -> Said:
        """Run a script as root, without network or SSH; waits until the machine is up."""
        try:
            return self.channel.run(script)
        except Silent as error:
            console = (self.folder / "console.log").read_text(errors="replace")[-3000:]
            raise AssertionError(f"{script}: {error}; its console: {console}") from None

    def tell(self, script: str) -> str:
        """Run a script that must succeed; what it printed."""
        said = self.run(script)
        assert said.status == 0, f"{script}\nended with {said.status}: {said.text}"
        return said.text.rstrip("\n")

    def put(self, path: str, text: str) -> None:
        """A file that only root may read."""
        content = shlex.quote(f"{text.strip()}\n")
        self.tell(f"mkdir -p {path.rpartition('/')[0]}; umask 077; printf %s {content} >{path}")

    def await_up(self) -> None:
        """Until everything that boots has been started."""
        self.tell("systemctl is-system-running --wait || :")

    # What happens to it.

    def cut_network(self) -> None:
        """Pull the cable: connections hang."""
        self.monitor.do("set_link", name="nic", up=False)

    def join_network(self) -> None:
        """Plug the cable in again."""
        self.monitor.do("set_link", name="nic", up=True)

    def set_clock(self, seconds: int) -> None:
        """The guest's clock, in seconds since 1970."""
        self.tell(f"date -s @{seconds}")

    def fill_disk(self) -> None:
        """No room on the system's disk."""
        # Root may have what is kept for it, too.
        self.tell("fallocate -l $(($(stat -f -c '%f * %S' /run/disk) - 4194304)) /run/disk/filler; sync")
        self.run("cat /dev/zero >/run/disk/filler-rest; sync")

    def empty_disk(self) -> None:
        """Room again."""
        self.tell("rm -f /run/disk/filler /run/disk/filler-rest; sync")

    def plug_disk(self, disk: Disk) -> None:
        """Plug in a further disk, which is blank."""
        self.make_disk(disk)
        self.monitor.do(
            "blockdev-add",
            driver="qcow2",
            node_name=f"node-{disk.serial}",
            file={"driver": "file", "filename": str(qemu.image(disk, self.folder))},
        )
        self.plug_again(disk.serial)

    def plug_again(self, serial: str) -> None:
        """Plug in a disk that was pulled out, as it is."""
        order = {disk.serial: number for number, disk in enumerate(self.hardware.disks, start=1)}
        boots = {"bootindex": order[serial]} if serial in order else {}
        self.monitor.do(
            "device_add",
            driver="scsi-hd",
            bus="scsi.0",
            drive=f"node-{serial}",
            id=f"disk-{serial}",
            serial=serial,
            **boots,
        )
        self.tell("udevadm settle")

    def unplug_disk(self, serial: str) -> None:
        """Pull a disk out while it runs."""
        self.monitor.do("device_del", id=f"disk-{serial}")
        self.monitor.wait_for("DEVICE_DELETED", device=f"disk-{serial}")

    # Starting points.

    def save(self, folder: Path) -> None:
        """Write a starting point, then be off: memory, disks and variables as they are now."""
        draft = folder.with_suffix(".draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        self.tell("sync; echo 3 >/proc/sys/vm/drop_caches")
        self.monitor.do("stop")
        self.monitor.do("migrate-set-parameters", max_bandwidth=10**10)
        self._watch_migrations()
        self.monitor.do("migrate", uri=f"exec:cat >{draft}/memory")
        self.monitor.wait_for("MIGRATION", status="completed")
        self.monitor.do("quit")
        assert self._process is not None
        self._process.wait()
        self.cut_power()
        for image in self.folder.glob("*.qcow2"):
            subprocess.run(["qemu-img", "convert", "-O", "qcow2", str(image), str(draft / image.name)], check=True)
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)

    def _watch_migrations(self) -> None:
        self.monitor.do("migrate-set-capabilities", capabilities=[{"capability": "events", "state": True}])


def _overlay(image: Path, base: Path | None, kind: str, *, gib: int | None = None) -> None:
    image.unlink(missing_ok=True)
    backing = ["-b", str(base), "-F", kind] if base else []
    size = [f"{gib}G"] if gib and not base else []
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *backing, str(image), *size], check=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

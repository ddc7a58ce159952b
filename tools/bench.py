"""`make bench`: the project's numbers on the simulated fleet, with the CLI built. A table, no test: machines differ.

Memory is that of the process that runs the program; engine and doubles are not in it.
"""

from __future__ import annotations

import argparse
import copy
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from operate.report import table  # noqa: E402  the checkout is no installed package
from sim.site import Site, config_of_stack  # noqa: E402
from sim.world import World  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable


MEMORY_GIB = 1.5


@dataclass(frozen=True, kw_only=True)
class Number:
    """One measured number beside the one that was promised."""

    what: str
    measured: str
    promised: str
    kept: bool

    def row(self) -> tuple[str, ...]:
        """A row of the table."""
        return (self.what, self.measured, self.promised, "yes" if self.kept else "NO")


def seconds(what: str, measured: float, limit: float) -> Number:
    """A time."""
    return Number(what=what, measured=f"{measured:.1f} s", promised=f"at most {limit:g} s", kept=measured <= limit)


def _command(*words: str) -> float:
    """How long a command takes; ends the benchmark with its output when it fails."""
    began = time.monotonic()
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stdout[-2000:] + done.stderr[-2000:]
        sys.exit(f"bench: `{' '.join(words)}` failed with exit code {done.returncode}:\n{said}")
    return time.monotonic() - began


def _driven(verb: str, world: Path) -> float:
    return _command("make", verb, f"ARGS=--world {world}")


def simulated() -> list[Number]:
    """Stack sim from nothing, then unchanged."""
    with tempfile.TemporaryDirectory(prefix="nixfleet-bench-") as folder:
        base = Path(folder)
        numbers = [seconds("make up, stack sim, from nothing", _driven("up", base), 90)]
        for verb in ("up", "preview"):
            events = World(base / "world").events
            before = len(events())
            numbers.append(seconds(f"make {verb}, unchanged", _driven(verb, base), 20))
            new = events()[before:]
            touched = sum(event.step == "ssh connect" for event in new) + sum(
                event.machine == "command" for event in new
            )
            numbers.append(
                Number(what="  its SSH connections and commands", measured=str(touched), promised="0", kept=not touched)
            )
        return numbers


CLOUD_WORKERS = 94
"""With the servers of stack sim and the load balancer just below what Hetzner attaches to one network."""


def many(count: int) -> dict[str, Any]:
    """The config of stack sim with agents up to `count` hosts: at Hetzner while its network takes them, then boards."""
    config = copy.deepcopy(config_of_stack("sim"))
    fleet = config["nixfleet:fleet"]
    hosts = fleet["hosts"]
    server, board = hosts["hcloud-1"], hosts["n100-1"]
    public, private, shelf = IPv4Address("10.90.4.0"), IPv4Address("10.20.4.0"), IPv4Address("192.168.60.0")
    fleet["network"]["range"] = "10.90.0.0/16"
    # A /24 for each of the hosts.
    fleet["cluster"]["podRange"] = "10.128.0.0/12"
    fleet["providers"]["hcloud"]["network"]["subnet"] = "10.20.0.0/16"
    for number in range(1, count - len(hosts) + 1):
        address = str(public + number)
        serial = f"BENCH{number:04}"
        disk = {**board["disk"], "device": f"/dev/disk/by-id/nvme-{serial}", "serial": serial}
        hosts[f"worker-{number:03}"] = (
            {**server, "role": "agent", "address": address, "privateAddress": str(private + number)}
            if number <= CLOUD_WORKERS
            else {**board, "address": address, "sshAddress": str(shelf + number), "disk": disk}
        )
    return config


def hundred() -> list[Number]:
    """A hundred hosts, from nothing."""
    with tempfile.TemporaryDirectory(prefix="nixfleet-bench-") as folder:
        site = Site(Path(folder), "sim", many(100))
        began = time.monotonic()
        outcome = site.up()
        took = time.monotonic() - began
    if not outcome.run.ok:
        sys.exit("bench: 100 hosts did not come up:\n" + "\n".join(outcome.run.errors))
    gib = outcome.peak_bytes / 2**30
    return [
        seconds(f"up of 100 hosts, {len(outcome.run.operations)} resources, from nothing", took, 360),
        Number(
            what="  memory of the program",
            measured=f"{gib:.2f} GiB",
            promised=f"at most {MEMORY_GIB} GiB",
            kept=gib <= MEMORY_GIB,
        ),
    ]


def checked() -> list[Number]:
    """`python -m fleet check` of 500 hosts."""
    with tempfile.TemporaryDirectory(prefix="nixfleet-bench-") as folder:
        site = Site(Path(folder), "sim", many(500))
        took = _command(sys.executable, "-m", "fleet", "check", str(site.stage.place.stack_file))
    return [seconds("fleet check of 500 hosts", took, 1)]


def tests() -> list[Number]:
    """Every test."""
    return [seconds("make test", _command("make", "test"), 600)]


PARTS: dict[str, Callable[[], list[Number]]] = {"sim": simulated, "hundred": hundred, "check": checked, "test": tests}


def main() -> None:
    """Measure, print the table; exit code 1 when a promise is not kept."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"what to measure: {', '.join(PARTS)} (default: everything)")
    options = parser.parse_args()
    numbers: list[Number] = []
    for name in options.parts or PARTS:
        print(f"bench: measuring {name}", file=sys.stderr, flush=True)
        numbers += PARTS[name]()
    print(table(("WHAT", "MEASURED", "PROMISED", "KEPT"), (number.row() for number in numbers)))
    sys.exit(0 if all(number.kept for number in numbers) else 1)


if __name__ == "__main__":
    main()

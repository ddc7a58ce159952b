"""`make bench`: the project's numbers on the simulated fleet, with the CLI built. A table, no test: machines differ.

Memory is that of the process that runs the program; engine and doubles are not in it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fleet.cluster import Cluster  # noqa: E402  the checkout is no installed package
from operate.report import table  # noqa: E402  the checkout is no installed package
from sim.crowd import many  # noqa: E402
from sim.paths import resources_of, stored_state, visits  # noqa: E402
from sim.site import Site  # noqa: E402
from sim.world import World  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.stage import Outcome


MEMORY_GIB = 1.5
STATE_MIB = 5
PATHS = 1e7


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


def _timed(run: Callable[[], Outcome]) -> tuple[Outcome, float]:
    """One run and how long it took; ends the benchmark when it fails."""
    began = time.monotonic()
    outcome = run()
    took = time.monotonic() - began
    if not outcome.run.ok:
        sys.exit("bench: a run failed:\n" + "\n".join(outcome.run.errors))
    return outcome, took


def _stored(site: Site, what: str) -> list[Number]:
    """Size and paths of the state that an up wrote."""
    state = stored_state(site.stage.base, site.stage.stack)
    mebibytes, paths = state.stat().st_size / 2**20, max(visits(resources_of(state)).values())
    return [
        Number(
            what=f"  state of {what}",
            measured=f"{mebibytes:.1f} MiB",
            promised=f"at most {STATE_MIB} MiB",
            kept=mebibytes <= STATE_MIB,
        ),
        Number(
            what="  paths from any resource",
            measured=f"{paths:.1e}",
            promised=f"at most {PATHS:.0e}",
            kept=paths <= PATHS,
        ),
    ]


def _memory(outcome: Outcome, limit: float) -> Number:
    gib = outcome.peak_bytes / 2**30
    return Number(
        what="  memory of the program", measured=f"{gib:.2f} GiB", promised=f"at most {limit} GiB", kept=gib <= limit
    )


def hundred() -> list[Number]:
    """A hundred hosts, from nothing, then unchanged."""
    with tempfile.TemporaryDirectory(prefix="nixfleet-bench-") as folder:
        site = Site(Path(folder), "sim", many(100))
        with site.powered():
            outcome, took = _timed(site.up)
            return [
                seconds(f"up of 100 hosts, {len(outcome.run.operations)} resources, from nothing", took, 360),
                _memory(outcome, MEMORY_GIB),
                *_stored(site, "100 hosts"),
                seconds("up of 100 hosts, unchanged", _timed(site.up)[1], 12),
                seconds("preview of 100 hosts, unchanged", _timed(site.preview)[1], 12),
            ]


def crowd() -> list[Number]:
    """Five hundred hosts, from nothing, then a preview."""
    with tempfile.TemporaryDirectory(prefix="nixfleet-bench-") as folder:
        site = Site(Path(folder), "sim", many(500))
        with site.powered():
            outcome, took = _timed(site.up)
            return [
                seconds(f"up of 500 hosts, {len(outcome.run.operations)} resources, from nothing", took, 900),
                _memory(outcome, 1),
                seconds("preview of 500 hosts, unchanged", _timed(site.preview)[1], 60),
            ]


def rolled(count: int, batch: int, limit: float) -> Number:
    """An update that restarts k3s on every one of so many hosts: servers one by one, agents in batches."""
    with tempfile.TemporaryDirectory(prefix="nixfleet-bench-") as folder:
        site = Site(Path(folder), "sim", many(count))
        site.fleet["rollout"] = {**site.fleet.get("rollout", {}), "batchSize": batch}
        site.write()
        with site.powered():
            first = site.up()
            before = site.fleet["cluster"].get("k3sVersion", Cluster.model_fields["k3s_version"].default)
            minor, _, rest = before.rpartition(".")
            patch = f"{minor}.{int(rest.partition('+')[0]) + 1}+k3s1"
            site.change(lambda fleet: fleet["cluster"].update(k3sVersion=patch))
            began = time.monotonic()
            second = site.up()
            took = time.monotonic() - began
    errors = (*first.run.errors, *second.run.errors)
    if errors:
        sys.exit(f"bench: {count} hosts were not updated:\n" + "\n".join(errors))
    return seconds(f"new k3s on 3 servers and {count - 3} agents, {batch} at a time", took, limit)


def updates() -> list[Number]:
    """Rolling updates, drains and gates included."""
    return [rolled(8, 5, 60), rolled(103, 10, 300)]


def checked() -> list[Number]:
    """`python -m fleet check` of 500 hosts."""
    with tempfile.TemporaryDirectory(prefix="nixfleet-bench-") as folder:
        site = Site(Path(folder), "sim", many(500))
        took = _command(sys.executable, "-m", "fleet", "check", str(site.stage.place.stack_file))
    return [seconds("fleet check of 500 hosts", took, 1)]


def tests() -> list[Number]:
    """Every test."""
    return [seconds("make test", _command("make", "test"), 600)]


PARTS: dict[str, Callable[[], list[Number]]] = {
    "sim": simulated,
    "hundred": hundred,
    "crowd": crowd,
    "updates": updates,
    "check": checked,
    "test": tests,
}


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

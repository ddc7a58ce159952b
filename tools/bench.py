"""`make bench`: the project's numbers on the simulated fleet, with the CLI built. A table, no test: machines differ.

Memory is that of the process that runs the program; engine and doubles are not in it. Beside a time stands what all
its processes took of a processor: on a busy machine times grow, and that hardly does.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fleet.cluster import Cluster  # noqa: E402  the checkout is no installed package
from operate.report import table  # noqa: E402  the checkout is no installed package
from sim.crowd import at_once, many  # noqa: E402
from sim.paths import resources_of, stored_state, visits  # noqa: E402
from sim.site import Site  # noqa: E402
from sim.world import World  # noqa: E402
from tools.spent import spent  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sim.stage import Outcome


STATE_MB = 5
PATHS = 1e7
PAGE_KB = 500


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What is promised of a large fleet: seconds, and memory of the program."""

    up: float
    gib: float
    unchanged: float
    graph: bool
    """Whether something is promised of its state and its graph."""


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


@dataclass(frozen=True)
class Time:
    """How long something took."""

    clock: float
    processor: float
    """Of all its processes."""


@contextmanager
def timing() -> Iterator[list[Time]]:
    """Measure the block; the list has one entry after it."""
    measured: list[Time] = []
    clock, processor = time.monotonic(), spent()
    yield measured
    measured.append(Time(time.monotonic() - clock, spent() - processor))


def seconds(what: str, measured: Time, limit: float) -> Number:
    """A time."""
    text = f"{measured.clock:.1f} s ({measured.processor:.1f} s of processor)"
    return Number(what=what, measured=text, promised=f"at most {limit:g} s", kept=measured.clock <= limit)


def _command(*words: str) -> Time:
    """How long a command takes; ends the benchmark with its output when it fails."""
    with timing() as measured:
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stdout[-2000:] + done.stderr[-2000:]
        sys.exit(f"bench: `{' '.join(words)}` failed with exit code {done.returncode}:\n{said}")
    return measured[0]


def _driven(verb: str, world: Path) -> Time:
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


def _timed(run: Callable[[], Outcome]) -> tuple[Outcome, Time]:
    """One run and how long it took; ends the benchmark when it fails."""
    with timing() as measured:
        outcome = run()
    if not outcome.run.ok:
        sys.exit("bench: a run failed:\n" + "\n".join(outcome.run.errors))
    return outcome, measured[0]


def _stored(site: Site, what: str) -> list[Number]:
    """Size and paths of the state that an up wrote."""
    state = stored_state(site.stage.base, site.stage.stack)
    megabytes, paths = state.stat().st_size / 1e6, max(visits(resources_of(state)).values())
    return [
        Number(
            what=f"  state of {what}",
            measured=f"{megabytes:.1f} MB",
            promised=f"at most {STATE_MB} MB",
            kept=megabytes <= STATE_MB,
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


def _crowd(count: int, limits: Limits, *, worked_on: bool) -> list[Number]:
    """So many hosts, from nothing, then unchanged; `worked_on`: hostops does its work on each of them."""
    with tempfile.TemporaryDirectory(prefix="nixfleet-bench-") as folder:
        site = Site(Path(folder), "sim", many(count))
        if not worked_on:
            at_once(site)
        with site.powered():
            outcome, took = _timed(site.up)
            what = f"{count} hosts{'' if worked_on else ' that answer at once'}"
            return [
                seconds(f"up of {what}, {len(outcome.run.operations)} resources, from nothing", took, limits.up),
                _memory(outcome, limits.gib),
                *(_stored(site, what) if limits.graph else ()),
                seconds(f"up of {what}, unchanged", _timed(site.up)[1], limits.unchanged),
                seconds(f"preview of {what}, unchanged", _timed(site.preview)[1], limits.unchanged),
            ]


HUNDRED = Limits(up=360, gib=1.5, unchanged=12, graph=True)
CROWD = Limits(up=900, gib=1, unchanged=60, graph=False)


def hundred() -> list[Number]:
    """A hundred hosts."""
    return _crowd(100, HUNDRED, worked_on=True)


def crowd() -> list[Number]:
    """Five hundred hosts, a hundred of them clouds'."""
    return _crowd(500, CROWD, worked_on=True)


def hundred_at_once() -> list[Number]:
    """A hundred hosts without the work on them: what program, engine and clouds take of it."""
    return _crowd(100, HUNDRED, worked_on=False)


def crowd_at_once() -> list[Number]:
    """Five hundred hosts, the same."""
    return _crowd(500, CROWD, worked_on=False)


def _patched(version: str) -> str:
    """The next patch of a version of k3s."""
    minor, _, rest = version.rpartition(".")
    return f"{minor}.{int(rest.partition('+')[0]) + 1}+k3s1"


def rolled(count: int, batch: int, limit: float) -> list[Number]:
    """An update that restarts k3s on so many hosts, servers one by one and agents in batches; an agent leaves."""
    with tempfile.TemporaryDirectory(prefix="nixfleet-bench-") as folder:
        site = Site(Path(folder), "sim", many(count))
        site.fleet["rollout"] = {**site.fleet.get("rollout", {}), "batchSize": batch}
        site.write()
        with site.powered():
            _timed(site.up)
            before = site.fleet["cluster"].get("k3sVersion", Cluster.model_fields["k3s_version"].default)
            site.change(lambda fleet: fleet["cluster"].update(k3sVersion=_patched(before)))
            update = _timed(site.up)[1]
            site.change(lambda fleet: fleet["hosts"].pop("worker-001"))
            removal = _timed(site.up)[1]
    return [
        seconds(f"new k3s on 3 servers and {count - 3} agents, {batch} at a time", update, limit),
        seconds(f"removal of an agent of {count} hosts", removal, 20),
    ]


def rolling() -> list[Number]:
    """A rolling update of a small fleet, drains and gates included, and the removal of an agent."""
    return rolled(8, 5, 60)


def batches() -> list[Number]:
    """A rolling update of a hundred agents in batches of ten."""
    return rolled(103, 10, 300)


def checked() -> list[Number]:
    """`python -m fleet check` of 500 hosts."""
    with tempfile.TemporaryDirectory(prefix="nixfleet-bench-") as folder:
        site = Site(Path(folder), "sim", many(500))
        took = _command(sys.executable, "-m", "fleet", "check", str(site.stage.place.stack_file))
    return [seconds("fleet check of 500 hosts", took, 1)]


def plans() -> list[Number]:
    """The plan of 100 hosts that all change, without an evaluation, and the size of its page."""
    with tempfile.TemporaryDirectory(prefix="nixfleet-bench-") as folder:
        site, page = Site(Path(folder), "sim", many(100)), Path(folder) / "plan.html"
        shutil.copytree(ROOT / "nix", site.folder / "nix")
        git = ("git", "-C", str(site.folder), "-c", "user.name=bench", "-c", "user.email=bench@example.net")
        for words in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message", "A hundred hosts")):
            _command(*git, *words)
        for host in site.fleet["hosts"].values():
            host["tuning"] = {"kernelParams": ["quiet"]}
        site.write()
        options = ("--root", str(site.folder), "plan", "--stack", "sim", "--html", str(page))
        took = _command(sys.executable, "-m", "fleet", *options)
        size = page.stat().st_size / 1000
    return [
        seconds("plan of 100 hosts that all reboot, as a page", took, 10),
        Number(what="  size of the page", measured=f"{size:.0f} kB", promised="at most 500 kB", kept=size <= PAGE_KB),
    ]


def tests() -> list[Number]:
    """Every test."""
    return [seconds("make test", _command("make", "test"), 600)]


PARTS: dict[str, Callable[[], list[Number]]] = {
    "sim": simulated,
    "hundred": hundred,
    "crowd": crowd,
    "hundred-at-once": hundred_at_once,
    "crowd-at-once": crowd_at_once,
    "rolling": rolling,
    "batches": batches,
    "check": checked,
    "plan": plans,
    "test": tests,
}


def main() -> None:
    """Measure, print the table; exit code 1 when a promise is not kept."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"what to measure: {', '.join(PARTS)} (default: everything)")
    options = parser.parse_args()
    numbers: list[Number] = []
    for name in options.parts or PARTS:
        # Other work on the machine makes every number an upper bound.
        print(f"bench: measuring {name}; load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
        numbers += PARTS[name]()
        print(f"bench: measured {name}; load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    print(table(("WHAT", "MEASURED", "PROMISED", "KEPT"), (number.row() for number in numbers)))
    sys.exit(0 if all(number.kept for number in numbers) else 1)


if __name__ == "__main__":
    main()

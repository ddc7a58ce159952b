"""The simulated machines answer as real ones do: the same questions to both, compared line by line."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hostops.__main__ import VERBS
from hostops.ssh import REMOTE
from sim.machines.rack import Disk
from tests.hostops.bench import PUBLIC, Bench, bench
from tests.machines.medium import HERE
from tests.machines.stories import STORIES, Story, comparable, masked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sim.throwaway import Ring
    from tests.hostops.bench import Ended
    from tests.machines.points import Point, Points

HOST = "hcloud-1"


Ask = Callable[[str], "subprocess.CompletedProcess[str]"]
CLEAN = "systemctl stop work.service work.timer; systemctl reset-failed"
"""Between two stories, on both machines."""


class Pairs:
    """A simulated machine and a real one at each starting point; they live through the same stories."""

    def __init__(self, points: Points, folder: Path, stack: ExitStack) -> None:
        """No machine is on yet."""
        self._points, self._folder, self._stack = points, folder, stack
        self._pairs: dict[Point, tuple[Ask, Ask]] = {}

    def at(self, point: Point) -> tuple[Ask, Ask]:
        """How to ask the simulated one and the real one."""
        if point not in self._pairs:
            folder = self._folder / point
            folder.mkdir()
            self._pairs[point] = self._simulated(point, folder), self._real(point, folder)
        return self._pairs[point]

    def _simulated(self, point: Point, folder: Path) -> Ask:
        made = self._stack.enter_context(bench(folder, HOST))
        if point == "installed":
            made.installed(HOST)
        else:
            _into_medium(made)
        return _asker(folder / "key", made.ring, made.world.root / "ssh_config", PUBLIC[HOST])

    def _real(self, point: Point, folder: Path) -> Ask:
        site = self._stack.enter_context(self._points.at(point))
        config = site.operator.folder / "ssh_config"
        return _asker(folder / "real-key", self._points.ring, config, site.operator.address(site.host))


def _asker(key: Path, ring: Ring, config: Path, address: str) -> Ask:
    key.write_text(ring.cluster.deploy_key)
    key.chmod(0o600)
    options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
    argv = ["ssh", "-F", str(config), "-i", str(key), *options, f"root@{address}", "sh -s"]

    def ask(text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(argv, input=text, capture_output=True, text=True, check=False)

    return ask


def _into_medium(made: Bench) -> None:
    """Our medium in the machine instead of a cloud's image, with a blank disk."""
    spec = made.machine(HOST).spec
    made.rack.remove(spec.id)
    key = made.ring.hosts[HOST].bootstrap_key
    blank = [Disk(serial=disk.serial, size_gib=disk.size_gib, device=disk.device) for disk in spec.disks]
    made.rack.add(replace(spec, id="board", medium="installer", user_data=None, host_key=key, disks=tuple(blank)))


def _told(ask: Ask, story: Story) -> list[list[str]]:
    """The answers of one machine."""
    ask(CLEAN)
    root = ask('printf %s "${NIXFLEET_ROOT-}"').stdout
    answers = []
    for step in story.steps:
        ended = ask(step.text)
        answers.append(comparable(step, ended.returncode, ended.stdout, root))
    return answers


@pytest.fixture(scope="module")
def pairs(points: Points, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pairs]:
    """Machines to compare."""
    with ExitStack() as stack:
        yield Pairs(points, tmp_path_factory.mktemp("pairs"), stack)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_simulated_machines_answer_as_real_ones(story: Story, pairs: Pairs) -> None:
    simulation, reality = pairs.at(story.point)
    expected, found = _told(reality, story), _told(simulation, story)
    differ = [
        f"{step.script or step.text}\n  real:      {real}\n  simulated: {simulated}"
        for step, simulated, real in zip(story.steps, found, expected, strict=True)
        if simulated != real
    ]
    assert not differ, "\n".join(differ)


BY_VERBS = {
    # keep-sorted start
    "activate": "switch",
    "certificates": "certificates",
    "halt": "halt",
    "hostkey": "hostkey",
    "kubeconfig": "kubeconfig",
    "release": "leave",
    "restore": "restore",
    "rollback": "switch",
    "snapshot": "snapshot",
    "trial": "switch",
    "try": "switch",
    # keep-sorted end
}
"""Scripts that only a verb can run to some purpose, which others of these tests do."""

BY_OTHERS = ("reboots",)
"""Verbs that change hosts by calls of other verbs alone."""

PARTS = ("common", "loader")
"""What other scripts begin with."""


def test_every_script_and_every_verb_that_changes_a_host_meets_a_machine() -> None:
    told = {step.script for story in STORIES for step in story.steps} - {""}
    assert told | set(BY_VERBS) == {path.stem for path in REMOTE.glob("*.sh")} - set(PARTS)
    text = "".join(path.read_text() for path in HERE.glob("test_*.py"))
    run = {verb for verb in VERBS if f'run("{verb}"' in text or f'start("{verb}"' in text}
    assert run == set(VERBS) - set(BY_OTHERS)
    assert set(BY_VERBS.values()) <= run


_SECONDS = re.compile(r" \(\d+\.\d s\)$")


def _journal(ended: Ended) -> list[str]:
    """What a verb said, without times, what its tools said, and what two machines cannot share."""
    lines = [line for line in ended.err.splitlines() if not re.match(r"hostops: \S+: \S+: \|", line)]
    return [_SECONDS.sub("", line) for line in masked("\n".join(lines)).splitlines()] + [f"exit {ended.code}"]


def test_verbs_say_the_same_of_simulated_machines_and_of_real_ones(points: Points, tmp_path: Path) -> None:
    """From a blank disk on: installed, found installed, left alone, changed, and back from what fails, twice."""
    with points.at("installer") as site:
        expected = [site.run("install"), site.run("install"), site.run("switch")]
        site.operator.want(HOST, way="works")
        expected += [site.run("switch"), site.run("switch")]
        site.operator.want(HOST, way="activation-fails")
        expected += [site.run("switch"), site.run("switch")]
    with bench(tmp_path, HOST) as made:
        _into_medium(made)
        found = [made.run("install", HOST), made.run("install", HOST), made.run("switch", HOST)]
        made.change("Europe/Rome")
        found += [made.run("switch", HOST), made.run("switch", HOST)]
        made.change("Europe/Paris")
        for _ in range(2):
            made.fault(HOST, "activate")
            found.append(made.run("switch", HOST))
    for simulation, reality in zip(found, expected, strict=True):
        assert _journal(simulation) == _journal(reality)

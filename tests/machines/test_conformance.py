"""The simulated machines answer as real ones do: the same questions to both, compared line by line."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.hostops.bench import PUBLIC, Bench, bench
from tests.machines.stories import STORIES, Story, comparable, masked

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hostops.bench import Ended
    from tests.machines.points import Points

HOST = "hcloud-1"


def simulated(story: Story, folder: Path) -> list[list[str]]:
    """What a simulated machine answers."""
    with bench(folder, HOST) as made:
        if story.point == "installed":
            made.installed(HOST)
        else:
            _into_medium(made)
        key = folder / "key"
        key.write_text(made.ring.cluster.deploy_key)
        key.chmod(0o600)
        argv = ["ssh", "-F", str(made.world.root / "ssh_config"), "-i", str(key)]
        options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
        answers = []
        for step in story.steps:
            root = _ask([*argv, *options, f"root@{PUBLIC[HOST]}"], 'printf %s "$NIXFLEET_ROOT"').stdout
            ended = _ask([*argv, *options, f"root@{PUBLIC[HOST]}"], step.text)
            answers.append(comparable(step, ended.returncode, ended.stdout, root))
        return answers


def _into_medium(made: Bench) -> None:
    """Our medium in the machine instead of a cloud's image, with a blank disk."""
    spec = made.machine(HOST).spec
    made.rack.remove(spec.id)
    key = made.ring.hosts[HOST].bootstrap_key
    made.rack.add(replace(spec, id="board", medium="installer", user_data=None, host_key=key))


def _ask(argv: list[str], text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*argv, "sh -s"], input=text, capture_output=True, text=True, check=False)


def real(story: Story, points: Points, folder: Path) -> list[list[str]]:
    """What a machine answers."""
    key = folder / "key"
    key.write_text(points.ring.cluster.deploy_key)
    key.chmod(0o600)
    with points.at(story.point) as site:
        config, address = site.operator.folder / "ssh_config", site.operator.address(site.host)
        options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
        argv = ["ssh", "-F", str(config), "-i", str(key), *options, f"root@{address}"]
        answers = []
        for step in story.steps:
            ended = _ask(argv, step.text)
            answers.append(comparable(step, ended.returncode, ended.stdout, ""))
        return answers


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_simulated_machines_answer_as_real_ones(story: Story, points: Points, tmp_path: Path) -> None:
    (tmp_path / "simulated").mkdir()
    expected = real(story, points, tmp_path)
    found = simulated(story, tmp_path / "simulated")
    for step, simulation, reality in zip(story.steps, found, expected, strict=True):
        assert simulation == reality, step.text


_SECONDS = re.compile(r" \(\d+\.\d s\)$")


def _journal(ended: Ended) -> list[str]:
    """What a verb said, without times, what its tools said, and what two machines cannot share."""
    lines = [line for line in ended.err.splitlines() if not re.match(r"hostops: \S+: \S+: \|", line)]
    return [_SECONDS.sub("", line) for line in masked("\n".join(lines)).splitlines()] + [f"exit {ended.code}"]


@pytest.mark.parametrize("way", ["works", "activation-fails"])
def test_verbs_say_the_same_of_simulated_machines_and_of_real_ones(way: str, points: Points, tmp_path: Path) -> None:
    (tmp_path / "simulated").mkdir()
    with points.at("installer") as site:
        expected = [site.operator.run("install", HOST), site.operator.run("install", HOST)]
        site.operator.want(HOST, way=way, label="second")
        expected += [site.operator.run("switch", HOST), site.operator.run("switch", HOST)]
    with bench(tmp_path / "simulated", HOST) as made:
        _into_medium(made)
        found = [made.run("install", HOST), made.run("install", HOST)]
        made.change("Europe/Rome")
        for _ in range(2):
            if way == "activation-fails":
                made.fault(HOST, "activate")
            found.append(made.run("switch", HOST))
    for simulation, reality in zip(found, expected, strict=True):
        assert _journal(simulation) == _journal(reality)

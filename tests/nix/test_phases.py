"""The phases of the cluster tests, run against recorded answers: each passes with them, and fails with a wrong one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.nix import toolbox
from tests.nix.answers import FACTS, WRONG, answers

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.nix.answers import Answer

FOLDER = toolbox.TREE / "vms" / "cluster" / "phases"
ORDER = ("machines", "network", "cluster", "storage")


class Machine:
    """The driver's machine, as far as phases use it, with recorded answers."""

    def __init__(self, said: dict[str, Answer], commands: list[str]) -> None:
        self._said = {
            command: list(answer) if isinstance(answer, list) else [answer] for command, answer in said.items()
        }
        self._commands = commands

    def _answer(self, command: str) -> str:
        self._commands.append(command)
        if command not in self._said and not re.search(r" -json | --json|--output=json|^cat |logs ", command):
            return ""
        left = self._said[command]
        return left.pop(0) if len(left) > 1 else left[0]

    def succeed(self, *commands: str) -> str:
        said = "".join(self._answer(command) for command in commands)
        # A command whose only record is silence is one that failed.
        assert not any(self._said.get(command) == [""] for command in commands), f"{commands} failed"
        return said

    def fail(self, command: str) -> str:
        return self._answer(command)

    def execute(self, command: str) -> tuple[int, str]:
        return 0, self._answer(command)

    def wait_until_succeeds(self, command: str, timeout: int) -> str:
        assert timeout > 0
        return self._answer(command)

    def systemctl(self, words: str) -> None:
        self._commands.append(f"systemctl {words}")

    def wait_for_unit(self, unit: str, timeout: int) -> None:
        assert re.fullmatch(r"[\w.-]+\.(service|target)", unit)
        assert timeout > 0


class Clock:
    """Time that passes by being waited for."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def play() -> Callable[..., list[str]]:
    """Run a phase with the recorded answers, but for one; returns the commands that it gave."""

    def run(phase: str, wrong: tuple[str, str, Answer] | None = None) -> list[str]:
        said, commands = answers(), []  # type: ignore[var-annotated]  # of texts
        if wrong:
            said[wrong[0]][wrong[1]] = wrong[2]
        machines = {name.replace("-", "_"): Machine(one, commands) for name, one in said.items()}
        names: dict[str, Any] = {"FACTS": FACTS, "MACHINES": machines, "json": json, "start_all": lambda: None}
        for part in ORDER:
            exec(compile((FOLDER / f"{part}.py").read_text(), part, "exec"), names)  # noqa: S102 - as the driver does
        names["time"] = Clock()
        names[phase]()
        return commands

    return run


def phases() -> set[str]:
    text = (toolbox.TREE / "vms" / "cluster" / "default.nix").read_text()
    listed = re.findall(r'^    "(\w+)"$', text.partition("inOrder = [")[2], re.MULTILINE)
    extra = (toolbox.TREE / "vms" / "cluster" / "tests.nix").read_text()
    return {*listed, *re.findall(r'"(\w+_\w+)"', extra)}


def test_every_phase_has_answers_and_a_wrong_one() -> None:
    assert phases() == set(WRONG)


@pytest.mark.parametrize("phase", sorted(WRONG))
def test_a_phase_passes_on_what_machines_say(phase: str, play: Callable[..., list[str]]) -> None:
    assert play(phase)


@pytest.mark.parametrize("phase", sorted(WRONG))
def test_a_phase_fails_on_a_wrong_answer(phase: str, play: Callable[..., list[str]]) -> None:
    machine, command, answer, message = WRONG[phase]
    with pytest.raises(AssertionError, match=re.escape(message)):
        play(phase, (machine, command, answer))


def test_a_shell_reads_every_command(play: Callable[..., list[str]]) -> None:
    shell = shutil.which("sh") or "/bin/sh"
    for phase in sorted(WRONG):
        for command in dict.fromkeys(play(phase)):
            done = subprocess.run([shell, "-n", "-c", command], capture_output=True, text=True, check=False, timeout=10)
            assert (done.returncode, done.stderr) == (0, ""), command


def test_a_claim_s_objects_are_read_elsewhere_than_written(play: Callable[..., list[str]]) -> None:
    given = [command for command in play("storage_claim") if "kubectl apply" in command]
    objects = [json.loads(command.splitlines()[1]) for command in given]
    assert [one["kind"] for one in objects] == ["PersistentVolume", "PersistentVolumeClaim", "Pod", "Pod"]
    volume, claim, writer, reader = (one["spec"] for one in objects)
    assert volume["iscsi"]["targetPortal"] == "192.168.200.1:3260"
    assert (volume["storageClassName"], claim["storageClassName"], claim["volumeName"]) == ("", "", "proof")
    assert (writer["nodeName"], reader["nodeName"]) == ("agent-1", "server-2")
    assert writer["containers"][0]["image"] == "docker.io/rancher/mirrored-library-busybox:1.37.0"

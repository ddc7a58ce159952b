"""`python -m sim` as the Makefile calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from operate.engine import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def sim(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    return subprocess.run(
        [sys.executable, "-m", "sim", *words],
        cwd=ROOT,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.mark.parametrize("stack", ["lab", "cloud"])
def test_a_stack_s_own_file_comes_up_on_the_simulated_fleet_and_then_does_not_change(stack: str) -> None:
    before = (ROOT / f"Pulumi.{stack}.yaml").read_bytes()
    done = sim("rehearse", "--stack", stack)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.endswith(
        f"No host changes.\n\n{done.stdout.splitlines()[-3]}\n\n"
        f"The rehearsal of {stack} went well; nothing of it is left, and no real machine was touched.\n"
    )
    assert f"preview of {stack}: nothing changed; " in done.stdout.splitlines()[-3]
    assert (ROOT / f"Pulumi.{stack}.yaml").read_bytes() == before


def test_an_unknown_stack_is_one_message() -> None:
    done = sim("rehearse", "--stack", "labb")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "labb" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_passphrase_the_make_command_is_named(tmp_path: Path) -> None:
    done = sim("up", "--world", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == (
        "error: no passphrase: run `make up`, which knows that of the simulated stack, "
        "or set PULUMI_CONFIG_PASSPHRASE\n"
    )


def test_a_wrong_passphrase_is_named_before_anything_runs(tmp_path: Path) -> None:
    done = sim("up", "--world", str(tmp_path), PULUMI_CONFIG_PASSPHRASE="no")  # noqa: S106  a wrong one
    assert done.returncode == 1
    assert done.stderr == (
        "error: wrong passphrase: the secrets of stack sim do not open with PULUMI_CONFIG_PASSPHRASE; "
        "set the passphrase that `make keys STACK=sim` was run with\n"
    )


def test_a_reset_forgets_the_world(tmp_path: Path) -> None:
    (tmp_path / "world").mkdir()
    (tmp_path / "world" / "machine.json").write_text("{}")
    done = sim("reset", "--world", str(tmp_path))
    assert (done.returncode, done.stdout) == (
        0,
        f"the simulated fleet in {tmp_path} is gone; `make up` makes a new one\n",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_a_world_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = sim("up", "--world", str(tmp_path / "file" / "world"), PULUMI_CONFIG_PASSPHRASE="any")  # noqa: S106  not used
    assert done.returncode == 1
    assert done.stderr == (
        f"error: Not a directory: {tmp_path}/file/world/world; make room or give access there, "
        "then run the same command again\n"
    )

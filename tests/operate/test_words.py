"""Words beside the stack, and files that only their owner reads."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from operate.commands import COMMANDS
from operate.engine import ROOT
from operate.kubeconfig import write_private
from operate.messages import OperateError
from operate.words import read_words

if TYPE_CHECKING:
    from pathlib import Path


def test_a_word_that_a_command_does_not_take_is_named_with_those_that_it_takes() -> None:
    with pytest.raises(OperateError) as caught:
        read_words("snapshot", ["LIST=yes", "FORM=x"], {"LIST": "yes, only list them"})
    assert str(caught.value) == "make snapshot does not take 'FORM=x'; it takes: LIST=yes, only list them"


def test_make_hands_over_every_word_of_its_command_line_and_none_of_the_environment() -> None:
    takes = sorted({name for command in COMMANDS.values() for name in command.takes})
    given = [f"{name}=a b" for name in takes]
    said = subprocess.run(
        ["make", "--dry-run", "rotate", "SHELL=/bin/sh", ".SHELLFLAGS=-c", *given],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "NAME": "of the environment", "HOST": "of the environment"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert all(f"'{word}'" in said for word in given), said
    bare = subprocess.run(
        ["make", "--dry-run", "rotate"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOST": "of the environment"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "HOST=" not in bare


def test_a_credential_is_written_for_its_owner_alone_and_at_once(tmp_path: Path) -> None:
    path = tmp_path / "kube" / "config"
    write_private(path, "one")
    path.chmod(0o644)
    write_private(path, "two")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("two", 0o600)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["config"]

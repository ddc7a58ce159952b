"""The log of a run: where it is, who may read it, how many are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.plan.times import folder_of
from operate.runlog import KEPT, run_log

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_log_holds_every_line_as_soon_as_it_is_said(tmp_path: Path) -> None:
    with run_log("up", "lab", {"XDG_STATE_HOME": str(tmp_path)}) as log:
        log.say("one\ntwo")
        assert log.path.read_text(encoding="utf-8") == "one\ntwo\n"
    assert log.path.parent == tmp_path / "nixfleet" / "lab"
    assert log.path.name.endswith("-up.log")


def test_only_its_owner_may_read_a_log(tmp_path: Path) -> None:
    with run_log("up", "lab", {"XDG_STATE_HOME": str(tmp_path)}) as log:
        assert log.path.stat().st_mode & 0o777 == 0o600
        assert log.path.parent.stat().st_mode & 0o777 == 0o700


def test_the_newest_logs_are_kept_the_new_one_among_them(tmp_path: Path) -> None:
    folder = tmp_path / "nixfleet" / "lab"
    folder.mkdir(parents=True)
    for number in range(KEPT + 5):
        (folder / f"20200101T0000{number:02}.000000Z-up.log").touch()
    with run_log("up", "lab", {"XDG_STATE_HOME": str(tmp_path)}) as log:
        names = sorted(path.name for path in folder.iterdir())
    assert len(names) == KEPT
    assert names[0] == "20200101T000006.000000Z-up.log"
    assert names[-1] == log.path.name


def test_without_a_state_folder_of_its_own_it_is_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert folder_of("org/lab", {}) == tmp_path / ".local" / "state" / "nixfleet" / "org-lab"

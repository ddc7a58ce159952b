"""The copy of a state: what is refused. That it brings a stack back is a runbook (tests/engine/test_runbooks.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from operate.engine import Place
from operate.messages import OperateError
from operate.statecopy import recall

if TYPE_CHECKING:
    from pathlib import Path


def test_a_copy_that_is_not_there_or_is_none_is_named(tmp_path: Path) -> None:
    place = Place(stack="lab", environment={"XDG_STATE_HOME": str(tmp_path)})
    own, other = tmp_path / "nixfleet/lab/state.json", tmp_path / "other.json"
    other.write_text("{")
    texts = []
    for words in ({}, {"FILE": str(other)}):
        with pytest.raises(OperateError) as refused:
            recall(place, words)
        texts.append(str(refused.value))
    assert texts == [
        f"there is no copy of the state at {own}: the computer of the last run has one; FILE=... names it",
        f"{other} is no copy of a state: name another one with FILE=...",
    ]

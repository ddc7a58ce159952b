"""The resource tree of each stack is a stored text: what a change adds or takes away is seen in review."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.components.plans import VARIANTS, plan

TREES = Path(__file__).parent / "trees"


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_the_tree_is_the_stored_one(variant: str, request: pytest.FixtureRequest) -> None:
    text = "\n".join(plan(variant).tree()) + "\n"
    stored = TREES / f"{variant}.txt"
    if request.config.getoption("--update"):
        stored.write_text(text)
    assert stored.read_text() == text, f"see what changed with: pytest {__file__} --update; git diff {TREES}"

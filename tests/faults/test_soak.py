"""A few rounds of the soak, always the same ones; `make soak` plays as many others as one likes."""

from __future__ import annotations

import random

import pytest

from tests.faults import killer
from tests.faults.killer import TARGETS, Kill
from tests.faults.soak import WORKS, Round, Soak, drawn

SEED = 7

ROUNDS = (
    Round(work="install", kill=Kill(target="command", events=120), fault=None),
    Round(work="again", kill=Kill(target="engine", events=100), fault=None),
    Round(work="update", kill=Kill(target="program", events=40), fault=None),
    Round(work="update all", kill=Kill(target="plugin", events=60), fault=None),
)


@pytest.fixture(scope="module")
def soak(tmp_path_factory: pytest.TempPathFactory) -> Soak:
    """Sites to kill runs on."""
    return Soak(tmp_path_factory.mktemp("soak"))


@pytest.mark.engine
@pytest.mark.parametrize("chosen", ROUNDS, ids=str)
def test_a_killed_run_breaks_no_law_and_the_next_one_heals(soak: Soak, chosen: Round) -> None:
    assert soak.round(chosen) == []


def test_a_seed_means_the_same_rounds_and_reaches_every_work_and_target() -> None:
    chance, same = random.Random(SEED), random.Random(SEED)  # noqa: S311 - to be repeated, not to be secret
    rounds = [drawn(chance, number) for number in range(60)]
    assert rounds == [drawn(same, number) for number in range(60)]
    assert {one.work for one in rounds} == set(WORKS)
    assert {one.kill.target for one in rounds} == set(TARGETS)
    assert sum(one.fault is not None for one in rounds) == 20


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("/x/pulumi --non-interactive up", "engine"),
        ("python -m tests.faults.once", "program"),
        ("/v/python -m sim.plugins kubernetes", "plugin"),
        ("python -m hostops install --stack sim --host a1", "command"),
        ("ssh -o x root@10.0.1.12 sh -s", None),
    ],
)
def test_processes_of_a_run_are_known_by_their_command(command: str, kind: str | None) -> None:
    assert killer.kind_of(command) == kind

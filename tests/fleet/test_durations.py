"""Limits of verbs: every verb has one, and it is longer than whatever the verb waits for."""

from __future__ import annotations

import pytest

from fleet.cluster import Rollout
from fleet.durations import evaluation_seconds, peers_seconds, switch_seconds, verb_seconds, wait_seconds
from hostops.__main__ import VERBS

LONG = Rollout(copy_timeout_seconds=86400, drain_timeout_seconds=7200, ready_timeout_seconds=3600, watchdog_minutes=60)
WAITS = {
    "certificates": ("ready",),
    "halt": ("drain",),
    "restore": ("ready",),
    "resume": ("ready",),
    "switch": ("copy", "drain", "ready"),
    "tokens": ("ready",),
}
"""What each verb waits for that a stack file sets the limit of; installing and leaving have one for all of it."""


def test_a_switch_may_take_as_long_as_all_that_it_waits_for() -> None:
    before = switch_seconds(Rollout())
    assert before == 600 + 3600 + 2 * 600 + 900 + (900 + 300) + 2 * (900 + 900) + 900
    assert switch_seconds(Rollout(copy_timeout_seconds=7200)) == before + 3600


def test_every_verb_has_a_limit() -> None:
    assert set(verb_seconds(Rollout(), 6)) == set(VERBS)


@pytest.mark.parametrize("verb", WAITS)
def test_a_verb_may_take_longer_than_its_waits_together(verb: str) -> None:
    waits = wait_seconds(LONG)
    assert verb_seconds(LONG, 1)[verb] > sum(waits[name] for name in WAITS[verb])


def test_what_is_done_with_every_host_may_take_longer_with_more_of_them() -> None:
    # Sixteen at a time, each by two steps of a minute and a connection of as long.
    assert (peers_seconds(16), peers_seconds(17), peers_seconds(500)) == (780, 960, 600 + 32 * 180)
    assert [verb_seconds(Rollout(), hosts)["status"] for hosts in (16, 500)] == [900 + 60, 900 + 32 * 60]
    # Measured: about two seconds a host.
    assert evaluation_seconds(500) > 500 * 2 * 2

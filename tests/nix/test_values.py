"""Every value that a module sets on a host is in a table, as data: a promise that changes shows in a difference."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.nix import values

if TYPE_CHECKING:
    from collections.abc import Callable

LEAST_SHARE = 0.9


@pytest.fixture
def found(evaluated: Callable[[str], Any]) -> values.Found:
    answer: values.Found = evaluated("values")
    return answer


@pytest.fixture
def stored() -> dict[str, values.Values]:
    table: dict[str, values.Values] = json.loads(values.TABLE.read_text())
    return table


def test_hosts_have_the_table_s_values(found: values.Found, stored: dict[str, values.Values]) -> None:
    assert set(found) == set(stored) - {values.EVERYWHERE}
    for place, leaves in found.items():
        final = {values.name(leaf["path"]): values.plain(leaf["final"]) for leaf in leaves}
        wanted = stored[values.EVERYWHERE] | stored[place]
        assert {path for path in wanted if path not in final} == set(), place
        wrong = {path: (value, final[path]) for path, value in wanted.items() if not values.holds(value, final[path])}
        assert wrong == {}, place


def test_most_values_that_hosts_set_are_read_by_a_test(
    found: values.Found, stored: dict[str, values.Values], record_values: Callable[[str], None]
) -> None:
    read, all_of_them = values.share(found, stored)
    record_values(f"{read} of {all_of_them} option values that hosts set are read by a test")
    assert read >= LEAST_SHARE * all_of_them


@pytest.mark.parametrize(
    ("expected", "final", "holds"),
    [
        (1, 1, True),
        (1, 2, False),
        (["a"], ["b", "a"], True),
        (["a"], ["b"], False),
        ("a\nb\n", "x\na\nb\nc\n", True),
        ("a\nb\n", "a\nc\n", False),
        (True, None, False),
        ([{"a": 1}], [{"a": 1, "b": 2}], True),
        ({"a": 1}, {"a": 2}, False),
    ],
)
def test_the_comparison_sees_a_difference(expected: object, final: object, holds: bool) -> None:  # noqa: FBT001 - a table
    assert values.holds(expected, final) is holds

"""The tool that puts faults into sources: where it puts them, and which tests it asks."""

from __future__ import annotations

import ast

import pytest

from tools import mutate

SOURCE = '''"""A docstring of 3 words."""

LIMIT: int = 5


def least(values, strict=False):
    """Of 1 or more."""
    if not values:
        return fallback(values)
    if len(values) < LIMIT and strict:
        return values[0] + 1
    return values
'''


def test_each_place_is_one_fault_that_python_still_reads() -> None:
    found = mutate.places("a.py", SOURCE)
    texts = {mutate.with_fault(SOURCE, place) for place in found}
    unchanged = ast.unparse(ast.parse(SOURCE)) + "\n"
    assert len(texts) == len(found)
    assert unchanged not in texts
    for text in texts:
        lines = zip(text.splitlines(), unchanged.splitlines(), strict=True)
        assert sum(one != other for one, other in lines) == 1


def test_what_only_people_read_is_left_alone() -> None:
    assert [(place.line, place.was, place.now) for place in mutate.places("a.py", SOURCE)] == [
        (3, "5", "6"),
        (6, "False", "True"),
        (8, "not values", "values"),
        (9, "return fallback(values)", "return None"),
        (10, "len(values) < LIMIT and strict", "not (len(values) < LIMIT and strict)"),
        (10, "len(values) < LIMIT and strict", "len(values) < LIMIT or strict"),
        (10, "len(values) < LIMIT", "len(values) <= LIMIT"),
        (11, "values[0] + 1", "values[0] - 1"),
        (11, "0", "1"),
        (11, "1", "2"),
        (12, "return values", "return None"),
    ]


def test_the_same_seed_chooses_the_same_places_of_all_sources() -> None:
    first, again = (mutate.chosen_places(mutate.ROOT, 100, 7, "") for _ in range(2))
    assert first == again
    assert len(first) == 100
    assert {place.path.split("/")[0] for place in first} == set(mutate.SOURCES)


@pytest.mark.parametrize(
    ("module", "file"),
    [
        ("fleet.keys.age", "tests/fleet/test_keys.py"),
        ("components.withheld", "tests/components/test_inputs.py"),
        ("hostops.keyring", "tests/hostops/test_parts.py"),
    ],
)
def test_the_nearest_tests_are_asked(module: str, file: str) -> None:
    assert file in mutate.nearest_tests(module, mutate.ROOT)


def test_none_of_them_is_on_the_engine() -> None:
    assert not [path for path in mutate.nearest_tests("components.site", mutate.ROOT) if "engine" in path]

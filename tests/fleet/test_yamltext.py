"""YAML as text: scalars as the engine reads them, and replacing one key without touching the rest."""

from __future__ import annotations

import pytest

from fleet.yamltext import YamlError, parse, set_config, set_top


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("52:54:00:01:01:01", "52:54:00:01:01:01"),
        ("2026-01-31", "2026-01-31"),
        ("yes", "yes"),
        ("on", "on"),
        ("0700", "0700"),
        ("1_000", "1_000"),
        ("12", 12),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("v1.35.6+k3s1", "v1.35.6+k3s1"),
    ],
)
def test_scalars_are_read_as_the_engine_reads_them(text: str, value: object) -> None:
    assert parse(f"key: {text}\n") == {"key": value}


def test_keys_are_text_and_merged_ones_can_be_overridden() -> None:
    assert parse("a: &a {1: x, y: z}\nb: {<<: *a, y: w}\n") == {"a": {"1": "x", "y": "z"}, "b": {"1": "x", "y": "w"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3: the key 'a' stands in line 1 too; remove one"),
        ("[1]: 2\n", "line 1: a key is a word, and this one is a list or a mapping; write a word"),
        ("a: [1\nb: 2\n", "line 2, column 2: did not find expected ',' or ']'"),
        ("a: !!python/object:os.system x\n", None),
        ("a: \x00\n", None),
    ],
)
def test_text_that_is_no_document_is_refused_with_its_line(text: str, message: str | None) -> None:
    with pytest.raises(YamlError) as caught:
        parse(text)
    assert message is None or str(caught.value) == message
    assert "\n" not in str(caught.value)


FILE = """\
# top
config:
  # about a
  a: 1
  # about b
  b:
    - x

    - y
  # about c
  "c": {d: e}
other: z
# end
"""


def test_a_key_is_replaced_and_every_comment_stays() -> None:
    assert set_config(FILE, "b", ["  new: 1"]) == FILE.replace("  b:\n    - x\n\n    - y\n", "  b:\n    new: 1\n")


def test_a_quoted_key_is_the_same_key() -> None:
    assert set_config(FILE, "c", ["  new: 1"]) == FILE.replace('  "c": {d: e}\n', "  c:\n    new: 1\n")


def test_a_new_key_comes_last_in_the_configuration() -> None:
    assert set_config(FILE, "n", ["  new: 1"]) == FILE.replace("other: z", "  n:\n    new: 1\nother: z")


def test_a_key_is_removed() -> None:
    assert set_config(FILE, "a", None) == FILE.replace("  a: 1\n", "")
    assert set_config(FILE, "absent", None) == FILE


def test_the_files_own_indentation_is_kept() -> None:
    text = "config:\n    a:\n        b: 1\n"
    assert set_config(text, "n", ["  c: 1"]) == text + "    n:\n      c: 1\n"
    assert parse(set_config(text, "n", ["  c: 1"])) == {"config": {"a": {"b": 1}, "n": {"c": 1}}}


@pytest.mark.parametrize("text", ["config: {a: 1}\n", "other: 1\n"])
def test_a_configuration_that_is_no_block_is_refused(text: str) -> None:
    with pytest.raises(YamlError) as caught:
        set_config(text, "a", [])
    assert str(caught.value) == "no line `config:` with its keys below it; write the configuration as a block"


def test_a_key_of_the_document_is_added_and_replaced() -> None:
    added = set_top(FILE, "encryptionsalt", "v1:x")
    assert added == FILE + "encryptionsalt: v1:x\n"
    assert set_top(added, "encryptionsalt", "v1:y") == FILE + "encryptionsalt: v1:y\n"

"""Closure keys without Nix: what they depend on, and what not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fleet.contract.closures import CONTENT_PREFIX, content_key, tree_hash
from fleet.contract.facts import Contract, contract
from fleet.document import read_fleet
from fleet.keys.pairs import make_identities
from tests.fleet.documents import PROFILES, base, changed

if TYPE_CHECKING:
    from pathlib import Path

IDENTITIES = make_identities(base("lan")["hosts"])[0]


def _contract(change: dict[str, Any]) -> Contract:
    document = changed({"set": change}, base("lan"))
    return contract("x", read_fleet(document, "x", PROFILES), IDENTITIES, PROFILES)


@pytest.fixture
def nix(tmp_path: Path) -> Path:
    for name, text in (("flake.nix", "a"), ("modules/base.nix", "b"), ("fleet/x.json", "c")):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_the_trees_hash_is_that_of_names_and_contents_but_no_contract(nix: Path) -> None:
    first = tree_hash(nix)
    (nix / "fleet/x.json").write_text("other", encoding="utf-8")
    (nix / "empty").mkdir()
    for left_behind in (".cache/0.15/1", "modules/__pycache__/a.pyc"):
        (nix / left_behind).parent.mkdir(parents=True)
        (nix / left_behind).write_text("x", encoding="utf-8")
    assert tree_hash(nix) == first
    (nix / "modules/base.nix").rename(nix / "modules/other.nix")
    renamed = tree_hash(nix)
    (nix / "modules/other.nix").write_text("c", encoding="utf-8")
    assert len({first, renamed, tree_hash(nix)}) == 3


@pytest.mark.parametrize(
    ("change", "hosts"),
    [
        ({}, []),
        ({"hosts/n1/labels": {"example.net/rack": "a"}}, ["n1"]),
        ({"hosts/j1/tuning": {"zramPercent": 0}}, ["j1"]),
        ({"timezone": "Europe/Berlin"}, ["j1", "n1", "n2", "n3"]),
        ({"addons": {"longhorn": {"replicas": 2}}}, []),
        ({"rollout": {"batchSize": 1}}, []),
    ],
)
def test_a_key_changes_with_its_hosts_entry_and_what_all_hosts_know(change: dict[str, Any], hosts: list[str]) -> None:
    before, after = _contract({}), _contract(change)
    found = [name for name in sorted(before.hosts) if content_key(before, name, "t") != content_key(after, name, "t")]
    assert found == hosts


def test_a_key_says_that_it_is_of_content_and_changes_with_the_tree() -> None:
    keys = {content_key(_contract({}), "n1", tree) for tree in ("a", "b")}
    assert len(keys) == 2
    assert all(key.startswith(CONTENT_PREFIX) and len(key) == len(CONTENT_PREFIX) + 64 for key in keys)

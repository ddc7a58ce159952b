"""Configurations that must fail do, each with its whole message: option path, fault, cure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.nix import toolbox

if TYPE_CHECKING:
    from collections.abc import Callable

TWICE = "all nodes of a LAN have one VLAN id, here {}: remove the node's own id"
PATCH = (
    "nixfleet.k3s.version is v1.35.6+k3s1, and the package is v1.35.7+k3s1: "
    "set cluster.k3sVersion in the stack file to v1.35.7+k3s1"
)
MESSAGES = json.loads((toolbox.HERE / "refused.json").read_text())
REFUSED = json.loads((toolbox.TREE / "refused" / "messages.json").read_text())
THROWN = MESSAGES["thrown"]


def test_failed_assertions_have_their_whole_message(evaluated: Callable[[str], Any]) -> None:
    found = evaluated("refused")
    assert set(found) == {*REFUSED, "vlans-broken", "k3s-patch"}
    for name, message in REFUSED.items():
        assert message in found[name], (name, found[name])


def test_another_patch_of_k3s_is_a_warning(evaluated: Callable[[str], Any]) -> None:
    assert evaluated("refused")["k3s-patch"] == [PATCH]


def test_the_broken_profile_fails_with_its_message(evaluated: Callable[[str], Any]) -> None:
    path = "network profile vlans-broken: nodes.{}.vlans.{} is {}: "
    assert evaluated("refused")["vlans-broken"] == [
        path.format(node, lan, own) + TWICE.format(shared)
        for lan, shared, ids in (
            ("cluster", 200, {"agent-1": 202, "agent-2": 203, "server-2": 201}),
            ("storage", 100, {"agent-1": 102, "agent-2": 103, "server-2": 101}),
        )
        for node, own in ids.items()
    ]


@pytest.mark.parametrize("name", sorted(THROWN))
def test_a_wrong_contract_is_refused(inputs: toolbox.Inputs, name: str) -> None:
    done = inputs.evaluate("thrown", f".{name}")
    assert done.returncode != 0
    assert toolbox.errors(done.stderr).partition(" Did you mean")[0] == THROWN[name]

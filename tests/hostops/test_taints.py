"""Taints of a stack file come to the node and leave it again; those of Kubernetes' own stay as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.hostops.bench import BOARD

if TYPE_CHECKING:
    from tests.hostops.bench import Bench

OWN = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}


def node(made: Bench) -> dict[str, Any]:
    """The board's node."""
    return dict(made.world.read("clusters/sim")["nodes"][BOARD])


def taints(made: Bench) -> list[dict[str, str]]:
    """Its taints."""
    return list(node(made)["spec"].get("taints", []))


def test_a_node_has_what_its_file_says_and_keeps_what_kubernetes_gave_it(pair: Bench) -> None:
    with pair.world.edit("clusters/sim") as document:
        document["nodes"][BOARD]["spec"]["taints"] = [dict(OWN)]
    given = pair.run("taint", BOARD, NIXFLEET_TAINTS="gpu=orin:NoSchedule example.net/slow:PreferNoSchedule")
    assert given.code == 0, given.err
    gpu = {"key": "gpu", "value": "orin", "effect": "NoSchedule"}
    slow = {"key": "example.net/slow", "effect": "PreferNoSchedule"}
    assert taints(pair) == [OWN, gpu, slow]
    # Another value of the same one, and one that left the file.
    changed = pair.run("taint", BOARD, NIXFLEET_TAINTS="gpu=none:NoSchedule")
    assert changed.code == 0, changed.err
    assert taints(pair) == [OWN, gpu | {"value": "none"}]
    gone = pair.run("untaint", BOARD)
    assert gone.code == 0, gone.err
    assert taints(pair) == [OWN]
    assert "nixfleet/taints" not in node(pair)["metadata"]["annotations"]


def test_one_that_somebody_else_took_away_is_no_error_and_a_node_that_is_gone_has_none(pair: Bench) -> None:
    assert pair.run("taint", BOARD, NIXFLEET_TAINTS="gpu:NoSchedule").code == 0
    with pair.world.edit("clusters/sim") as document:
        document["nodes"][BOARD]["spec"]["taints"] = []
    assert pair.run("untaint", BOARD).code == 0
    with pair.world.edit("clusters/sim") as document:
        del document["nodes"][BOARD]
    assert pair.run("untaint", BOARD).code == 0

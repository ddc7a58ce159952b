"""Longhorn in a simulated cluster: where copies are, what is lost, rebuilt and moved, and what a drain waits for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from sim.machines import longhorn
from sim.machines.longhorn.nodes import DISK_FILE
from sim.machines.objects import BUDGET
from tests.sim.machines.clusters import Cluster

CRDS = json.loads((Path(__file__).parents[2] / "data/charts/crds.json").read_text())["crds"]
HEALTHY, FAILED = "healthy", "failed"


@pytest.fixture
def four(tmp_path: Path) -> Cluster:
    """Four storage nodes with Longhorn; a volume of three copies on the first three."""
    cluster = Cluster(tmp_path, "a", "b", "c", "d")
    cluster.with_longhorn(nodeDrainPolicy="block-for-eviction-if-contains-last-replica")
    cluster.volume("v", "a", "b", "c")
    return cluster


def close(cluster: Cluster, name: str, **spec: Any) -> None:
    """Change Longhorn's node."""
    cluster.lhn(name)["spec"] |= spec
    cluster.settle()


@pytest.mark.parametrize("kind", [longhorn.NODE, longhorn.VOLUME], ids=lambda kind: kind.plural)
def test_every_field_is_one_of_the_definition(kind: Any, four: Cluster) -> None:
    known = CRDS[kind.full]
    for found in kind.all(four.document):
        for part in ("spec", "status"):
            assert set(found[part]) <= set(known[part]["properties"])
    assert (kind.group, kind.kind, kind.short[0]) == (known["group"], known["kind"], known["shortNames"][0])
    assert [version["name"] for version in known["versions"]] == [kind.version]


def test_a_disk_is_made_on_labelled_nodes_only_and_keeps_its_id(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, "a")
    cluster.join("b", storage=False)
    cluster.with_longhorn()
    (disk,) = cluster.lhn("a")["status"]["diskStatus"].values()
    assert disk["diskUUID"] == json.loads((tmp_path / "a" / DISK_FILE).read_text())["diskUUID"]
    assert (cluster.lhn("b")["spec"]["disks"], longhorn.disks(cluster.lhn("b"))) == ({}, [])


def test_a_node_that_goes_down_degrades_a_volume_and_its_return_heals_it(four: Cluster) -> None:
    four.ready("a", on=False)
    four.settle()
    assert (four.robustness("v"), four.copies("v")) == ("degraded", {"a": FAILED, "b": HEALTHY, "c": HEALTHY})
    four.held.add("v")
    four.ready("a", on=True)
    four.settle()
    # The rebuild takes its time.
    assert four.robustness("v") == "degraded"
    four.held.clear()
    four.settle()
    assert four.robustness("v") == "healthy"


def test_a_volume_without_any_copy_is_faulted_until_one_is_back(four: Cluster) -> None:
    for name in "abc":
        four.ready(name, on=False)
    four.settle()
    assert four.robustness("v") == "faulted"
    four.ready("c", on=True)
    four.settle()
    assert four.copies("v") == {"a": FAILED, "b": FAILED, "c": HEALTHY}


def test_a_detached_volume_does_not_notice_a_node_that_is_down(four: Cluster) -> None:
    four.volume("w", "a", "b", attached=False)
    four.ready("a", on=False)
    four.settle()
    assert (four.robustness("w"), four.copies("w")) == ("unknown", {"a": HEALTHY, "b": HEALTHY})


def test_an_evicted_nodes_copies_move_and_none_comes_back(four: Cluster) -> None:
    close(four, "a", allowScheduling=False, evictionRequested=True)
    assert four.copies("v") == {"b": HEALTHY, "c": HEALTHY, "d": HEALTHY}
    close(four, "d", allowScheduling=False, evictionRequested=True)
    # Nobody else has room: the copy stays where it is.
    assert four.copies("v") == {"b": HEALTHY, "c": HEALTHY, "d": HEALTHY}


def test_a_volume_that_wants_fewer_copies_lets_the_evicted_one_go(four: Cluster) -> None:
    close(four, "d", allowScheduling=False)
    close(four, "a", allowScheduling=False, evictionRequested=True)
    assert "a" in four.copies("v")
    found = longhorn.VOLUME.get(four.document, longhorn.NAMESPACE, "v")
    assert found is not None
    found["spec"]["numberOfReplicas"] = 2
    four.settle()
    assert four.copies("v") == {"b": HEALTHY, "c": HEALTHY}


def test_nothing_is_moved_from_a_node_that_is_down(four: Cluster) -> None:
    four.ready("a", on=False)
    close(four, "a", allowScheduling=False, evictionRequested=True)
    assert four.copies("v") == {"a": FAILED, "b": HEALTHY, "c": HEALTHY}


def test_an_eviction_needs_a_closed_node(four: Cluster) -> None:
    node = four.lhn("a")
    node["spec"]["evictionRequested"] = True
    assert longhorn.refuses_change(node) == (
        "need to disable scheduling on node a for node eviction, or cancel eviction to enable scheduling on this node"
    )


def test_a_deleted_nodes_copies_are_made_elsewhere_and_longhorns_node_stays_until_it_is_cleared(four: Cluster) -> None:
    del four.document["nodes"]["a"]
    four.settle()
    assert (four.robustness("v"), four.copies("v")["d"]) == ("healthy", HEALTHY)
    assert longhorn.refuses_deletion(four.document, four.lhn("a")) == (
        "could not delete node a with node ready condition is False, reason is KubernetesNodeGone, node schedulable "
        "true, and 1 replica, 0 engine running on it"
    )
    for replica in longhorn.REPLICA.all(four.document):
        if replica["spec"]["nodeID"] == "a":
            longhorn.REPLICA.remove(four.document, replica)
    close(four, "a", allowScheduling=False)
    assert longhorn.NODE.get(four.document, longhorn.NAMESPACE, "a") is None


def test_a_node_that_is_there_is_not_deleted(four: Cluster) -> None:
    close(four, "d", allowScheduling=False)
    assert longhorn.refuses_deletion(four.document, four.lhn("d")).startswith("could not delete node d with node ready")


def test_a_reinstalled_nodes_disk_is_another_one_and_takes_nothing(four: Cluster) -> None:
    shutil.rmtree(four.folder / "a")
    four.settle()
    (disk,) = four.lhn("a")["status"]["diskStatus"].values()
    assert disk["conditions"][0] == {"type": "Ready", "status": "False", "reason": "DiskFilesystemChanged"}
    assert (four.robustness("v"), four.copies("v")["a"]) == ("degraded", FAILED)
    assert longhorn.disks(four.lhn("a")) == []
    # Without the old disk the label makes a new one.
    for replica in longhorn.REPLICA.all(four.document):
        if replica["spec"]["nodeID"] == "a":
            longhorn.REPLICA.remove(four.document, replica)
    close(four, "a", disks={})
    four.settle()
    assert len(longhorn.disks(four.lhn("a"))) == 1
    assert four.robustness("v") == "healthy"


def protected(cluster: Cluster) -> list[str]:
    """Nodes whose instance manager a budget holds."""
    return sorted(found["metadata"]["name"].removeprefix("instance-manager-") for found in BUDGET.all(cluster.document))


def test_a_drain_may_pass_where_other_copies_are_and_moves_a_last_one_first(four: Cluster) -> None:
    assert protected(four) == ["a", "b", "c", "d"]
    four.cordon("a")
    four.settle()
    assert (protected(four), four.copies("v")["a"]) == (["b", "c", "d"], HEALTHY)
    four.volume("w", "b")
    four.held.add("w")
    four.cordon("b")
    four.settle()
    assert protected(four) == ["b", "c", "d"]
    four.held.clear()
    four.settle()
    assert (protected(four), "b" in four.copies("w")) == (["c", "d"], False)


@pytest.mark.parametrize(
    ("policy", "held"),
    [
        ("always-allow", ["b"]),
        ("block-if-contains-last-replica", ["a", "b"]),
        ("allow-if-replica-is-stopped", ["a", "b"]),
        # The copy has moved to the other node.
        ("block-for-eviction", ["b"]),
    ],
)
def test_the_drain_policy_says_what_a_drain_waits_for(policy: str, held: list[str], tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, "a", "b")
    cluster.with_longhorn(nodeDrainPolicy=policy)
    cluster.volume("w", "a")
    cluster.cordon("a")
    cluster.settle()
    assert protected(cluster) == held


def test_a_single_copy_lets_its_node_go_when_its_pod_has_gone(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, "a")
    cluster.with_longhorn(nodeDrainPolicy="allow-if-replica-is-stopped")
    cluster.volume("w", "a")
    web = cluster.declare("web", volumes=("w",))
    cluster.cordon("a")
    cluster.settle()
    assert protected(cluster) == ["a"]
    assert cluster.evict(web, "a") == ""
    assert protected(cluster) == []


def test_without_longhorn_nothing_of_it_is_left(four: Cluster) -> None:
    for key in [key for key in four.document["objects"] if key.startswith(("apiextensions.k8s.io/", "longhorn.io/"))]:
        del four.document["objects"][key]
    four.settle()
    assert four.document["objects"] == {}

"""Pods on simulated nodes: scheduling, controllers, evictions and budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sim.machines.workloads import VIOLATES
from tests.sim.machines.clusters import Cluster

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def three(tmp_path: Path) -> Cluster:
    """Three nodes."""
    return Cluster(tmp_path, "a", "b", "c")


def test_replicas_spread_over_the_nodes_that_take_pods(three: Cluster) -> None:
    three.cordon("b")
    assert three.where(three.declare("web", replicas=4)) == ["a", "a", "c", "c"]


def test_without_a_node_that_takes_it_a_pod_waits(three: Cluster) -> None:
    for name in "abc":
        three.cordon(name)
    web = three.declare("web")
    assert three.where(web) == [""]
    three.cordon("c", on=False)
    three.settle()
    assert three.where(web) == ["c"]


def test_an_evicted_pod_comes_back_on_another_node_and_one_without_a_controller_does_not(three: Cluster) -> None:
    web, bare = three.declare("web", replicas=3), three.declare("bare", kind="Pod", node="a")
    three.cordon("a")
    assert (three.evict(web, "a"), three.evict(bare, "a")) == ("", "")
    assert (three.where(web), three.where(bare)) == (["b", "b", "c"], [])


def test_a_daemon_sets_pods_are_on_every_node_also_on_a_cordoned_one(three: Cluster) -> None:
    agent = three.declare("agent", kind="DaemonSet")
    three.cordon("a")
    three.evict(agent, "a")
    assert three.where(agent) == ["a", "b", "c"]


def test_a_budget_refuses_the_eviction_that_would_leave_too_few(three: Cluster) -> None:
    web = three.declare("web", replicas=3, least=2)
    three.cordon("a")
    three.ready("b", on=False)
    three.settle()
    # One of three is not Ready already.
    assert three.evict(web, "a") == VIOLATES
    assert three.where(web) == ["a", "b", "c"]
    three.ready("b", on=True)
    three.settle()
    assert three.evict(web, "a") == ""


def test_a_budget_for_all_replicas_never_allows_an_eviction(three: Cluster) -> None:
    only = three.declare("only", least=1)
    assert three.evict(only, three.where(only)[0]) == VIOLATES


def test_pods_of_a_node_that_was_deleted_run_elsewhere(three: Cluster) -> None:
    web = three.declare("web", replicas=3)
    del three.document["nodes"]["b"]
    three.settle()
    assert three.where(web) == ["a", "a", "c"]


def test_a_withdrawn_workload_takes_its_pods_and_its_budget_along(three: Cluster) -> None:
    three.declare("web", replicas=3, least=2)
    three.document["workloads"].clear()
    three.settle()
    assert three.document["objects"] == {}

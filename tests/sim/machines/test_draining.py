"""kubectl's own words on simulated machines: cordon, drain, and objects other than nodes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sim.machines import longhorn, workloads
from sim.machines.objects import DEFINITION
from sim.machines.workloads import Workload
from tests.sim.machines.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator

CLUSTER = "clusters/test"
DRAIN = "k3s kubectl drain a1 --ignore-daemonsets --delete-emptydir-data --timeout=1s"


@pytest.fixture(scope="module")
def formed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A server and an agent in one cluster."""
    lab = Lab(tmp_path_factory.mktemp("drain"))
    lab.start()
    for name in ("s1", "a1"):
        lab.add(name)
        lab.install(name)
    yield lab
    assert lab.stop() == 0


@pytest.fixture
def pair(formed: Lab) -> Lab:
    """The cluster without workloads, Longhorn and cordons."""
    with formed.world.edit(CLUSTER) as document:
        document["workloads"], document["objects"] = {}, {}
        for node in document["nodes"].values():
            node["spec"].pop("unschedulable", None)
    return formed


def declare(lab: Lab, *found: Workload) -> None:
    """Put workloads in, with their pods on the agent where they may choose."""
    lab.ok("s1", "k3s kubectl cordon s1")
    for workload in found:
        workloads.declare(lab.world, CLUSTER, workload)
    lab.ok("s1", "k3s kubectl get pods -A -o name")
    lab.ok("s1", "k3s kubectl uncordon s1")


def names(text: str) -> str:
    """Words with made-up parts of names left out."""
    return re.sub(r"-[0-9a-f]{5}\b", "-*", text)


def test_cordon_says_what_it_found(pair: Lab) -> None:
    said = [pair.ok("s1", f"k3s kubectl {verb} a1") for verb in ("cordon", "cordon", "uncordon", "uncordon")]
    assert said == [
        "node/a1 cordoned",
        "node/a1 already cordoned",
        "node/a1 uncordoned",
        "node/a1 already uncordoned",
    ]


def test_a_drain_evicts_what_may_go_and_leaves_daemon_sets_and_mirror_pods(pair: Lab) -> None:
    declare(
        pair,
        Workload(name="web", empty_dir=True),
        Workload(name="agent", namespace="kube-system", kind="DaemonSet"),
        Workload(name="proxy", namespace="kube-system", kind="Static", node="a1"),
    )
    ended = pair.ssh("s1", DRAIN)
    assert (ended.returncode, names(ended.stderr)) == (
        0,
        "Warning: ignoring DaemonSet-managed Pods: kube-system/agent-*\n",
    )
    assert names(ended.stdout) == ("node/a1 cordoned\nevicting pod default/web-*\npod/web-* evicted\nnode/a1 drained\n")
    left = pair.ok("s1", "k3s kubectl get pods -A --field-selector spec.nodeName=a1 -o name").splitlines()
    assert sorted(names(line) for line in left) == ["pod/agent-*", "pod/proxy-a1"]
    moved = pair.ok("s1", "k3s kubectl get pods -l app=web -o 'jsonpath={.items[*].spec.nodeName}'")
    assert moved == "s1"


def test_a_budget_holds_a_drain_until_its_limit(pair: Lab) -> None:
    declare(pair, Workload(name="only", least=1))
    ended = pair.ssh("s1", DRAIN)
    reason = 'error when evicting pods/"only-*" -n "default": global timeout reached: 1s'
    assert ended.returncode == 1
    assert names(ended.stderr).splitlines() == [
        (
            'error when evicting pods/"only-*" -n "default" (will retry after 5s): '
            "Cannot evict pod as it would violate the pod's disruption budget."
        ),
        f'There are pending pods in node "a1" when an error occurred: {reason}',
        "pod/only-*",
        f'error: unable to drain node "a1" due to error: {reason}, continuing command...',
        "There are pending nodes to be drained:",
        " a1",
        reason,
    ]
    assert names(ended.stdout) == "node/a1 cordoned\n" + "evicting pod default/only-*\n" * 2


@pytest.mark.parametrize(
    ("workload", "without", "reason"),
    [
        (
            Workload(name="bare", kind="Pod", node="a1"),
            "",
            "cannot delete Pods that declare no controller (use --force to override): default/bare",
        ),
        (
            Workload(name="web", empty_dir=True),
            "--delete-emptydir-data",
            "cannot delete Pods with local storage (use --delete-emptydir-data to override): default/web-*",
        ),
        (
            Workload(name="agent", kind="DaemonSet"),
            "--ignore-daemonsets",
            "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): default/agent-*",
        ),
    ],
    ids=["no controller", "emptyDir", "daemon set"],
)
def test_a_drain_touches_nothing_while_one_pod_may_not_go(
    pair: Lab, workload: Workload, without: str, reason: str
) -> None:
    declare(pair, workload, Workload(name="other"))
    ended = pair.ssh("s1", DRAIN.replace(f" {without}", "") if without else DRAIN)
    assert (ended.returncode, ended.stdout) == (1, "node/a1 cordoned\n")
    assert names(ended.stderr) == (
        f'error: unable to drain node "a1" due to error: {reason}, continuing command...\n'
        f"There are pending nodes to be drained:\n a1\n{reason}\n"
    )


def test_a_node_is_patched_and_an_unknown_one_is_not_drained(pair: Lab) -> None:
    patch = '{"metadata":{"annotations":{"x/y":"1"}},"spec":{"unschedulable":true}}'
    assert pair.ok("s1", f"k3s kubectl patch node a1 --type=merge -p '{patch}'") == "node/a1 patched"
    shown = "jsonpath={.metadata.annotations.x/y} {.spec.unschedulable}"
    assert pair.ok("s1", f"k3s kubectl get node a1 -o '{shown}'") == "1 true"
    undo = '{"metadata":{"annotations":{"x/y":null}},"spec":{"unschedulable":null}}'
    pair.ok("s1", f"k3s kubectl patch node a1 --type=merge -p '{undo}'")
    assert pair.ok("s1", f"k3s kubectl get node a1 -o '{shown}'") == " "
    missing = pair.ssh("s1", DRAIN.replace("a1", "a9"))
    assert (missing.returncode, missing.stderr) == (1, 'Error from server (NotFound): nodes "a9" not found\n')


def test_longhorn_is_unknown_until_it_is_installed_and_its_webhook_is_asked(pair: Lab) -> None:
    asked = "k3s kubectl -n longhorn-system"
    absent = pair.ssh("s1", f"{asked} get volumes.longhorn.io -o name")
    assert (absent.returncode, absent.stderr) == (1, 'error: the server doesn\'t have a resource type "volumes"\n')
    assert pair.ok("s1", "k3s kubectl get crd volumes.longhorn.io --ignore-not-found -o name") == ""
    with pair.world.edit(CLUSTER) as document:
        for kind in longhorn.KINDS:
            DEFINITION.add(document, "", kind.full)
    said = pair.ok("s1", "k3s kubectl get crd volumes.longhorn.io -o name")
    assert said == "customresourcedefinition.apiextensions.k8s.io/volumes.longhorn.io"
    assert pair.ok("s1", f"{asked} get nodes.longhorn.io -o name") == "node.longhorn.io/s1\nnode.longhorn.io/a1"
    denied = pair.ssh(
        "s1", f'{asked} patch nodes.longhorn.io a1 --type=merge -p \'{{"spec":{{"evictionRequested":true}}}}\''
    )
    assert (denied.returncode, denied.stderr) == (
        1,
        (
            'The request is invalid: admission webhook "validator.longhorn.io" denied the request: need to disable '
            "scheduling on node a1 for node eviction, or cancel eviction to enable scheduling on this node\n"
        ),
    )
    refused = pair.ssh("s1", f"{asked} delete nodes.longhorn.io a1")
    assert (refused.returncode, "could not delete node a1" in refused.stderr) == (1, True)
    assert pair.ssh("s1", f"{asked} get replicas.longhorn.io x -o name").stderr == (
        'Error from server (NotFound): replicas.longhorn.io "x" not found\n'
    )

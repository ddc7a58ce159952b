"""Draining nodes and moving Longhorn's copies, over SSH on simulated machines."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from hostops.drain import drain, uncordon
from hostops.failure import Code, Failure
from hostops.journal import Journal
from hostops.keyring import Secrets
from hostops.process import Deadline
from hostops.ssh import Line
from hostops.task import Limits, Task, load_contract, read_peers
from hostops.volumes import Copy, Volume, degraded, evict, forget_storage, last_copies, volumes
from hostops.workspace import Workspace
from sim.machines import longhorn, workloads
from sim.machines.longhorn.nodes import DISK_FILE, LABEL
from sim.machines.objects import DEFINITION, POD
from sim.machines.workloads import Workload
from tests.hostops.bench import Bench, bench

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER, BOARD = "hcloud-1", "n100-1"
CLUSTER = "clusters/sim"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A server and a board in one cluster."""
    with bench(tmp_path_factory.mktemp("drain"), SERVER, BOARD) as made:
        made.installed(SERVER, BOARD)
        yield made


class Cluster:
    """The cluster, as a verb works with it."""

    def __init__(self, made: Bench) -> None:
        self.bench = made
        environment = made.environment()
        contract, secrets = load_contract("sim", environment), Secrets.read(json.dumps(made.secrets(None)))
        self._workspace = Workspace(contract, secrets.deploy_key, environment["NIXFLEET_SSH_CONFIG"])
        self._contract, self._secrets = contract, secrets
        self._peers = read_peers(environment, None)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Have a task and a line to the server."""
        with self._workspace as workspace:
            self.task = Task(
                contract=self._contract,
                secrets=self._secrets,
                workspace=workspace,
                journal=Journal(),
                limits=Limits.read({}, "switch", 2),
                peers=self._peers,
            )
            self.line = Line(self.task, SERVER)
            yield
            self.line.drop()

    def drain(self, seconds: float = 20) -> str:
        """Drain the board."""
        return drain(self.task, self.line, BOARD, Deadline(seconds))

    def uncordon(self) -> str:
        """Let the board have pods again."""
        return uncordon(self.task, self.line, BOARD)

    def declare(self, *found: Workload) -> None:
        """Put workloads in, with their pods on the board."""
        self.node(SERVER, unschedulable=True)
        for workload in found:
            workloads.declare(self.bench.world, CLUSTER, workload)
        self.settle()
        self.node(SERVER, unschedulable=False)

    def settle(self) -> None:
        """Let the cluster's controllers work."""
        assert self.line.run("k3s kubectl get pods -A -o name", seconds=20).status == 0

    def node(self, name: str, *, unschedulable: bool) -> None:
        """Cordon a node as its owner does."""
        with self.bench.world.edit(CLUSTER) as document:
            document["nodes"][name]["spec"]["unschedulable"] = unschedulable

    def spec(self) -> tuple[bool, bool]:
        """Whether the board takes no pods, and whether the mark says that it was us."""
        node = self.bench.world.read(CLUSTER)["nodes"][BOARD]
        return bool(node["spec"].get("unschedulable")), "nixfleet/cordoned" in node["metadata"]["annotations"]

    def where(self, key: str) -> list[str]:
        """The nodes of a workload's pods."""
        document = self.bench.world.read(CLUSTER)
        (found,) = [workload for workload in workloads.read(document) if workload.key == key]
        return sorted(pod["spec"].get("nodeName") or "" for pod in workloads.pods_of(document, found))

    def with_longhorn(self) -> None:
        """Install Longhorn, with a disk on both nodes."""
        with self.bench.world.edit(CLUSTER) as document:
            for kind in longhorn.KINDS:
                DEFINITION.add(document, "", kind.full)
            for node in document["nodes"].values():
                node["metadata"]["labels"][LABEL] = "true"
        self.settle()

    def volume(self, name: str, *hosts: str, **options: Any) -> None:
        """Put a volume in."""
        with self.bench.world.edit(CLUSTER) as document:
            longhorn.add_volume(document, name, hosts, **options)
        self.settle()

    def copies(self, name: str) -> list[str]:
        """Where a volume has copies."""
        (found,) = [volume for volume in volumes(self.task, self.line) if volume.name == name]
        return [copy.host for copy in found.copies if copy.healthy]


@pytest.fixture
def cluster(installed: Bench) -> Iterator[Cluster]:
    """The cluster without workloads, Longhorn and cordons."""
    with installed.world.edit(CLUSTER) as document:
        document["workloads"], document["objects"] = {}, {}
        for node in document["nodes"].values():
            node["spec"].pop("unschedulable", None)
            node["metadata"]["annotations"].pop("nixfleet/cordoned", None)
            node["metadata"]["labels"].pop(LABEL, None)
    for machine in installed.rack.machines():
        (installed.world.root / "machines" / machine.spec.id / "root" / DISK_FILE).unlink(missing_ok=True)
    made = Cluster(installed)
    with made.open():
        yield made


class TestDrain:
    def test_pods_go_elsewhere_and_the_cordon_is_taken_off_again(self, cluster: Cluster) -> None:
        cluster.declare(Workload(name="web", empty_dir=True), Workload(name="agent", kind="DaemonSet"))
        assert cluster.drain() == "drained"
        assert (cluster.where("default/web"), cluster.where("default/agent")) == ([SERVER], [SERVER, BOARD])
        assert cluster.spec() == (True, True)
        assert cluster.drain() == "drained"
        assert (cluster.uncordon(), cluster.spec()) == ("uncordoned", (False, False))
        assert cluster.uncordon() == "was not cordoned"

    def test_a_cordon_of_its_owner_stays(self, cluster: Cluster) -> None:
        cluster.node(BOARD, unschedulable=True)
        assert cluster.drain() == "drained; its owner had cordoned it"
        assert (cluster.uncordon(), cluster.spec()) == ("stays cordoned, as its owner left it", (True, False))

    def test_a_budget_ends_the_drain_at_its_limit_and_the_node_takes_pods_again(self, cluster: Cluster) -> None:
        cluster.declare(Workload(name="only", namespace="shop", least=1))
        with pytest.raises(Failure) as caught:
            cluster.drain(1)
        (pod,) = [pod["metadata"]["name"] for pod in POD.all(cluster.bench.world.read(CLUSTER))]
        assert (caught.value.code, caught.value.phase, caught.value.text) == (
            Code.TIMED_OUT,
            "drain",
            (
                f"the node n100-1 could not be drained within 1 s; still there: shop/{pod}; it was uncordoned again; "
                "their budgets allow no disruption (kubectl get poddisruptionbudgets -A): add replicas or wait until "
                "the others are Ready, then run again"
            ),
        )
        assert (cluster.spec(), cluster.where("shop/only")) == ((False, False), [BOARD])

    def test_a_pod_that_nothing_would_make_anew_is_not_deleted(self, cluster: Cluster) -> None:
        cluster.declare(Workload(name="bare", kind="Pod", node=BOARD))
        with pytest.raises(Failure) as caught:
            cluster.drain()
        assert caught.value.text == (
            "the node n100-1 cannot be drained: kubectl cannot delete Pods that declare no controller (use --force to "
            "override): default/bare; it was uncordoned again; nothing would make them anew "
            "elsewhere: delete them or give them a controller, then run again"
        )
        assert cluster.spec() == (False, False)

    def test_without_another_node_for_the_pods_a_drain_is_left_out(self, cluster: Cluster) -> None:
        cluster.declare(Workload(name="web"))
        cluster.node(SERVER, unschedulable=True)
        assert cluster.drain() == "not drained: no other node could take its pods"
        assert (cluster.spec(), cluster.where("default/web")) == ((False, False), [BOARD])

    def test_a_node_whose_kubelet_is_silent_is_cordoned_only(self, cluster: Cluster) -> None:
        cluster.declare(Workload(name="web", least=1))
        machine = cluster.bench.machine(BOARD).spec.id
        cluster.bench.rack.power(machine, on=False)
        try:
            assert cluster.drain() == "cordoned, not drained: its kubelet does not answer"
            assert cluster.spec() == (True, True)
        finally:
            cluster.bench.rack.power(machine, on=True)

    def test_a_node_that_nobody_knows_is_no_error(self, cluster: Cluster) -> None:
        assert drain(cluster.task, cluster.line, "hcloud-3", Deadline(5)) == "hcloud-1 knows no node hcloud-3"
        assert uncordon(cluster.task, cluster.line, "hcloud-3") == "was not cordoned"

    def test_a_lost_connection_says_where_and_that_the_next_run_goes_on(self, cluster: Cluster) -> None:
        cluster.bench.fault(SERVER, "k3s kubectl --request-timeout=10s patch", "disconnect")
        with pytest.raises(Failure) as caught:
            cluster.drain(5)
        assert (caught.value.code, caught.value.phase) == (Code.UNREACHABLE, "drain")
        assert caught.value.text == "deploy@198.51.100.1: the connection was lost; run again: it goes on here"
        assert cluster.drain() == "drained"


class TestVolumes:
    def test_a_cluster_without_longhorn_has_no_volumes(self, cluster: Cluster) -> None:
        assert volumes(cluster.task, cluster.line) == ()
        assert evict(cluster.task, cluster.line, BOARD, Deadline(5)) == "Longhorn has nothing there"
        assert forget_storage(cluster.task, cluster.line, BOARD) == "Longhorn knows nothing old of n100-1"

    def test_a_volume_tells_where_its_copies_are(self, cluster: Cluster) -> None:
        cluster.with_longhorn()
        cluster.volume("v", SERVER, BOARD)
        cluster.volume("w", BOARD, wanted=2, attached=False)
        assert volumes(cluster.task, cluster.line) == (
            Volume(
                name="v",
                wanted=2,
                state="attached",
                robustness="healthy",
                copies=(
                    Copy(host=SERVER, reachable=True, healthy=True, once=True),
                    Copy(host=BOARD, reachable=True, healthy=True, once=True),
                ),
            ),
            Volume(
                name="w",
                wanted=2,
                state="detached",
                robustness="unknown",
                copies=(Copy(host=BOARD, reachable=True, healthy=True, once=True),),
            ),
        )

    def test_copies_are_moved_away_and_none_comes_back(self, cluster: Cluster) -> None:
        cluster.with_longhorn()
        cluster.volume("w", BOARD)
        assert evict(cluster.task, cluster.line, BOARD, Deadline(20)) == "Longhorn has no replica there any more"
        assert cluster.copies("w") == [SERVER]
        # The server is closed as well now: there is nowhere to go, and what was closed by this run is opened again.
        with pytest.raises(Failure) as caught:
            evict(cluster.task, cluster.line, SERVER, Deadline(1))
        assert (caught.value.code, caught.value.phase, caught.value.text) == (
            Code.TIMED_OUT,
            "evict",
            (
                "after 1 s hcloud-1 still has replicas of w: Longhorn found no room on another host, or has not "
                "finished; the host takes replicas again; add a storage host, or give those volumes fewer copies "
                "(spec.numberOfReplicas of volumes.longhorn.io), then run again"
            ),
        )
        found = {
            node["metadata"]["name"]: node["spec"] for node in longhorn.NODE.all(cluster.bench.world.read(CLUSTER))
        }
        assert {name: (spec["allowScheduling"], spec["evictionRequested"]) for name, spec in found.items()} == {
            SERVER: (True, False),
            BOARD: (False, True),
        }

    def test_a_host_that_is_down_gives_nothing_and_keeps_a_last_copy(self, cluster: Cluster) -> None:
        cluster.with_longhorn()
        cluster.volume("v", SERVER, BOARD)
        cluster.volume("w", BOARD)
        machine = cluster.bench.machine(BOARD).spec.id
        cluster.bench.rack.power(machine, on=False)
        try:
            for work in (lambda: evict(cluster.task, cluster.line, BOARD, Deadline(5)), self.forget(cluster)):
                with pytest.raises(Failure) as caught:
                    work()
                assert (caught.value.code, "has the last copy of w;" in caught.value.text) == (Code.REFUSED, True)
            with cluster.bench.world.edit(CLUSTER) as document:
                for replica in longhorn.REPLICA.all(document):
                    if replica["spec"]["volumeName"] == "w":
                        longhorn.REPLICA.remove(document, replica)
            assert evict(cluster.task, cluster.line, BOARD, Deadline(5)) == (
                "n100-1 is down; nothing can be moved from it, and other hosts have copies of v"
            )
        finally:
            cluster.bench.rack.power(machine, on=True)

    @staticmethod
    def forget(cluster: Cluster) -> Any:
        """The forgetting of the board's storage, to be called."""
        return lambda: forget_storage(cluster.task, cluster.line, BOARD)

    def test_a_node_that_has_left_is_forgotten_and_one_that_is_there_is_not(
        self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cluster.with_longhorn()
        cluster.volume("v", SERVER, BOARD)
        monkeypatch.setattr("hostops.volumes.GONE_SECONDS", 1)
        with pytest.raises(Failure) as caught:
            self.forget(cluster)()
        assert (caught.value.code, caught.value.text) == (
            Code.TIMED_OUT,
            (
                "after 1 s Longhorn kept its node n100-1: Longhorn still sees it (Ready: True); stop k3s there, delete "
                "the node (kubectl delete node n100-1), then run again"
            ),
        )
        assert cluster.copies("v") == [SERVER, BOARD]
        document = cluster.bench.world.read(CLUSTER)
        cluster.line.run(f"k3s kubectl delete node {BOARD}", seconds=20)
        assert self.forget(cluster)() == "Longhorn forgot the node n100-1, 1 replicas with it"
        assert self.forget(cluster)() == "Longhorn knows nothing old of n100-1"
        with cluster.bench.world.edit(CLUSTER) as now:
            now["nodes"], now["passwords"] = document["nodes"], document["passwords"]

    def test_a_formatted_hosts_old_disk_is_forgotten_and_its_new_one_used(self, cluster: Cluster) -> None:
        cluster.with_longhorn()
        cluster.volume("v", SERVER, BOARD)
        machine = cluster.bench.machine(BOARD).spec.id
        (cluster.bench.world.root / "machines" / machine / "root" / DISK_FILE).unlink()
        cluster.settle()
        assert degraded(volumes(cluster.task, cluster.line)) == {"v"}
        said = forget_storage(cluster.task, cluster.line, BOARD, formatted=True)
        assert said == "Longhorn forgot the old disk of n100-1, 1 replicas with it"
        cluster.settle()
        assert (cluster.copies("v"), degraded(volumes(cluster.task, cluster.line))) == ([SERVER, BOARD], frozenset())


def made(*copies: tuple[str, bool, bool, bool]) -> Volume:
    """A volume with copies: host, reachable, healthy, once."""
    found = tuple(Copy(host=host, reachable=there, healthy=healthy, once=once) for host, there, healthy, once in copies)
    return Volume(name="v", wanted=3, state="attached", robustness="degraded", copies=found)


GOOD, DOWN, STALE, NEVER = (True, True, True), (False, True, True), (True, False, True), (True, False, False)


@pytest.mark.parametrize(
    ("copies", "last"),
    [
        ((("a", *GOOD), ("b", *GOOD)), False),
        ((("a", *GOOD),), True),
        ((("b", *GOOD),), False),
        # A copy that nobody reaches, or that has missed writes, is none.
        ((("a", *GOOD), ("b", *DOWN)), True),
        ((("a", *GOOD), ("b", *STALE)), True),
        # Without any good copy an old one is worth keeping; one that never was whole is not.
        ((("a", *STALE), ("b", *STALE)), True),
        ((("a", *NEVER), ("b", *STALE)), False),
        ((("a", *STALE), ("b", *GOOD)), False),
        ((), False),
    ],
)
def test_the_last_copy_is_the_one_that_nobody_else_could_give_back(
    copies: tuple[tuple[str, bool, bool, bool], ...], *, last: bool
) -> None:
    assert last_copies([made(*copies)], {"a"}) == (("v",) if last else ())


def test_copies_on_all_the_hosts_together_count_as_one() -> None:
    found = [made(("a", *GOOD), ("b", *GOOD))]
    assert (last_copies(found, ("a",)), last_copies(found, ("a", "b"))) == ((), ("v",))

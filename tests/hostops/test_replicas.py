"""A host that keeps Longhorn's copies is formatted only when every volume has a good one elsewhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sim.machines import longhorn
from sim.machines.longhorn.nodes import DISK_FILE, LABEL
from sim.machines.objects import DEFINITION
from tests.hostops.bench import Bench, Copies
from tests.hostops.test_drain import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED, BOARD = "hcloud-1", "n100-1"
CLUSTER = "clusters/sim"
TOKEN = f"{BOARD}@1"


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Copies:
    """A server and a board with storage, both installed."""
    base = tmp_path_factory.mktemp("replicas")
    work = base / "work"
    work.mkdir()
    made = Bench(work, (SEED, BOARD))
    made.fleet["addons"]["longhorn"] = {"enabled": True, "replicas": 1}
    made.hosts[BOARD]["storage"] = True
    made.write()
    with made.powered():
        made.rack_cloud(SEED)
        made.installed(SEED, BOARD)
        with made.world.edit(CLUSTER) as document:
            for kind in longhorn.KINDS:
                DEFINITION.add(document, "", kind.full)
        storage(made)
    return Copies(base, made)


@pytest.fixture
def bench(copies: Copies) -> Iterator[Bench]:
    """The two of them."""
    with copies.one() as made:
        yield made


def storage(made: Bench) -> None:
    """Give every node the label of its default disk, and let Longhorn see it."""
    with made.world.edit(CLUSTER) as document:
        for node in document["nodes"].values():
            node["metadata"]["labels"][LABEL] = "true"
    settle(made)


def volume(made: Bench, name: str, *hosts: str) -> None:
    """Put a volume in."""
    with made.world.edit(CLUSTER) as document:
        longhorn.add_volume(document, name, hosts)
    settle(made)


def settle(made: Bench) -> None:
    """Let the cluster's controllers work."""
    cluster = Cluster(made)
    with cluster.open():
        cluster.settle()


def into_installer(made: Bench) -> None:
    """Boot the installer medium on the board."""
    machine = made.machine(BOARD)
    disk = made.rack.detach_disk(machine.spec.id, machine.disks[0].serial)
    made.rack.reboot(machine.spec.id)
    made.rack.attach_disk(machine.spec.id, disk)


LAST = (
    "n100-1 has the last copy of data; let Longhorn make another one elsewhere first (more replicas, or an eviction of "
    "this host), wait until it is healthy, then run again; if their data is not needed, delete those volumes"
)


def test_the_host_with_the_last_copy_is_not_installed_again(bench: Bench) -> None:
    volume(bench, "data", BOARD)
    volume(bench, "other", SEED, BOARD)
    refused = bench.run("install", BOARD, NIXFLEET_REINSTALL=TOKEN)
    assert (refused.code, refused.last) == (3, f"hostops: {BOARD}: storage: failed: {LAST}")
    assert bench.events("kexec", BOARD) == 0
    assert json.loads(bench.run("status", BOARD).out)["hosts"][BOARD]["healthy"] is True


def test_longhorn_is_asked_once_more_right_before_the_disk_is_formatted(bench: Bench) -> None:
    volume(bench, "data", BOARD)
    content = bench.content(BOARD)
    into_installer(bench)
    refused = bench.run("install", BOARD, NIXFLEET_REINSTALL=TOKEN)
    assert (refused.code, refused.last) == (3, f"hostops: {BOARD}: storage: failed: {LAST}")
    assert bench.content(BOARD) == content


def test_where_no_server_answers_a_disk_with_storage_is_not_formatted(bench: Bench) -> None:
    content = bench.content(BOARD)
    into_installer(bench)
    bench.rack.power(f"id-{SEED}", on=False)
    refused = bench.run("install", BOARD, NIXFLEET_REINSTALL=TOKEN)
    device = bench.hosts[BOARD]["disk"]["device"]
    assert refused.code == 3
    assert refused.last.startswith(
        f"hostops: {BOARD}: storage: failed: {BOARD} keeps storage, and no server answers that could say whether a "
        f"volume has its last copy there ({SEED}: "
    )
    assert refused.last.endswith(
        "; bring a server back, then run again; if nothing on the disk is needed, "
        f"wipe it on that machine: wipefs -a {device}"
    )
    assert bench.content(BOARD) == content


def test_a_run_that_had_formatted_the_disk_goes_on_whatever_longhorn_thinks(bench: Bench) -> None:
    volume(bench, "data", SEED, BOARD)
    into_installer(bench)
    bench.fault(BOARD, "nixos-anywhere install")
    assert bench.run("install", BOARD, NIXFLEET_REINSTALL=TOKEN).code == 6
    with bench.world.edit(CLUSTER) as document:
        for replica in longhorn.REPLICA.all(document):
            if replica["spec"]["nodeID"] == SEED:
                replica["spec"] |= {"healthyAt": "", "failedAt": "2026-01-01T00:00:00Z"}
    assert bench.run("install", BOARD, NIXFLEET_REINSTALL=TOKEN).code == 0


def test_a_host_that_is_installed_again_keeps_storage(bench: Bench) -> None:
    """Longhorn knows a disk by an id on it, and would put nothing on the new one while it remembers the old."""
    volume(bench, "data", SEED, BOARD)
    before = disk(bench)
    done = bench.run("install", BOARD, NIXFLEET_REINSTALL=TOKEN)
    assert done.code == 0, done.err
    assert done.err.count("no volume has its last copy there") == 2
    assert f"; Longhorn forgot the node {BOARD}, 1 replicas with it (" in done.err
    storage(bench)
    after = disk(bench)
    assert after["diskUUID"] != before["diskUUID"]
    assert [one["status"] for one in after["conditions"] if one["type"] == "Ready"] == ["True"]


def disk(made: Bench) -> dict[str, Any]:
    """The board's disk as Longhorn reports it."""
    document = made.world.read(CLUSTER)
    (found,) = [node for node in longhorn.NODE.all(document) if node["metadata"]["name"] == BOARD]
    (status,) = found["status"]["diskStatus"].values()
    root = made.world.root / "machines" / made.machine(BOARD).spec.id / "root"
    assert json.loads((root / DISK_FILE).read_text())["diskUUID"] == status["diskUUID"]
    return dict(status)

"""The graph of resources on the real engine: nearly a tree, and what leaves goes in its order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sim.paths import resources_of, stored_state, visits
from sim.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from operate.record import Run

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A stack `sim` that is up, with an agent more on Hetzner."""
    made = Site.of_stack(tmp_path_factory.mktemp("graph"), "sim")
    made.change(grown)
    with made.powered():
        up = made.up()
        assert up.run.ok, up.run.errors
        yield made


MACHINE = {"hardware": "hcloud-x86", "serverType": "cx33"}


def grown(fleet: dict[str, Any]) -> None:
    # Beside a volume the system disk is named by its slot.
    disk = {**fleet["hosts"]["hcloud-1"]["disk"], "device": "/dev/disk/by-path/pci-0000:06:00.0-scsi-0:0:0:0"}
    disk.pop("unstablePath", None)
    server = {**fleet["hosts"]["hcloud-3"], **MACHINE, "disk": disk}
    fleet["hosts"]["worker"] = {**server, "role": "agent", "address": "10.90.0.14", "privateAddress": "10.20.0.14"}


def other_types(fleet: dict[str, Any]) -> None:
    for host in ("hcloud-1", "hcloud-2", "worker"):
        fleet["hosts"][host]["serverType"] = "ccx13"


def removed(fleet: dict[str, Any]) -> None:
    del fleet["hosts"]["worker"]


def moved(fleet: dict[str, Any]) -> None:
    fleet["hosts"]["hcloud-2"]["location"] = "nbg1"


def an_agent(fleet: dict[str, Any]) -> None:
    fleet["cluster"]["allowEvenServers"] = True
    fleet["hosts"]["hcloud-2"]["role"] = "agent"


def order(done: Run, *names: str) -> list[str]:
    """Those of the named resources that a run deleted, in the order in which that ended."""
    gone = [step for step in done.changes if step.op in {"delete", "delete-replaced"} and step.name in names]
    return [step.name for step in sorted(gone, key=lambda step: step.ended)]


def test_the_paths_from_any_resource_are_few(site: Site) -> None:
    found = visits(resources_of(stored_state(site.stage.base, "sim")))
    worst = max(found, key=found.__getitem__)
    assert found[worst] <= 100_000, worst


def test_machines_that_their_cloud_restarts_go_off_in_order_and_one_server_at_a_time(site: Site) -> None:
    site.change(other_types)
    done = site.up()
    assert done.run.ok, done.run.errors
    changed = ("hcloud-1", "hcloud-2")
    powered = [(event.machine, event.step) for event in done.events if event.step in {"poweroff", "power cut", "boot"}]
    servers = [step for step in powered if step[0] in changed]
    first, second = [machine for machine, step in servers if step == "poweroff"]
    assert {first, second} == set(changed)
    assert servers == [(first, "poweroff"), (first, "boot"), (second, "poweroff"), (second, "boot")]
    assert [step for machine, step in powered if machine == "worker"] == ["poweroff", "boot"]
    (cluster,) = site.stage.world.names("clusters")
    nodes = site.stage.world.read(cluster)["nodes"]
    assert [name for name in (*changed, "worker") if nodes[name]["spec"].get("unschedulable")] == []


def test_a_host_that_leaves_the_file_leaves_the_cluster_before_its_machine_goes(site: Site) -> None:
    site.change(removed)
    done = site.up()
    assert done.run.ok, done.run.errors
    gone = [command for command in done.commands if command.startswith("delete")]
    # Its peers forget it when it has left, and not before: without them its node would be down.
    assert gone == ["delete worker-membership", "delete fleet-peers"]
    documents = (site.stage.world.root / "machines").glob("*/**/etc/nixfleet/mesh.json")
    assert [path for path in documents if '"worker"' in path.read_text()] == []
    ending = ("nodes-worker", "worker-membership", "worker-volume-attachment", "worker-server")
    assert order(done.run, *ending) == list(ending)
    (cluster,) = site.stage.world.names("clusters")
    assert "worker" not in site.stage.world.read(cluster)["nodes"]


def test_a_role_is_left_before_the_host_takes_the_other_one(site: Site) -> None:
    site.change(an_agent)
    done = site.up()
    assert done.run.ok, done.run.errors
    commands = list(done.commands)
    assert commands.index("delete hcloud-2-membership") < commands.index("update hcloud-2-system")
    assert order(done.run, "hetzner-api-target-hcloud-2", "hcloud-2-membership")[-1] == "hcloud-2-membership"


def test_a_machine_is_replaced_after_its_member_has_left_and_its_target_is_out(site: Site) -> None:
    site.change(moved)
    done = site.up()
    assert done.run.ok, done.run.errors
    ending = ("hcloud-2-membership", "hcloud-2-attachment", "hcloud-2-server")
    assert order(done.run, *ending) == list(ending)
    assert site.up().commands == ()


def test_nobody_leaves_a_cluster_that_ends(site: Site) -> None:
    done = site.destroy()
    assert done.run.ok, done.run.errors
    assert not [command for command in done.commands if command.startswith("delete")]

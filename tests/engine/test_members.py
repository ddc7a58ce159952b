"""Bad days of a control plane, on the real engine: built again beside old boards, a dead seed, a sick member."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from sim.site import Site
from sim.world import Fault
from tests.faults import judge

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.engine

BOARDS = ("jetson-1", "n100-1")
HOSTS = ("hcloud-1", "hcloud-2", "hcloud-3", "jetson-1", "n100-1", "ovh-1")
SERVERS = ("hcloud-1", "hcloud-2", "hcloud-3")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A stack `sim` that is up."""
    made = Site.of_stack(tmp_path_factory.mktemp("members"), "sim")
    with made.powered():
        up = made.up()
        assert up.run.ok, up.run.errors
        yield made


def serving(site: Site) -> dict[str, Any]:
    """The one cluster that answers."""
    found = [site.stage.world.read(name) for name in site.stage.world.names("clusters")]
    (one,) = [cluster for cluster in found if cluster["available"]]
    return dict(one)


def ready(site: Site) -> set[str]:
    """Nodes that are Ready in it."""
    nodes = serving(site)["nodes"]
    return {name for name, node in nodes.items() if node["status"]["conditions"][0]["status"] == "True"}


def contents(site: Site) -> dict[str, list[str]]:
    """Content stamps of the machines' disks: another one is a format."""
    return {machine.spec.name: [disk.content for disk in machine.disks] for machine in site.stage.rack.machines()}


def test_a_dead_seed_is_replaced_and_joins(site: Site) -> None:
    before, cluster = contents(site), serving(site)
    machine = site.stage.rack.by_name("hcloud-1")
    assert machine is not None
    with site.stage.world.edit("clouds/hcloud") as document:
        servers = document["objects"]["Server"]
        (gone,) = [number for number, record in servers.items() if record["name"] == "hcloud-1"]
        del servers[gone]
    site.stage.rack.remove(machine.spec.id)
    assert site.refresh().run.ok
    done = site.up()
    assert done.run.ok, done.run.errors
    after = serving(site)
    assert (after["id"], sorted(after["members"]), ready(site)) == (cluster["id"], list(SERVERS), set(HOSTS))
    assert after["members"]["hcloud-1"]["id"] != cluster["members"]["hcloud-1"]["id"]
    changed = {name for name, stamps in contents(site).items() if stamps != before[name]}
    assert changed == {"hcloud-1"}


def test_a_sick_member_is_cured_by_the_change_that_all_get(site: Site) -> None:
    cluster = serving(site)
    machine = site.stage.rack.by_name("hcloud-3")
    assert machine is not None
    site.stage.world.inject(Fault(machine="hcloud-3", step="k3s start", kind="fail"))
    site.stage.rack.reboot(machine.spec.id)
    assert ready(site) == set(HOSTS) - {"hcloud-3"}
    site.change(lambda fleet: fleet.update(timezone="Europe/Rome"))
    done = site.up()
    assert done.run.ok, done.run.errors
    assert (serving(site)["members"], ready(site)) == (cluster["members"], set(HOSTS))


def another_patch(fleet: dict[str, Any]) -> None:
    """Another closure for every host, one agent at a time, and another add-on."""
    fleet["timezone"] = "Europe/Paris"
    fleet["rollout"] = {"batchSize": 1}
    fleet.setdefault("addons", {}).setdefault("multus", {})["version"] = "v4.2.4"


def test_one_agent_that_is_off_keeps_nobody_from_going_on_and_no_run_ends_well_without_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cast("dict[str, str]", site.stage.place.environment), "NIXFLEET_ANSWER_SECONDS", "8")
    machine = site.stage.rack.by_name("n100-1")
    assert machine is not None
    site.stage.rack.power(machine.spec.id, on=False)
    assert ready(site) == set(HOSTS) - {"n100-1"}
    site.change(another_patch)
    failed = site.up()
    assert not failed.run.ok
    (said,) = (error for error in failed.run.errors if "latecomers" in error)
    assert "n100-1 was off and left out, and all others are done (n100-1: no success within 8 s; last seen: " in said
    # It comes before ovh-1, whose turn came all the same, and so did the add-ons'.
    assert {f"update {host}-system" for host in HOSTS} <= set(failed.commands)
    assert failed.commands[-1] == "update fleet-latecomers"
    assert "multus-thick-daemon" in {step.name for step in failed.run.changes if step.op == "update"}
    again = site.up()
    assert (again.run.ok, again.commands) == (False, ("update fleet-latecomers",))
    site.stage.rack.power(machine.spec.id, on=True)
    done = site.up()
    assert (done.run.ok, done.commands) == (True, ("update fleet-latecomers",)), done.run.errors
    assert judge.healthy(judge.look(site)) == []
    assert site.up().commands == ()


def test_a_control_plane_that_is_built_again_takes_its_boards_back_without_a_format(site: Site) -> None:
    before, cluster = contents(site), serving(site)
    gone = site.destroy()
    assert gone.run.ok, gone.run.errors
    done = site.up()
    assert done.run.ok, done.run.errors
    assert serving(site)["id"] != cluster["id"]
    assert ready(site) == set(HOSTS)
    after = contents(site)
    assert {board: after[board] for board in BOARDS} == {board: before[board] for board in BOARDS}

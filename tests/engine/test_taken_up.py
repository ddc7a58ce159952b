"""What a broken run or a lost state leaves behind is taken up again: objects in clouds, and Helm's releases."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from fleet import inventory
from fleet.document import read_fleet
from fleet.profiles import load_profiles
from operate.engine import ROOT, environment, select
from operate.messages import OperateError
from operate.past import past
from sim.site import Site
from sim.world import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.engine


def alone(fleet: dict[str, Any]) -> None:
    """One Hetzner server with a volume behind a balancer, one OVH instance, no add-ons: every kind of object once."""
    fleet["hosts"] = {name: fleet["hosts"][name] for name in ("hcloud-3", "ovh-1")}
    fleet["cluster"]["seed"] = "hcloud-3"
    fleet["addons"] = {name: {"enabled": False} for name in ("multus", "longhorn", "kyverno", "smokeTest")}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose first `up` lost the answers to the creation of its server and of its instance."""
    made = Site.of_stack(tmp_path_factory.mktemp("adoption"), "sim")
    made.change(alone)
    world = made.stage.world
    with made.powered():
        world.inject(Fault(machine="hcloud", step="create Server hcloud-3-server", kind="disconnect"))
        assert not made.up().run.ok
        yield made


def objects(site: Site, cloud: str) -> dict[str, dict[str, Any]]:
    """What a cloud has."""
    return dict(site.stage.world.read(f"clouds/{cloud}")["objects"])


def number(site: Site, noun: str) -> str:
    """Id of the one Hetzner object of a kind."""
    (found,) = objects(site, "hcloud")[noun]
    return found


def lists(site: Site) -> int:
    """How often a cloud was asked for lists."""
    calls = [site.stage.world.read(f"clouds/{name}")["calls"] for name in ("hcloud", "ovh")]
    return sum(count for cloud in calls for call, count in cloud.items() if call.startswith("list "))


def formats(site: Site) -> list[str]:
    """Machines that were formatted, once for each time."""
    return sorted(event.machine for event in site.stage.world.events() if event.step.startswith("format"))


def refusal(site: Site) -> str:
    with pytest.raises(OperateError) as refused:
        site.up()
    return str(refused.value)


def test_a_lost_answer_is_named_at_preview_and_refused_at_up_and_taken_into_the_state(site: Site) -> None:
    server = number(site, "Server")
    said = (
        f"Hetzner has objects of stack sim that its state does not know: server hcloud-3 ({server}); `make adopt "
        "STACK=sim` takes them into the state; one that holds nothing can be deleted in Hetzner's console"
    )
    foretold = site.preview()
    assert foretold.run.notices == (said,)
    assert refusal(site) == f"nothing was begun: {said}"
    done = site.adopt()
    assert done.run.ok, done.run.errors
    assert [step.name for step in done.run.operations if step.op == "import"] == ["hcloud-3-server"]
    assert list(objects(site, "hcloud")["Server"]) == [server]
    assert formats(site) == ["hcloud-3", "ovh-1"]


def test_an_unchanged_stack_asks_no_cloud_and_has_what_the_inventory_says(site: Site) -> None:
    before = lists(site)
    done = site.up()
    assert done.run.ok, done.run.errors
    assert done.run.notices == ()
    assert [step.name for step in done.run.changes] == []
    assert lists(site) == before
    fleet = read_fleet(site.fleet, "Pulumi.sim.yaml", load_profiles(ROOT))
    deploy = site.ring.identities(("hcloud-3", "ovh-1")).deploy_key
    known = set(past(state(site)).resources)
    assert {one for one in known if one[0].startswith("hcloud:")} == inventory.hetzner_resources(fleet, deploy)
    assert {one for one in known if one[0] == inventory.INSTANCE} == inventory.ovh_resources(fleet)


def state(site: Site) -> Any:
    """The stack's state, as the engine exports it."""
    with environment(site.stage.place.variables()):
        return json.loads(select(site.stage.place).workspace.state)["deployment"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("killed", "change"),
    [
        ("kill install kyverno", {"enabled": True, "version": "3.8.2"}),
        ("kill upgrade kyverno", {"enabled": True}),
    ],
)
def test_a_release_that_was_killed_half_way_is_taken_up_again(site: Site, killed: str, change: dict[str, Any]) -> None:
    site.change(lambda fleet: fleet["addons"].update(kyverno=change))
    site.stage.world.inject(Fault(machine="kubernetes", step=killed, kind="fail"))
    first = site.up()
    assert (first.run.ok, first.run.errors) == (False, ("signal: killed",))
    again = site.up()
    assert again.run.ok, again.run.errors
    (cluster,) = site.stage.world.names("clusters")
    release = site.stage.world.read(cluster)["releases"]["kyverno/kyverno"]
    assert release.get("status", "deployed") == "deployed"


def test_there_is_nothing_to_adopt_where_the_state_knows_everything(site: Site) -> None:
    with pytest.raises(OperateError) as refused:
        site.adopt()
    assert str(refused.value) == (
        "there is nothing to adopt: the state of stack sim knows everything of it that its file wants"
    )


def test_an_instance_of_ovh_is_never_made_twice_and_a_lost_state_is_taken_up_again(site: Site) -> None:
    held, machines = objects(site, "hcloud"), formats(site)
    instance = next(iter(objects(site, "ovh")["Instance"]))
    shutil.rmtree(site.stage.base / "state" / ".pulumi" / "stacks")
    said = refusal(site)
    assert said.startswith("nothing was begun: Hetzner has objects of stack sim that its state does not know: server h")
    assert said.endswith(
        "; OVH has instances with names of stack sim that its state does not know, and its plugin takes none into a "
        f"state: instance ovh-1 ({instance}, GRA11); where one holds nothing, delete it in OVH's console; else bring "
        "the state back (`make recall` has the copy of the last run here)"
    )
    site.change(lambda fleet: fleet["hosts"].pop("ovh-1"))
    done = site.adopt()
    # What runs in the cluster was in the lost state too, and is no object of a cloud.
    # Which of it is met first is the engine's matter.
    assert done.run.errors
    assert [error for error in done.run.errors if not error.endswith(" already exists")] == []
    now = objects(site, "hcloud")
    assert {noun: set(found) for noun, found in now.items()} == {noun: set(found) for noun, found in held.items()}
    assert formats(site) == machines
    again = site.preview()
    assert {step.name for step in again.run.changes if step.type.startswith("hcloud:")} == set()
    assert not again.run.notices


def test_a_machine_that_answers_with_another_key_is_not_taken(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(site.stage.base / "state" / ".pulumi" / "stacks")
    site.ring.hosts.pop("hcloud-3")
    site.write()
    monkeypatch.setenv("NIXFLEET_CONTACT_SECONDS", "3")
    with pytest.raises(OperateError) as refused:
        site.adopt()
    said, server = str(refused.value), number(site, "Server")
    assert said.startswith(f"nothing was begun: server hcloud-3 ({server}): hcloud-3: contact: failed: ")
    assert "did not let us in within 3 s" in said
    assert past(state(site)).resources == {}

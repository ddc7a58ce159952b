"""A protected stack on the real engine: what would take something away ends before its first step, by either way."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from operate.messages import OperateError
from sim.site import Site
from tests.engine.byhand import run_by_hand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from operate.record import Run

    Edit = Callable[[dict[str, Any]], object]

pytestmark = pytest.mark.engine

CURE = "put it back; or, if it is meant, set protection: false alone, run up, and then make this change"
LAW = "protection keeps machines, volumes and the cluster"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A protected stack `sim` that is up."""
    made = Site.of_stack(tmp_path_factory.mktemp("protected"), "sim")
    made.change(protected)
    with made.powered():
        up = made.up()
        assert up.run.ok, up.run.errors
        yield made


def protected(fleet: dict[str, Any]) -> None:
    fleet["protection"] = True


def removed(fleet: dict[str, Any]) -> None:
    del fleet["hosts"]["hcloud-3"]
    fleet["cluster"]["allowEvenServers"] = True
    fleet.setdefault("addons", {}).setdefault("longhorn", {})["replicas"] = 1


def moved(fleet: dict[str, Any]) -> None:
    fleet["hosts"]["ovh-1"]["region"] = "SBG5"


def without_longhorn(fleet: dict[str, Any]) -> None:
    fleet["addons"] = {
        **fleet.get("addons", {}),
        "longhorn": {"enabled": False},
        "smokeTest": {"enabled": False},
    }


def unprotected_and_removed(fleet: dict[str, Any]) -> None:
    fleet["protection"] = False
    removed(fleet)


REFUSED: dict[str, tuple[Edit, str]] = {
    "a host removed": (removed, f"hosts.hcloud-3: removed: {LAW}; {CURE}"),
    "a host removed together with the protection": (
        unprotected_and_removed,
        f"hosts.hcloud-3: removed: {LAW}; {CURE}",
    ),
    "a machine elsewhere": (
        moved,
        f"hosts.ovh-1: another machine (ovh-instance {{flavor}} GRA11 -> ovh-instance {{flavor}} SBG5): {LAW}; {CURE}",
    ),
    "Longhorn switched off": (
        without_longhorn,
        f"addons.longhorn.enabled: false: Longhorn is uninstalled, with what its volumes hold: {LAW}; {CURE}",
    ),
}


def world(site: Site) -> dict[str, Any]:
    """Clouds and cluster."""
    (cluster,) = site.stage.world.names("clusters")
    clouds = {name: site.stage.world.read(f"clouds/{name}") for name in ("hcloud", "ovh")}
    return copy.deepcopy({**clouds, "cluster": site.stage.world.read(cluster)["nodes"]})


def done_by(run: Run) -> list[tuple[str, str]]:
    """Steps that changed something."""
    return [(step.op, step.name) for step in run.changes if not step.failed]


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("verb", ["up", "preview"])
def test_a_run_that_would_take_something_away_does_not_begin(
    edited: Callable[[Edit], Site], verb: str, case: str
) -> None:
    edit, fault = REFUSED[case]
    site = edited(edit)
    before = world(site)
    with pytest.raises(OperateError) as refused:
        getattr(site, verb)()
    flavor = site.fleet["hosts"]["ovh-1"]["flavorId"]
    assert str(refused.value) == (
        f"nothing was begun: the change of stack sim has 1 fault:\n  {fault.format(flavor=flavor)}"
    )
    assert world(site) == before


@pytest.mark.parametrize("case", REFUSED)
def test_the_engine_run_by_hand_stops_in_its_first_step(edited: Callable[[Edit], Site], case: str) -> None:
    edit, fault = REFUSED[case]
    site = edited(edit)
    before = world(site)
    run = run_by_hand("up", site.stage.place)
    assert not run.ok
    assert done_by(run) == []
    assert fault.format(flavor=site.fleet["hosts"]["ovh-1"]["flavorId"]) in "\n".join(run.errors)
    assert world(site) == before


def test_the_end_of_a_protected_stack_does_not_begin(site: Site) -> None:
    before = world(site)
    with pytest.raises(OperateError) as refused:
        site.destroy()
    said = str(refused.value)
    assert said.startswith("stack sim is protected, and nothing was deleted: fleet, hcloud-1-server, ")
    assert said.endswith(
        "; if its end is meant, set `protection: false` in Pulumi.sim.yaml, run `make up STACK=sim`, then run this "
        "command again"
    )
    assert world(site) == before


def test_the_end_by_hand_stops_in_its_first_step(site: Site) -> None:
    before = world(site)
    run = run_by_hand("destroy", site.stage.place)
    assert not run.ok
    assert done_by(run) == []
    (said,) = run.errors
    assert said == (
        "a protected resource would be deleted: if that is meant, set `protection: false` in Pulumi.sim.yaml, "
        "run `make up STACK=sim`, then run this command again"
    )
    assert world(site) == before


def test_without_protection_the_same_goes_through(edited: Callable[[Edit], Site]) -> None:
    site = edited(lambda fleet: fleet.update(protection=False))
    up = site.up()
    assert up.run.ok, up.run.errors
    gone = site.destroy()
    assert gone.run.ok, gone.run.errors
    for cloud in ("hcloud", "ovh"):
        objects = site.stage.world.read(f"clouds/{cloud}")["objects"]
        assert {noun: found for noun, found in objects.items() if found} == {}

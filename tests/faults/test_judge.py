"""The judge's laws under test: each finds the world that breaks it, and is content with a whole one."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from sim.machines.closure import Closure
from sim.machines.machine import Disk, Machine, MachineSpec, Unit
from sim.world import Event
from tests.faults import judge
from tests.faults.judge import Scene, Told

if TYPE_CHECKING:
    from collections.abc import Callable

SERVERS = ("s1", "s2", "s3")
CONTRACT: dict[str, Any] = {
    "cluster": {"name": "c", "k3sVersion": "v1"},
    "hosts": {name: {"role": "server" if name in SERVERS else "agent"} for name in (*SERVERS, "a1")},
}


def node() -> dict[str, Any]:
    """A node that is well."""
    conditions = [{"type": "Ready", "status": "True"}]
    return {"spec": {}, "status": {"conditions": conditions, "nodeInfo": {"kubeletVersion": "v1"}}}


def whole() -> Scene:
    """A site where everything is as it should be."""
    machines = {
        name: Machine(
            spec=MachineSpec(
                id=name,
                name=name,
                disks=(Disk(serial=f"D{name}", size_gib=1, content=f"first-{name}"),),
                medium="installer",
                addresses=(),
            ),
            system="nixos",
        )
        for name in CONTRACT["hosts"]
    }
    system = {
        name: Closure(
            path=f"/nix/store/{name}", stack="sim", host=name, kernel="", cluster=CONTRACT["cluster"], entry=e
        )
        for name, e in CONTRACT["hosts"].items()
    }
    cluster = {
        "available": True,
        "leader": "s1",
        "members": {name: {"id": f"id-{name}", "learner": False} for name in SERVERS},
        "nodes": {name: node() for name in CONTRACT["hosts"]},
        "objects": {},
    }
    return Scene(
        contract=CONTRACT,
        machines=machines,
        current=system,
        default=dict(system),
        clusters={"clusters/c": cluster},
        data={name: ("clusters/c", f"id-{name}") for name in SERVERS},
        events=(),
    )


def event(machine: str, step: str, detail: str = "") -> Event:
    """Something that happened."""
    return Event(machine=machine, step=step, detail=detail, at=0)


def with_disk(scene: Scene, name: str, content: str) -> Scene:
    """A scene with another content on a machine's disk."""
    machines = copy.deepcopy(dict(scene.machines))
    machines[name].replace_disk(replace(machines[name].disks[0], content=content))
    return replace(scene, machines=machines)


def test_a_whole_site_breaks_no_law() -> None:
    site = whole()
    assert judge.healthy(site) == []
    assert judge.truthful(True, site) == []  # noqa: FBT003 - how the run ended
    assert judge.other_disks_untouched(site, site, ()) == []
    assert judge.formatted_at_most_once(site, site, ()) == []
    assert judge.one_cluster(site, site) == []
    assert judge.quorum_kept(site, site) == []
    assert judge.one_leader(site) == []


def test_a_formatted_disk_is_seen_unless_it_was_to_be_installed() -> None:
    after = with_disk(whole(), "a1", "second")
    assert judge.other_disks_untouched(whole(), after, ()) == ["a1: disk Da1 was formatted"]
    assert judge.other_disks_untouched(whole(), after, ("a1",)) == []


@pytest.mark.parametrize(
    ("steps", "licensed", "broken"),
    [
        (["format"], False, True),
        (["format"], True, False),
        # An installation that failed before its system ran goes on with what it began.
        (["format", "format", "boot"], True, False),
        (["format", "boot", "format"], True, True),
    ],
)
def test_a_disk_with_a_system_that_ran_is_formatted_once_and_by_licence_only(
    steps: list[str], *, licensed: bool, broken: bool
) -> None:
    events = tuple(event("a1", step, "nixos") for step in steps)
    found = judge.formatted_at_most_once(whole(), replace(whole(), events=events), ("a1",) if licensed else ())
    assert found == (["a1: a disk with a running system was formatted (nixos)"] if broken else [])


def test_a_second_cluster_is_seen_also_where_there_was_none() -> None:
    two = replace(whole(), clusters={**whole().clusters, "clusters/c-2": {}})
    assert judge.one_cluster(whole(), two) == ["a second cluster: clusters/c-2"]
    none = replace(whole(), clusters={})
    assert judge.one_cluster(none, two) == ["a second cluster: clusters/c-2"]
    assert judge.one_cluster(none, whole()) == []


def test_a_lost_quorum_is_seen_in_what_happened_since() -> None:
    lost = replace(whole(), events=(event("kubernetes", "quorum lost", "clusters/c"),))
    assert judge.quorum_kept(whole(), lost) == ["clusters/c lost its quorum"]
    assert judge.quorum_kept(lost, lost) == []


def edited(change: Callable[[dict[str, Any]], object]) -> Scene:
    """A scene with a change in its cluster."""
    cluster = copy.deepcopy(dict(whole().clusters["clusters/c"]))
    change(cluster)
    return replace(whole(), clusters={"clusters/c": cluster})


def test_two_leaders_a_leader_that_cannot_vote_and_data_of_another_cluster_are_seen() -> None:
    second = {**whole().clusters["clusters/c"], "leader": "s3"}
    two = replace(whole(), clusters={**whole().clusters, "clusters/c-2": second})
    assert judge.one_leader(two) == ["2 leaders: s1 in clusters/c, s3 in clusters/c-2"]
    learner = edited(lambda cluster: cluster["members"]["s1"].update(learner=True))
    assert judge.one_leader(learner) == ["s1 leads clusters/c and is no voter of it"]
    gone = edited(lambda cluster: cluster["members"].pop("s1"))
    assert judge.one_leader(gone) == ["s1 leads clusters/c and is no voter of it"]
    astray = replace(whole(), data={**whole().data, "s2": ("clusters/c-2", "x")})
    assert judge.one_leader(astray) == ["s2: its etcd is of clusters/c-2, and s1 leads clusters/c"]
    # Without a quorum nobody leads, and what lies on disks may be of before.
    assert judge.one_leader(replace(astray, clusters=edited(lambda c: c.update(leader="")).clusters)) == []


def off(scene: Scene) -> Scene:
    """A scene with a machine that is off."""
    machines = copy.deepcopy(dict(scene.machines))
    machines["a1"].power = False
    return replace(scene, machines=machines)


def armed(scene: Scene) -> Scene:
    """A scene with a watchdog that nobody disarmed."""
    machines = copy.deepcopy(dict(scene.machines))
    machines["a1"].units["nixfleet-rollback.timer"] = Unit(argv=("sh",))
    return replace(scene, machines=machines)


def test_a_volume_without_a_copy_is_seen_unless_it_wants_but_one() -> None:
    lost = (event("longhorn", "volume faulted", "v"),)
    for wanted, broken in ((2, ["volume v lost its last copy"]), (1, [])):
        scene = edited(partial(volume, wanted=wanted))
        assert judge.copies_kept(scene, replace(scene, events=lost)) == broken
        assert judge.copies_kept(replace(scene, events=lost), replace(scene, events=lost)) == []


def volume(cluster: dict[str, Any], wanted: int = 2) -> None:
    """A volume that lost a copy."""
    cluster["objects"]["longhorn.io/Volume/longhorn-system/v"] = {
        "metadata": {"name": "v"},
        "spec": {"numberOfReplicas": wanted},
        "status": {"robustness": "degraded"},
    }


SICK: dict[str, tuple[Scene, str]] = {
    "a machine is off": (off(whole()), "a1: power False, runs nixos"),
    "a machine is missing": (
        replace(whole(), machines={name: m for name, m in whole().machines.items() if name != "a1"}),
        "a1: there is no machine",
    ),
    "another system runs": (
        replace(whole(), current={**whole().current, "a1": whole().current["s1"]}),
        "a1: runs /nix/store/s1, not what the contract means",
    ),
    "another system boots next": (
        replace(whole(), default={**whole().default, "a1": None}),
        "a1: boots next nothing of ours, not what the contract means",
    ),
    "a watchdog is armed": (armed(whole()), "a1: its watchdog is armed (nixfleet-rollback.timer)"),
    "two clusters": (
        replace(whole(), clusters={**whole().clusters, "clusters/c-2": {}}),
        "clusters: clusters/c, clusters/c-2",
    ),
    "a member is missing": (
        replace(
            edited(lambda cluster: cluster["members"].pop("s2")),
            data={name: found for name, found in whole().data.items() if name != "s2"},
        ),
        "members of etcd are ['s1', 's3'], servers are ['s1', 's2', 's3']",
    ),
    "a server has another member's data": (
        replace(whole(), data={**whole().data, "s2": ("clusters/c", "x")}),
        "members of etcd are {'s1': 'id-s1', 's2': 'id-s2', 's3': 'id-s3'}, "  # noqa: ISC004 - one text
        "and the servers' disks say {'s1': 'id-s1', 's2': 'x', 's3': 'id-s3'}",
    ),
    "nobody leads": (edited(lambda cluster: cluster.update(leader="")), "etcd has no leader"),
    "a strange node": (
        edited(lambda cluster: cluster["nodes"].update(x=node())),
        "nodes are ['a1', 's1', 's2', 's3', 'x'], hosts are ['a1', 's1', 's2', 's3']",
    ),
    "no answer": (edited(lambda cluster: cluster.update(available=False)), "the cluster does not answer"),
    "a node is not Ready": (
        edited(lambda cluster: cluster["nodes"]["a1"]["status"].update(conditions=[])),
        "node a1: not Ready",
    ),
    "a node has another version": (
        edited(lambda cluster: cluster["nodes"]["a1"]["status"].update(nodeInfo={})),
        "node a1: not on v1",
    ),
    "a node is cordoned": (
        edited(lambda cluster: cluster["nodes"]["a1"]["spec"].update(unschedulable=True)),
        "node a1: cordoned",
    ),
    "a volume is degraded": (edited(volume), "volume v is degraded"),
}


@pytest.mark.parametrize("case", SICK)
def test_what_is_not_well_is_named_and_a_run_that_calls_it_well_lies(case: str) -> None:
    scene, fault = SICK[case]
    assert judge.healthy(scene) == [fault]
    assert judge.truthful(True, scene) == [f"the run ended with 0, and {fault}"]  # noqa: FBT003 - how it ended
    assert judge.truthful(False, scene) == []  # noqa: FBT003 - how it ended


def test_a_failed_run_names_host_and_phase_of_each_fault() -> None:
    lines, told = ["a1: disko: failed: why"], [Told("a1", ("disko",))]
    assert judge.named(False, lines, told) == []  # noqa: FBT003 - how the run ended
    assert judge.named(True, [], told) == []  # noqa: FBT003 - how the run ended
    for wrong in (["a2: disko: failed"], ["a1: kexec: failed"], ["a2: disko: failed: /nix/store/xa1y-a1"], []):
        assert judge.named(False, wrong, told) == [  # noqa: FBT003 - how the run ended
            f"no error names a1 with one of disko: {wrong}"
        ]


def test_a_secret_in_what_is_shown_is_seen() -> None:
    assert judge.silent(["words", "my s3cret"], {"token": "s3cret"}) == ["token is in the output"]
    assert judge.silent(["words"], {"token": "s3cret"}) == []

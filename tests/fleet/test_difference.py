"""What a change of a stack means for its hosts."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.contract.difference import Change, Impact, Side, changes, render_changes
from fleet.contract.facts import contract
from fleet.document import read_fleet
from fleet.keys.pairs import make_identities
from tests.fleet.documents import PROFILES, base, changed

IDENTITIES = make_identities({host for name in ("lan", "mesh") for host in base(name)["hosts"]})[0]


def _side(document: Any, *, fleet: bool = True) -> Side:
    found = read_fleet(document, "x", PROFILES)
    return Side(contract=contract("x", found, IDENTITIES, PROFILES), fleet=found if fleet else None)


def _changes(name: str, change: dict[str, Any], *, fleet: bool = True) -> tuple[Change, ...]:
    return changes(_side(base(name), fleet=fleet), _side(changed(change, base(name)), fleet=fleet))


def test_nothing_changes_from_a_stack_to_itself() -> None:
    assert _changes("lan", {}) == ()
    assert render_changes(()) == "nothing changes\n"


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        (
            "lan",
            {"hosts/n1/labels": {"example.net/rack": "a"}},
            [Change(subject="n1", impact=Impact.ROLLING, reasons=("labels.example.net/rack: absent -> a",))],
        ),
        (
            "lan",
            {"hosts/j1/tuning": {"zramPercent": 50}},
            [Change(subject="j1", impact=Impact.ROLLING, reasons=("tuning.zramPercent: 25 -> 50",))],
        ),
        (
            "lan",
            {"hosts/j1/disk/serial": "A9"},
            [Change(subject="j1", impact=Impact.INSTALL, reasons=("disk.serial: A4 -> A9",))],
        ),
        (
            "lan",
            {"hosts/n1/reinstall": "n1@2"},
            [Change(subject="n1", impact=Impact.INSTALL, reasons=("reinstall: none -> n1@2",))],
        ),
        (
            "mesh",
            {"hosts/h1/image": "debian-12"},
            [Change(subject="h1", impact=Impact.NONE, reasons=("image: debian-13 -> debian-12",))],
        ),
        (
            "lan",
            {"timezone": "Europe/Berlin"},
            [Change(subject="all hosts", impact=Impact.ROLLING, reasons=("timezone: UTC -> Europe/Berlin",))],
        ),
        (
            "lan",
            {"rollout": {"batchSize": 2}},
            [Change(subject="stack", impact=Impact.NONE, reasons=("rollout.batchSize: 5 -> 2",))],
        ),
        (
            "mesh",
            {"hosts/h1/serverType": "cpx32", "hosts/h1/disk/sizeGib": 160},
            [
                Change(
                    subject="h1",
                    impact=Impact.INSTALL,
                    reasons=("disk.sizeGib: 80 -> 160", "serverType: cx33 -> cpx32"),
                )
            ],
        ),
        (
            "mesh",
            {"hosts/h1/serverType": "ccx13"},
            [Change(subject="h1", impact=Impact.RESTART, reasons=("serverType: cx33 -> ccx13",))],
        ),
        (
            "mesh",
            {"hosts/h1/location": "nbg1"},
            [Change(subject="h1", impact=Impact.INSTALL, reasons=("location: fsn1 -> nbg1",))],
        ),
        (
            "mesh",
            {"hosts/h1/volume": {"sizeGib": 60}},
            [Change(subject="h1", impact=Impact.ROLLING, reasons=("volumeSizeGib: 50 -> 60",))],
        ),
        (
            "mesh",
            {"hosts/h1/volume": None},
            [Change(subject="h1", impact=Impact.INSTALL, reasons=("volumeSizeGib: 50 -> none",))],
        ),
        (
            "lan",
            {"addons/longhorn": {"backupTarget": "s3://b@fsn1/"}},
            [
                Change(
                    subject="stack",
                    impact=Impact.NONE,
                    reasons=("addons.longhorn.backupTarget: none -> s3://b@fsn1/",),
                )
            ],
        ),
    ],
)
def test_a_change_reaches_the_hosts_that_it_is_about(name: str, change: dict[str, Any], expected: list[Change]) -> None:
    assert list(_changes(name, {"set": change})) == expected


def test_a_host_that_joins_and_one_that_leaves() -> None:
    agent = base("lan")["hosts"]["j1"]
    joins = changes(_side(changed({"remove": ["hosts/j1"]}, base("lan"))), _side(base("lan")))
    leaves = changes(_side(base("lan")), _side(changed({"remove": ["hosts/j1"]}, base("lan"))))
    assert agent["role"] == "agent"
    assert joins == (Change(subject="j1", impact=Impact.INSTALL, reasons=("a new host",)),)
    assert leaves == (Change(subject="j1", impact=Impact.NONE, reasons=("it leaves the fleet",)),)


def test_a_server_that_joins_is_known_to_all_hosts() -> None:
    smaller = changed(
        {"remove": ["hosts/n3"], "set": {"cluster/allowEvenServers": True, "addons": {"longhorn": {"replicas": 2}}}},
        base("lan"),
    )
    found = changes(_side(smaller, fleet=False), _side(base("lan"), fleet=False))
    assert render_changes(found) == (
        "all hosts: rolling\n  servers.n3: absent -> 10.0.1.13\nn3: install\n  a new host\n"
    )


def test_contracts_alone_tell_closures_only() -> None:
    assert _changes("mesh", {"set": {"hosts/h1/serverType": "ccx13"}}, fleet=False) == ()


def test_what_all_hosts_know_is_told_once() -> None:
    found = _changes("lan", {"set": {"firewall/adminRanges": ["192.0.2.0/24"], "rollout": {"batchSize": 2}}})
    assert render_changes(found) == (
        "all hosts: rolling\n  adminRanges: ['10.0.1.0/24'] -> ['192.0.2.0/24']\n"
        "stack: none\n  rollout.batchSize: 5 -> 2\n"
    )

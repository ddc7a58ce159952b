"""Every refused document, with its whole message; and what must hold of the laws themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fleet.document import read_fleet, read_whole
from fleet.faults import FleetError
from fleet.laws import EVERY_HOST, laws
from fleet.model import camel
from fleet.settings import Fleet
from fleet.typefaults import shown
from tests.fleet.documents import PROFILES, base, changed, table

if TYPE_CHECKING:
    from fleet.laws import Law

REFUSED: list[dict[str, Any]] = table("refused.yaml")


def _refused(case: dict[str, Any]) -> Any:
    return changed(case, base(case["base"]))


def _many_servers() -> Any:
    document = base("hetzner")
    document["hosts"] = {
        f"s{number}": document["hosts"]["h1"] | {"address": f"10.20.0.{100 + number}"} for number in range(26)
    }
    document["cluster"] |= {"seed": "s1", "allowEvenServers": True}
    return document


@pytest.mark.parametrize("name", ["lan", "mesh", "hetzner"])
def test_the_bases_are_lawful(name: str) -> None:
    assert read_fleet(base(name), name, PROFILES).hosts


@pytest.mark.parametrize("case", REFUSED, ids=[case["refuses"] for case in REFUSED])
def test_a_refused_document_is_told_all_its_faults(case: dict[str, Any]) -> None:
    with pytest.raises(FleetError) as caught:
        read_fleet(_refused(case), "Pulumi.x.yaml", PROFILES)
    count = "1 fault" if len(case["faults"]) == 1 else f"{len(case['faults'])} faults"
    assert str(caught.value) == "\n".join([f"Pulumi.x.yaml has {count}:", *(f"  {fault}" for fault in case["faults"])])


def test_no_two_refused_documents_are_alike() -> None:
    assert len(REFUSED) >= 40
    assert len({case["refuses"] for case in REFUSED}) == len(REFUSED)


def _name(law: Law) -> str:
    return law.find.__name__


@pytest.mark.parametrize("law", laws(), ids=_name)
def test_every_law_is_broken_by_some_document(law: Law) -> None:
    documents = [*(_refused(case) for case in REFUSED), _many_servers()]
    fleets = [read_whole(document, PROFILES)[0] for document in documents]
    assert any(list(law.find(fleet, PROFILES)) for fleet in fleets if fleet)


@pytest.mark.parametrize("law", laws(), ids=_name)
@pytest.mark.parametrize("name", ["lan", "mesh", "hetzner"])
def test_a_law_reads_nothing_that_it_does_not_need(law: Law, name: str) -> None:
    fleet = read_fleet(base(name), name, PROFILES)
    needed = {section: getattr(fleet, section) for section in law.needs - {EVERY_HOST}}
    assert list(law.find(Fleet.model_construct(**needed), PROFILES)) == []


@pytest.mark.parametrize("name", ["lan", "mesh", "hetzner"])
def test_a_host_that_cannot_be_read_causes_one_fault_only(name: str) -> None:
    for host in base(name)["hosts"]:
        document = changed({"set": {f"hosts/{host}/role": "idler"}}, base(name))
        _, faults = read_whole(document, PROFILES)
        assert [fault.path for fault in faults] == [f"hosts.{host}.role"]


@pytest.mark.parametrize("name", ["lan", "mesh", "hetzner"])
def test_a_section_that_cannot_be_read_causes_one_fault_only(name: str) -> None:
    for section in Fleet.model_fields:
        if section in ("hosts", "protection", "timezone"):
            continue
        document = changed({"set": {f"{camel(section)}": "nonsense"}}, base(name))
        _, faults = read_whole(document, PROFILES)
        assert [fault.path for fault in faults] == [camel(section)]


def test_a_private_key_is_never_repeated() -> None:
    assert shown("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blb") == "a private key, not shown here"


def test_a_long_value_is_cut() -> None:
    assert shown("x" * 100) == '"' + "x" * 59 + "..."


def test_more_servers_than_a_load_balancer_takes_are_refused() -> None:
    with pytest.raises(FleetError) as caught:
        read_fleet(_many_servers(), "many", PROFILES)
    assert [str(fault) for fault in caught.value.faults] == [
        "endpoint.type: lb11: it takes 25 targets, and there are 26 servers; use a bigger type",
        (
            "hosts: 26 servers: etcd becomes slower with every member and its makers advise no more than 7; "
            "make the others agents"
        ),
    ]


def test_more_admin_ranges_than_a_firewall_rule_takes_are_refused() -> None:
    document = base("lan")
    document["firewall"]["adminRanges"] = [f"192.0.2.{number}/32" for number in range(101)]
    with pytest.raises(FleetError) as caught:
        read_fleet(document, "many", PROFILES)
    assert [str(fault) for fault in caught.value.faults] == [
        (
            "firewall.adminRanges: 101 ranges: a firewall rule of Hetzner takes at most 100; "
            "merge neighbours into wider ranges"
        )
    ]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("lan", {"firewall/adminRanges": ["0.0.0.0/0"], "firewall/allowEveryone": True}),
        ("lan", {"cluster/allowEvenServers": True, "hosts/n3/role": "agent"}),
        ("lan", {"addons": {"longhorn": {"reclaimPolicy": "Delete", "backupTarget": "s3://b@fsn1/"}}}),
        ("lan", {"hosts/n1/reinstall": "n1@2026-01-31"}),
        ("lan", {"hosts/n1/labels": {"example.net/rack": "a", "rack": ""}}),
        ("lan", {"hosts/n1/taints": [{"key": "example.net/gpu", "effect": "NoSchedule"}]}),
        ("mesh", {"hosts/h1/labels": {"notkubernetes.io/x": "y"}}),
    ],
)
def test_what_is_stated_on_purpose_is_accepted(name: str, change: dict[str, Any]) -> None:
    assert read_fleet(changed({"set": change}, base(name)), name, PROFILES)

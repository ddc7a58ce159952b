"""Every refused document, with its whole message; and what must hold of the laws themselves."""

from __future__ import annotations

from ipaddress import IPv4Address
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


def _many_agents(count: int, step: int = 1) -> Any:
    """Agents beside the one server, their addresses so far apart."""
    document = base("hetzner")
    document["providers"]["hcloud"]["network"]["subnet"] = "10.20.0.0/16"
    document["cluster"]["podRange"] = "10.128.0.0/12"
    agent = document["hosts"]["h1"] | {"role": "agent", "storage": False}
    first = IPv4Address("10.20.1.0")
    document["hosts"] |= {f"a{number}": agent | {"address": str(first + number * step)} for number in range(count)}
    return document


def _many_ranges() -> Any:
    document = base("lan")
    document["firewall"]["adminRanges"] = [f"192.0.2.{number}/32" for number in range(101)]
    return document


def _faults(document: Any) -> list[str]:
    with pytest.raises(FleetError) as caught:
        read_fleet(document, "many", PROFILES)
    return [str(fault) for fault in caught.value.faults]


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
    large = [_many_servers(), _many_agents(99), _many_agents(50, step=10), _many_ranges()]
    documents = [*(_refused(case) for case in REFUSED), *large]
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
    assert _faults(_many_servers()) == [
        "endpoint.type: lb11: it takes 25 targets, and there are 26 servers; use a bigger type",
        (
            "hosts: 26 servers: etcd becomes slower with every member and its makers advise no more than 7; "
            "make the others agents"
        ),
    ]


def test_more_admin_ranges_than_a_firewall_rule_takes_are_refused() -> None:
    assert _faults(_many_ranges()) == [
        (
            "firewall.adminRanges: 101 ranges: a firewall rule of Hetzner takes at most 100; "
            "merge neighbours into wider ranges"
        )
    ]


def test_a_network_takes_a_hundred_attachments_the_load_balancer_among_them() -> None:
    assert len(read_fleet(_many_agents(98), "many", PROFILES).hosts) == 99
    assert _faults(_many_agents(99)) == [
        (
            "providers.hcloud.network: 101 attachments: Hetzner attaches at most 100 servers and load balancers to one "
            "network; use a cluster network of kind mesh, where agents need no private address"
        )
    ]


def test_on_a_mesh_only_hosts_with_a_private_address_are_attached() -> None:
    document = base("mesh")
    document["network"]["range"] = "10.90.0.0/16"
    document["providers"]["hcloud"]["network"]["subnet"] = "10.20.0.0/16"
    agent = document["hosts"]["h1"] | {"role": "agent", "storage": False, "volume": None}
    agents = {f"a{number}": agent | {"address": f"10.90.1.{number}"} for number in range(1, 101)}
    document["hosts"] |= {name: {**agents[name], "privateAddress": None} for name in agents}
    assert len(read_fleet(document, "many", PROFILES).hosts) == 106
    document["hosts"] |= {name: {**agents[name], "privateAddress": f"10.20.1.{name[1:]}"} for name in agents}
    assert _faults(document) == [
        (
            "providers.hcloud.network: 104 attachments: Hetzner attaches at most 100 servers and load balancers to one "
            "network; leave privateAddress out of agents: on a mesh only what the load balancer reaches needs it"
        )
    ]


def test_a_project_has_fifty_placement_groups() -> None:
    assert len(read_fleet(_many_agents(49, step=10), "many", PROFILES).hosts) == 50
    assert _faults(_many_agents(50, step=10)) == [
        (
            "hosts: 51 placement groups: a project of Hetzner has at most 50, and agents of one location share one by "
            "tens of addresses; give agents of a location addresses next to one another, or use a second stack in "
            "another project"
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

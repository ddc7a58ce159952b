"""Network profiles: those that are there, and every law of one profile."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from fleet.contract.facts import render
from fleet.faults import FleetError
from fleet.laws.network import _shared
from fleet.laws.profiles import profile_faults
from fleet.network import Profile
from fleet.profiles import FOLDER, load_profiles
from fleet.stackfile import ROOT
from tests.fleet.documents import COMMITTED as PROFILES
from tests.fleet.documents import PROFILES as WITH_FLAT

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = {"bonding-vlans", "dhcp-simple", "simple", "vlans", "vlans-broken"}


def test_the_profiles_are_these() -> None:
    assert set(PROFILES) == EXAMPLES | {"lab-bond", "lab-trunk"}


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_a_profile_file_says_everything_in_one_spelling(name: str) -> None:
    assert (ROOT / FOLDER / f"{name}.json").read_text(encoding="utf-8") == render(PROFILES[name])


@pytest.mark.parametrize("name", sorted(set(PROFILES) - {"vlans-broken"}))
def test_a_profile_is_lawful(name: str) -> None:
    assert list(profile_faults(PROFILES[name])) == []


def test_the_broken_profile_has_the_shape_and_breaks_the_law_of_vlan_ids_alone() -> None:
    assert {fault.law for fault in profile_faults(PROFILES["vlans-broken"])} == {
        "every node tags the same VLAN ids, or no two of them share a network"
    }


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_example_topologies_have_the_same_four_nodes(name: str) -> None:
    nodes = PROFILES[name].nodes
    assert sorted(nodes) == ["agent-1", "agent-2", "server-1", "server-2"]
    ends = {node: str(found.cluster).rpartition(".")[2] for node, found in nodes.items()}
    assert ends == {"server-1": "1", "server-2": "2", "agent-1": "3", "agent-2": "4"}


def test_vlan_ids_and_the_bond_are_those_of_the_lab_topology() -> None:
    profile = PROFILES["bonding-vlans"]
    assert profile.storage
    assert profile.bond
    assert (profile.cluster.vlan, profile.storage.vlan) == (200, 100)
    assert (profile.bond.mode, profile.bond.primary, profile.bond.miimon_ms) == ("active-backup", "eth1", 100)
    assert profile.bond.members == ("eth1", "eth2")


def _changed(name: str, change: dict[str, Any]) -> Profile:
    document = json.loads(render(PROFILES[name]))
    for path, value in change.items():
        *parents, last = path.split("/")
        part = document
        for word in parents:
            part = part[word]
        part[last] = value
    return Profile.model_validate(document)


BROKEN: list[tuple[str, dict[str, Any], list[str]]] = [
    (
        "bonding-vlans",
        {"bond/members": ["eth1", "eth9"]},
        ["profile bonding-vlans.bond.members.1: eth9: a member is one of the ports eth1, eth2; name a port"],
    ),
    (
        "bonding-vlans",
        {"bond/members": ["eth1", "eth2", "eth1"]},
        ["profile bonding-vlans.bond.members.2: eth1: a member stands once; remove one of the two"],
    ),
    (
        "bonding-vlans",
        {"bond/primary": "eth3"},
        ["profile bonding-vlans.bond.primary: eth3: the primary is one of the members eth1, eth2; name a member"],
    ),
    (
        "bonding-vlans",
        {"bond/mode": "802.3ad"},
        [
            (
                "profile bonding-vlans.bond.primary: eth1: mode 802.3ad has no primary; "
                "remove it, or use active-backup or balance-alb or balance-tlb"
            )
        ],
    ),
    (
        "bonding-vlans",
        {"ports": ["eth1", "eth2", "bond0"]},
        ["profile bonding-vlans.bond.name: bond0: a port has this name; rename the bond"],
    ),
    (
        "bonding-vlans",
        {"cluster/link": "eth1"},
        ["profile bonding-vlans.cluster.link: eth1: what carries a network is one of bond0; name one of these"],
    ),
    (
        "simple",
        {"ports": ["eth1", "eth1"]},
        ["profile simple.ports: eth1, eth1: a port stands once; remove the second"],
    ),
    (
        "vlans",
        {"ports": ["enx00005e005311"], "cluster/link": "enx00005e005311", "storage/link": "enx00005e005311"},
        [
            (
                "profile vlans.cluster.link: enx00005e005311.200: Linux takes interface names of at most "
                "15 characters; use shorter names"
            ),
            (
                "profile vlans.storage.link: enx00005e005311.100: Linux takes interface names of at most "
                "15 characters; use shorter names"
            ),
        ],
    ),
    (
        "vlans",
        {"storage/vlan": 200},
        [
            (
                "profile vlans.storage.vlan: eth1, VLAN 200: the cluster's network is there already; "
                "give storage a VLAN id of its own, or another link"
            )
        ],
    ),
    (
        "vlans",
        {"storage/vlan": None, "cluster/vlan": None},
        [
            (
                "profile vlans.storage.vlan: eth1, untagged: the cluster's network is there already; "
                "give storage a VLAN id of its own, or another link"
            )
        ],
    ),
    (
        "lab-bond",
        {"storage/subnet": "10.0.0.0/16"},
        [
            (
                "profile lab-bond.storage.subnet: 10.0.0.0/16: it shares addresses with cluster.subnet (10.0.1.0/24); "
                "choose a range of its own"
            )
        ],
    ),
    (
        "lab-bond",
        {"cluster/gateway": "10.0.2.1"},
        ["profile lab-bond.cluster.gateway: 10.0.2.1: a gateway is a host of 10.0.1.0/24; correct it"],
    ),
    (
        "lab-bond",
        {"cluster/gateway6": "2001:db8::1"},
        ["profile lab-bond.cluster.gateway6: 2001:db8::1: a gateway lies in subnet6, or is link-local; correct it"],
    ),
    (
        "vlans",
        {"nodes/server-2/cluster": "192.168.200.1", "nodes/agent-1/storage": None},
        [
            (
                "profile vlans.nodes.agent-1.storage: absent: every node has an address on every network; "
                "give it one of 192.168.100.0/24"
            ),
            (
                "profile vlans.nodes.server-2.cluster: 192.168.200.1: it is nodes.server-1.cluster already; "
                "choose a free one"
            ),
        ],
    ),
    (
        "simple",
        {"nodes/server-2/cluster": "192.168.2.2"},
        [
            (
                "profile simple.nodes.server-2.cluster: 192.168.2.2: the address is a node's own in 192.168.1.0/24; "
                "choose a free one"
            )
        ],
    ),
    (
        "simple",
        {"addressing": "dhcp"},
        [
            (
                "profile simple.addressing: dhcp: dhcp needs a server that hands addresses out, static has none; "
                "correct addressing or dhcp"
            )
        ],
    ),
    (
        "dhcp-simple",
        {"dhcp/first": "192.168.2.1", "dhcp/address": "192.168.1.150"},
        [
            (
                "profile dhcp-simple.dhcp.first: 192.168.2.1: the range begins before it ends, at 192.168.1.200; "
                "exchange the two"
            ),
            (
                "profile dhcp-simple.dhcp.first: 192.168.2.1: the server serves 192.168.1.0/24; "
                "choose an address of that range"
            ),
        ],
    ),
    (
        "dhcp-simple",
        {"dhcp/address": "192.168.1.150"},
        [
            (
                "profile dhcp-simple.dhcp.address: 192.168.1.150: the server would hand out its own address, "
                "in 192.168.1.100 to 192.168.1.200; choose another one"
            )
        ],
    ),
    (
        "dhcp-simple",
        {"nodes/agent-1/mac": None, "nodes/agent-2/mac": "52:54:00:01:01:01"},
        [
            (
                "profile dhcp-simple.nodes.agent-1.mac: absent: a node's address is reserved by its hardware address; "
                "add it"
            ),
            "profile dhcp-simple.nodes.server-1.mac: 52:54:00:01:01:01: agent-2 has it already; correct one of the two",
        ],
    ),
]


@pytest.mark.parametrize(("name", "change", "faults"), BROKEN)
def test_a_broken_profile_is_told_its_faults(name: str, change: dict[str, Any], faults: list[str]) -> None:
    assert sorted(str(fault) for fault in profile_faults(_changed(name, change))) == faults


@pytest.mark.parametrize("gateway", ["2001:db8::1", "fe80::1"])
def test_an_ipv6_gateway_is_in_its_prefix_or_link_local(gateway: str) -> None:
    change = {"cluster/subnet6": "2001:db8::/64", "cluster/gateway6": gateway}
    assert list(profile_faults(_changed("lab-bond", change))) == []


def test_profiles_of_one_fleet_share_subnets_vlan_ids_and_mtu() -> None:
    other = _changed("lab-trunk", {"storage/vlan": 101, "storage/mtu": 9000, "storage/subnet": "192.168.101.0/24"})
    assert [str(fault) for fault in _shared(PROFILES["lab-bond"], other)] == [
        (
            "profile lab-trunk.storage.subnet: 192.168.101.0/24: profile lab-bond has 192.168.100.0/24, "
            "and all hosts share one storage network; use one subnet"
        ),
        (
            "profile lab-trunk.storage.vlan: 101: profile lab-bond tags 100, "
            "and all hosts tag the same VLAN ids; use one id"
        ),
        (
            "profile lab-trunk.storage.mtu: 9000: profile lab-bond has 1500, "
            "and bigger frames are lost between hosts that differ; use one MTU"
        ),
    ]


def test_a_port_of_the_switch_may_tag_for_its_host() -> None:
    assert list(_shared(PROFILES["lab-bond"], _changed("lab-trunk", {"storage/vlan": None}))) == []


def test_a_profile_without_a_storage_network_is_the_storage_laws_matter() -> None:
    assert list(_shared(PROFILES["lab-bond"], WITH_FLAT["lab-flat"])) == []
    assert list(_shared(PROFILES["simple"], PROFILES["dhcp-simple"])) == []


def test_a_profile_has_the_name_of_its_file(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    (folder / "other.json").write_text(render(PROFILES["simple"]), encoding="utf-8")
    with pytest.raises(FleetError) as caught:
        load_profiles(tmp_path)
    assert str(caught.value) == (
        f"{folder}/other.json has 1 fault:\n"
        "  name: simple: a profile's name is its file's; write other, or rename the file"
    )

"""One profile, two renderers: NixOS' units and plain files say the same of every host, and what its contract says."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Hosts = dict[tuple[str, str], Any]
Contracts = dict[str, Any]
Section = tuple[str, tuple[tuple[str, str], ...]]


def parsed(text: str) -> list[Section]:
    """Sections of a systemd file in a form without order of keys: [(name, ((key, value), ...)), ...]."""
    sections: list[tuple[str, list[tuple[str, str]]]] = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            sections.append((line.strip("[]"), []))
        else:
            key, _, value = line.partition("=")
            sections[-1][1].append((key, {"true": "yes", "false": "no"}.get(value, value)))
    return sorted((name, tuple(sorted(entries))) for name, entries in sections)


def values(text: str, section: str, key: str) -> list[str]:
    return [value for name, entries in parsed(text) if name == section for found, value in entries if found == key]


def test_both_renderers_say_the_same_of_every_host(hosts: Hosts) -> None:
    for name, facts in hosts.items():
        units, files = facts["network"]["units"], facts["network"]["files"]
        ours = {file: text for file, text in units.items() if file in files}
        assert sorted(ours) == sorted(files), name
        for file, text in files.items():
            assert parsed(text) == parsed(units[file]), (name, file)


def test_both_renderers_say_the_same_of_every_profile_and_node(evaluated: Callable[[str], Any]) -> None:
    found = evaluated("profiles")
    assert set(found) == {"bonding-vlans", "dhcp-simple", "simple", "vlans"}
    for profile, nodes in found.items():
        assert sorted(nodes) == ["agent-1", "agent-2", "server-1", "server-2"]
        for name, facts in nodes.items():
            for file, text in facts["files"].items():
                assert parsed(text) == parsed(facts["units"][file]), (profile, name, file)


def test_no_other_unit_touches_the_interfaces(hosts: Hosts) -> None:
    """What NixOS adds by itself only matches what no unit of ours does."""
    for name, facts in hosts.items():
        others = set(facts["network"]["units"]) - set(facts["network"]["files"])
        assert all(file.startswith("99-") for file in others), (name, others)


def test_the_parser_sees_a_difference() -> None:
    assert parsed("[Bond]\nMode=802.3ad\n") != parsed("[Bond]\nMode=active-backup\n")
    assert parsed("[Network]\nDNS=1.1.1.1\n") != parsed("[Network]\nDNS=1.1.1.1\nDNS=9.9.9.9\n")


def test_the_cluster_address_is_the_contract_s(hosts: Hosts, contracts: Contracts) -> None:
    for (stack, name), facts in hosts.items():
        cluster, host = contracts[stack]["cluster"], contracts[stack]["hosts"][name]
        profile = host["profile"]
        found = [v for text in facts["network"]["units"].values() for v in values(text, "Address", "Address")]
        if cluster["mesh"]:
            length = ip_network(cluster["mesh"]["range"]).prefixlen
            assert f"{host['address']}/{length}" in found, (stack, name)
        elif profile and profile["addressing"] == "static":
            length = ip_network(profile["cluster"]["subnet"]).prefixlen
            assert f"{host['address']}/{length}" in found, (stack, name)
        if profile and host["storageAddress"]:
            length = ip_network(profile["storage"]["subnet"]).prefixlen
            assert f"{host['storageAddress']}/{length}" in found, (stack, name)


def test_bonds_and_vlans_are_the_profile_s(hosts: Hosts, contracts: Contracts) -> None:
    seen = 0
    for (stack, name), facts in hosts.items():
        profile, units = contracts[stack]["hosts"][name]["profile"], facts["network"]["units"]
        if profile is None:
            continue
        for lan in filter(None, (profile["cluster"], profile["storage"])):
            if lan["vlan"] is not None:
                seen += 1
                assert values(units[f"30-{lan['link']}.{lan['vlan']}.netdev"], "VLAN", "Id") == [str(lan["vlan"])]
        if profile["bond"]:
            seen += 1
            bond = profile["bond"]
            device = units[f"10-{bond['name']}.netdev"]
            assert values(device, "Bond", "Mode") == [bond["mode"]]
            assert values(device, "Bond", "MIIMonitorSec") == [f"{bond['miimonMs']}ms"]
            for member in bond["members"]:
                text = units[f"10-{member}.network"]
                assert values(text, "Network", "Bond") == [bond["name"]]
                assert values(text, "Network", "PrimarySlave") == (["yes"] if member == bond["primary"] else [])
    assert seen > 0


def test_cards_are_found_by_hardware_address_or_slot(hosts: Hosts, contracts: Contracts) -> None:
    """No naming scheme of the kernel can take a host off the network."""
    for (stack, name), facts in hosts.items():
        host = contracts[stack]["hosts"][name]
        texts = facts["network"]["units"]
        found = {v for text in texts.values() for v in values(text, "Match", "PermanentMACAddress")}
        assert found == set(host["ports"].values()), (stack, name)
        if host["kind"] in {"hcloud", "ovh-instance"}:
            assert values(texts["10-public.link"], "Match", "Path"), (stack, name)
            # No cloud sends them: waiting for one looks like IPv6 and is none.
            assert values(texts["20-public.network"], "Network", "IPv6AcceptRA") == ["no"], (stack, name)


def test_networkd_leaves_a_virtual_ip_alone(hosts: Hosts, contracts: Contracts) -> None:
    for (stack, name), facts in hosts.items():
        cluster, texts = contracts[stack]["cluster"], facts["network"]["units"]
        kept = [file for file, text in texts.items() if values(text, "Network", "KeepConfiguration") == ["static"]]
        moves = cluster["endpoint"]["kind"] == "virtualIp" and facts["role"] == "server"
        assert len(kept) == moves, (stack, name)
        assert all(facts["network"]["clusterInterface"].removeprefix("lan-") in file for file in kept)


def test_the_mesh_has_no_peers_in_the_closure(hosts: Hosts, contracts: Contracts) -> None:
    """A host that joins changes no other host."""
    for (stack, name), facts in hosts.items():
        if contracts[stack]["cluster"]["mesh"] is None:
            continue
        others = [host for other, host in contracts[stack]["hosts"].items() if other != name]
        texts = "".join((*facts["units"].values(), *facts["network"]["units"].values()))
        assert "/etc/nixfleet/mesh.json" in facts["units"]["nixfleet-mesh.path"]
        assert not [host["wireguardKey"] for host in others if host["wireguardKey"] in texts]

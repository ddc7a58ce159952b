"""Who may reach a host, as whom, and on which interface."""

from __future__ import annotations

import re
from typing import Any

Hosts = dict[tuple[str, str], Any]
Contracts = dict[str, Any]
SERVER_ONLY = {2379, 2380, 6443, 10257, 10259}


def test_nothing_is_open_on_every_interface(hosts: Hosts, contracts: Contracts) -> None:
    for (stack, name), facts in hosts.items():
        firewall, mesh = facts["network"]["firewall"], contracts[stack]["cluster"]["mesh"]
        assert firewall["enable"] is True
        assert firewall["allowedTCPPorts"] == [], name
        assert firewall["allowedUDPPorts"] == ([mesh["port"]] if mesh else []), name


def test_cluster_ports_are_open_on_the_cluster_network_only(hosts: Hosts) -> None:
    for name, facts in hosts.items():
        firewall, interface = facts["network"]["firewall"], facts["network"]["clusterInterface"]
        assert set(firewall["interfaces"]) == {interface}, name
        tcp = set(firewall["interfaces"][interface]["allowedTCPPorts"])
        assert 10250 in tcp
        assert tcp >= SERVER_ONLY if facts["role"] == "server" else not SERVER_ONLY & tcp
        assert interface not in firewall["trustedInterfaces"]
        assert {"cni0", "flannel.1"} <= set(firewall["trustedInterfaces"])


def test_ssh_and_the_api_are_for_the_admins_ranges(hosts: Hosts, contracts: Contracts) -> None:
    for (stack, _), facts in hosts.items():
        ranges = ", ".join(contracts[stack]["cluster"]["adminRanges"])
        rules = facts["network"]["firewall"]["extraInputRules"]
        assert f"ip saddr {{ {ranges} }} tcp dport 22 accept" in rules
        assert (f"ip saddr {{ {ranges} }} tcp dport 6443 accept" in rules) is (facts["role"] == "server")


def test_pods_cannot_read_user_data(hosts: Hosts) -> None:
    for facts in hosts.values():
        assert "ip daddr 169.254.169.254 drop" in facts["network"]["tables"]["nixfleet-pods"]


def test_nobody_has_a_password_and_keys_are_the_contract_s(hosts: Hosts, contracts: Contracts) -> None:
    for (stack, _), facts in hosts.items():
        cluster, access = contracts[stack]["cluster"], facts["access"]
        assert access["passwords"] == []
        assert access["root"] == [cluster["deployKey"]]
        assert access["users"] == {
            name: {"admin": user["admin"], "keys": user["keys"]} for name, user in cluster["users"].items()
        }


def test_sshd_takes_keys_only_and_shows_the_pinned_one(hosts: Hosts) -> None:
    for facts in hosts.values():
        sshd = facts["access"]["sshd"]
        assert sshd["PasswordAuthentication"] is False
        assert sshd["KbdInteractiveAuthentication"] is False
        assert sshd["PermitRootLogin"] == "prohibit-password"
        assert sshd["MaxAuthTries"] == 3
        assert facts["access"]["hostKeys"] == ["/etc/ssh/ssh_host_ed25519_key"]


def test_a_host_knows_its_name_and_what_needs_a_reboot(hosts: Hosts) -> None:
    for (_, name), facts in hosts.items():
        assert facts["inhibitors"]["hostname"] == name
        assert {"dbus", "initrd-systemd"} <= set(facts["inhibitors"])
        assert {"nixfleet/inhibitors.json", "nixfleet/closure.json"} <= set(facts["etc"])


def test_every_host_has_the_guard_of_a_trial_and_what_its_loader_needs(hosts: Hosts) -> None:
    for facts in hosts.values():
        unit = facts["units"]["nixfleet-trial.service"]
        assert "ConditionPathExists=/var/lib/nixfleet/trial" in unit
        assert re.search(r"^ExecStart=\S+ /var/lib/nixfleet/trial$", unit, re.MULTILINE)
        assert "panic=30" in facts["boot"]["kernelParams"]
        assert any("grub" in name for name in facts["boot"]["tools"]) == facts["boot"]["grub"]
        assert facts["boot"]["initrdLimit"]


def test_every_host_says_how_heavy_a_change_to_its_system_is(hosts: Hosts) -> None:
    weights = [facts["weight"] for facts in hosts.values()]
    assert all(re.fullmatch(r"[0-9a-f]{16}", weight[part]) for weight in weights for part in ("k3s", "boot"))
    # Addresses are in k3s' own configuration, so no two hosts are alike there.
    assert len({weight["k3s"] for weight in weights}) > 1

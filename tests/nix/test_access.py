"""Who may reach a host, as whom, and on which interface."""

from __future__ import annotations

import re
from typing import Any

Hosts = dict[tuple[str, str], Any]
Contracts = dict[str, Any]


def test_nothing_is_open_on_every_interface(hosts: Hosts, contracts: Contracts) -> None:
    for (stack, name), facts in hosts.items():
        firewall, mesh = facts["network"]["firewall"], contracts[stack]["cluster"]["mesh"]
        assert firewall["enable"] is True
        assert firewall["allowedTCPPorts"] == [], name
        assert firewall["allowedUDPPorts"] == ([mesh["port"]] if mesh else []), name


def test_cluster_ports_are_open_to_nodes_and_servers_only(hosts: Hosts, contracts: Contracts) -> None:
    """Of every stack, whose networks differ: a LAN, a provider's private network, a mesh."""
    for (stack, name), facts in hosts.items():
        cluster, firewall = contracts[stack]["cluster"], facts["network"]["firewall"]
        here = f'iifname "{facts["network"]["clusterInterface"]}" ip saddr'
        servers, is_server = ", ".join(sorted(cluster["servers"].values())), facts["role"] == "server"
        nodes = f"{here} {{ {cluster['clusterRange']} }}"
        tcp, udp = "5001, 10250, 6443" if is_server else "5001, 10250", 8472 if cluster["mesh"] else 51820
        wanted = [
            f'{nodes} tcp dport {{ {tcp} }} accept comment "cluster: nodes"',
            f'{nodes} udp dport {{ {udp} }} accept comment "cluster: pods\' network"',
        ]
        if is_server:
            wanted.append(f'{here} {{ {servers} }} tcp dport {{ 2379, 2380 }} accept comment "cluster: etcd"')
        rules = firewall["extraInputRules"].splitlines()
        assert [rule for rule in rules if 'comment "cluster:' in rule] == wanted, (stack, name)
        assert firewall["interfaces"] == []
        assert firewall["trustedInterfaces"] == ["cni0", "flannel-wg", "flannel.1", "lo"]


def test_only_servers_move_the_virtual_ip(hosts: Hosts, contracts: Contracts) -> None:
    for (stack, _), facts in hosts.items():
        cluster = contracts[stack]["cluster"]
        servers = ", ".join(sorted(cluster["servers"].values()))
        rules = [rule for rule in facts["network"]["firewall"]["extraInputRules"].splitlines() if "vrrp" in rule]
        moves = cluster["endpoint"]["kind"] == "virtualIp" and facts["role"] == "server"
        assert rules == ([f'ip saddr {{ {servers} }} ip protocol vrrp accept comment "virtual IP"'] if moves else [])


def test_ssh_and_the_api_are_for_the_admins_ranges(hosts: Hosts, contracts: Contracts) -> None:
    for (stack, _), facts in hosts.items():
        ranges = ", ".join(contracts[stack]["cluster"]["adminRanges"])
        rules = facts["network"]["firewall"]["extraInputRules"]
        assert f"ip saddr {{ {ranges} }} tcp dport 22 accept" in rules
        assert (f"ip saddr {{ {ranges} }} tcp dport 6443 accept" in rules) is (facts["role"] == "server")


def test_user_data_is_for_root_alone(hosts: Hosts) -> None:
    """Neither pods nor processes in the host's network may ask the cloud's metadata service."""
    for facts in hosts.values():
        (chains,) = facts["network"]["tables"].values()
        forward, output = chains.split("chain output")
        assert "type filter hook forward priority -10" in forward
        assert "  ip daddr 169.254.169.254 drop\n" in forward
        assert "type filter hook output priority -10" in output
        assert "  ip daddr 169.254.169.254 meta skuid != 0 drop\n" in output
        assert "  ip6 daddr fe80::a9fe:a9fe meta skuid != 0 drop\n" in output


def test_nobody_has_a_password_and_keys_are_the_contract_s(hosts: Hosts, contracts: Contracts) -> None:
    for (stack, _), facts in hosts.items():
        cluster, access = contracts[stack]["cluster"], facts["access"]
        assert access["passwords"] == []
        assert access["root"] == []
        assert access["users"] == {
            name: {"admin": user["admin"], "keys": user["keys"]} for name, user in cluster["users"].items()
        }


def test_the_fleet_comes_in_as_deploy_by_key_and_may_run_named_commands_only(
    hosts: Hosts, contracts: Contracts
) -> None:
    tools = "/run/current-system/sw/bin"
    for (stack, _), facts in hosts.items():
        access = facts["access"]
        assert access["deploy"] == {
            "groups": [],
            "home": "/var/lib/deploy",
            "keys": [f"restrict {contracts[stack]['cluster']['deployKey']}"],
            "system": True,
        }
        assert access["sshd"]["PermitRootLogin"] == "no"
        assert access["sudo"]["deploy"] == [
            [f'{tools}/nixfleet-run ""', ["NOPASSWD"]],
            [f"{tools}/nix-env -p /nix/var/nix/profiles/system --set /nix/store/*", ["NOPASSWD"]],
            [f"{tools}/systemd-run * /nix/store/*/bin/switch-to-configuration boot", ["NOPASSWD"]],
            [f"{tools}/setsid --wait /var/lib/deploy/kexec/kexec/run *", ["NOPASSWD"]],
        ]
        assert access["trusted"] == ["deploy", "root"]


def test_an_administrator_s_sudo_asks_for_the_key(hosts: Hosts) -> None:
    """`adminSudo` is key in every stack; the password is tested where modules are evaluated alone."""
    for facts in hosts.values():
        assert facts["access"]["sudo"]["wheel"] == [["ALL", ["SETENV"]]]
        assert facts["access"]["sudo"]["agent"] == ["/etc/ssh/authorized_keys.d/%u"]


def test_hosts_trust_the_distribution_s_cache_alone(hosts: Hosts) -> None:
    for facts in hosts.values():
        assert facts["access"]["caches"] == ["https://cache.nixos.org/"]
        assert [key.partition(":")[0] for key in facts["access"]["cacheKeys"]] == ["cache.nixos.org-1"]
        assert facts["access"]["trustedCaches"] == []


def test_sshd_takes_keys_only_and_shows_the_pinned_one(hosts: Hosts) -> None:
    for facts in hosts.values():
        sshd = facts["access"]["sshd"]
        assert sshd["PasswordAuthentication"] is False
        assert sshd["KbdInteractiveAuthentication"] is False
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

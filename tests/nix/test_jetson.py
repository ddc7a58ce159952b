"""Jetson boards: what their kernel is asked for, and how a pod gets the GPU."""

from __future__ import annotations

import re
from typing import Any

Hosts = dict[tuple[str, str], Any]
Contracts = dict[str, Any]

VENDOR = {
    "8021q": "VLAN_8021Q",
    "br_netfilter": "BRIDGE_NETFILTER",
    "dm_crypt": "DM_CRYPT",
    "macvlan": "MACVLAN",
    "nf_conntrack": "NF_CONNTRACK",
    "nfs": "NFS_FS",
    "nft_compat": "NFT_COMPAT",
    "overlay": "OVERLAY_FS",
    "xt_comment": "NETFILTER_XT_MATCH_COMMENT",
    "xt_conntrack": "NETFILTER_XT_MATCH_CONNTRACK",
    "xt_mark": "NETFILTER_XT_MARK",
    "xt_multiport": "NETFILTER_XT_MATCH_MULTIPORT",
    # Of NixOS itself, for every host.
    "atkbd": "KEYBOARD_ATKBD",
    "bridge": "BRIDGE",
    "loop": "BLK_DEV_LOOP",
    "nvgpu": "of the vendor's own modules",
    "tap": "TUN",
    "tun": "TUN",
}
"""Modules of NVIDIA's configuration (JetPack 6.2, arch/arm64/configs/defconfig), and of jetpack-nixos' additions."""

ASKED = {
    "iscsi_tcp": "ISCSI_TCP",
    "libiscsi": "ISCSI_TCP",
    "scsi_transport_iscsi": "SCSI_ISCSI_ATTRS",
    "tcp_bbr": "TCP_CONG_BBR",
}
"""Modules that the vendor's kernel lacks: the tree asks for them."""

FIREWALL = {"NFT_CT", "NFT_FIB_INET", "NFT_FIB_IPV4", "NFT_FIB_IPV6", "NFT_LIMIT", "NFT_REJECT_INET"}
POLICIES = {"IP_SET", "IP_SET_HASH_IP", "IP_SET_HASH_NET", "NETFILTER_XT_SET"}


def boards(hosts: Hosts, contracts: Contracts) -> list[dict[str, Any]]:
    found = [
        facts for (of, name), facts in hosts.items() if contracts[of]["hosts"][name]["hardware"] == "jetson-orin-nano"
    ]
    assert len(found) >= 3
    return found


def test_every_module_that_a_board_loads_is_in_its_kernel(hosts: Hosts, contracts: Contracts) -> None:
    for facts in boards(hosts, contracts):
        missing = set(facts["boot"]["kernelModules"]) - set(VENDOR) - set(ASKED)
        assert missing == set()
        assert set(ASKED.values()) <= set(facts["boot"]["kernelOptions"])


def test_a_board_s_kernel_carries_firewall_pod_network_and_policies(hosts: Hosts, contracts: Contracts) -> None:
    for facts in boards(hosts, contracts):
        assert {"WIREGUARD", "NET_SCH_FQ", *FIREWALL, *POLICIES} <= set(facts["boot"]["kernelOptions"])


def test_a_pod_gets_the_gpu_through_its_runtime_class(hosts: Hosts, contracts: Contracts) -> None:
    for facts in boards(hosts, contracts):
        gpu = facts["gpu"]
        assert (gpu["graphics"], gpu["toolkit"]) == (True, True)
        assert gpu["containerd"].startswith('{{ template "base" . }}\n')
        assert '.containerd.runtimes.nvidia]\n  runtime_type = "io.containerd.runc.v2"\n' in gpu["containerd"]
        assert re.search(r'BinaryName = "/nix/store/[^"]+/bin/nvidia-container-runtime\.cdi"', gpu["containerd"])


def test_only_boards_with_a_gpu_have_its_runtime(hosts: Hosts, contracts: Contracts) -> None:
    for (stack, name), facts in hosts.items():
        if contracts[stack]["hosts"][name]["hardware"] != "jetson-orin-nano":
            assert facts["gpu"] == {"containerd": None, "graphics": False, "toolkit": False}, (stack, name)


def test_pods_may_use_all_of_a_board_s_cores(hosts: Hosts, contracts: Contracts) -> None:
    """The kubelet counts a core that the kernel keeps apart."""
    for facts in boards(hosts, contracts):
        assert not [word for word in facts["boot"]["kernelParams"] if word.startswith("isolcpus")]

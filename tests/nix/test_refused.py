"""Configurations that must fail do, each with its whole message: option path, fault, cure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.nix import toolbox

if TYPE_CHECKING:
    from collections.abc import Callable

TWICE = "all nodes of a LAN have one VLAN id, here {}: remove the node's own id"
REFUSED = {
    "agent-alone": "nixfleet.k3s.settings.server is not set: an agent joins a cluster: set it to https://<server>:6443",
    "agent-with-server-flag": "nixfleet.k3s.serverSettings sets cluster-init on an agent: an agent does not start with a "
    "server's flag: move it to the servers",
    "disk-too-small": "nixfleet.disk.layout n100-standard needs 231 GiB, and /dev/disk/by-id/first has 200 GiB: use a "
    "larger disk or a smaller layout",
    "disk-unstable": "nixfleet.disk.device is /dev/nvme0n1, a name that may move to another disk: use a path of "
    "/dev/disk/by-id, or set nixfleet.disk.unstablePath",
    "grub-elsewhere": "boot.loader.grub.devices is /dev/sdb, and nixfleet.disk.device is /dev/disk/by-id/first: GRUB goes "
    "on the disk that is partitioned, so remove the definition of boot.loader.grub.device",
    "jetson-on-x86": "nixpkgs.hostPlatform is x86_64-linux: hardware jetson-orin-nano is aarch64-linux: set the host's "
    "hardware to the board's",
    "k3s-version": "nixfleet.k3s.version is v1.35.6+k3s1, and the package is v1.34.1+k3s1: set cluster.k3sVersion in the "
    "stack file to the package's, or update nixpkgs (one minor version at a time)",
    "longhorn-on-btrfs": "/var/lib/longhorn lies on btrfs: Longhorn runs on ext4 and xfs only: use a layout that has a "
    "partition for it, or a volume",
    "longhorn-without-k3s": "nixfleet.longhorn.enable is true, and nixfleet.k3s.enable is false: Longhorn runs on k3s: "
    "enable it, or switch Longhorn off",
    "no-admin": "nixfleet.admins.users has no admin with a key, and there is no deploy key: nobody could log in: give one "
    "user admin = true and a key",
    "sudo-stranger": "security.sudo.extraRules names mallory: only root and wheel may use sudo: make the account an admin "
    "or remove the rule",
    "virtual-ip-without-interface": "nixfleet.virtualIp.address is 10.0.1.10, and the cluster network's interface has no "
    "known name: give the host a network profile",
    "zfs-without-host-id": "networking.hostId is not set: ZFS refuses a pool of an unknown host: remove the definition "
    "that clears it",
}
THROWN = {
    "missing-key": "error: The option `fleet.hosts.n100-1.address' was accessed but has no value defined. Try setting the "
    "option.",
    "stranger": "error: host n100-9: the contract of stack lab does not have it, it has jetson-1, jetson-2, n100-1, n100-2, "
    "n100-3: add it to the stack file and run `python -m fleet contract`",
    "unknown-cluster-key": "error: The option `fleet.cluster.colour' does not exist. Definition values: - In `contract of "
    "stack lab': \"red\"",
    "unknown-hardware": "error: host n100-1: hardware is pentium: no module hardware-pentium in modules/default.nix: use "
    "another or write it",
    "unknown-host-key": "error: The option `fleet.hosts.n100-1.colour' does not exist. Definition values: - In `contract of "
    "stack lab': \"red\"",
    "unknown-node": "error: network profile simple: nodes has no server-9: it has agent-1, agent-2, server-1, server-2: use "
    "fewer machines or add the node",
    "wrong-address": "error: address 10.9.9.9: it is not in 10.0.1.0/24: give the host an address of that range",
    "wrong-type": "error: A definition for option `fleet.hosts.n100-1.storage' is not of type `boolean'. Definition values: "
    "- In `contract of stack lab': \"yes\"",
}


def test_failed_assertions_have_their_whole_message(evaluated: Callable[[str], Any]) -> None:
    found = evaluated("refused")
    assert set(found) == {*REFUSED, "vlans-broken"}
    for name, message in REFUSED.items():
        assert message in found[name], (name, found[name])


def test_the_broken_profile_fails_with_its_message(evaluated: Callable[[str], Any]) -> None:
    path = "network profile vlans-broken: nodes.{}.vlans.{} is {}: "
    assert evaluated("refused")["vlans-broken"] == [
        path.format(node, lan, own) + TWICE.format(shared)
        for lan, shared, ids in (
            ("cluster", 200, {"agent-1": 202, "agent-2": 203, "server-2": 201}),
            ("storage", 100, {"agent-1": 102, "agent-2": 103, "server-2": 101}),
        )
        for node, own in ids.items()
    ]


@pytest.mark.parametrize("name", sorted(THROWN))
def test_a_wrong_contract_is_refused(inputs: toolbox.Inputs, name: str) -> None:
    done = inputs.evaluate("thrown", f".{name}")
    assert done.returncode != 0
    assert toolbox.errors(done.stderr).partition(" Did you mean")[0] == THROWN[name]

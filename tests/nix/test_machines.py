"""The installer, the virtual machines, the cluster tests, modules alone, shells and packages: all evaluate."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING, Any

from tests.nix import toolbox

if TYPE_CHECKING:
    from collections.abc import Callable

    Evaluate = Callable[[str], Any]

DRV = re.compile(r"/nix/store/[a-z0-9]{32}-.*\.drv")
SHELLS = {"ai", "default", "go", "infra", "mcp", "nix", "nixos", "node", "python", "rust"}
PACKAGES = {"fleet-status", "network-files", "nixfleet-preflight", "nixfleet-run"}
CLUSTERS = {
    "cluster-bonding-vlans",
    "cluster-constrained-bandwidth",
    "cluster-constrained-combined",
    "cluster-constrained-latency",
    "cluster-constrained-loss",
    "cluster-dhcp-simple",
    "cluster-simple",
    "cluster-vlans",
}


def test_machines_evaluate(evaluated: Evaluate) -> None:
    found = evaluated("machines")
    assert set(found["configurations"]) == {
        "dev-vm",
        "iso-headless-aarch64",
        "iso-headless-x86_64",
        "vm-k3s-agent",
        "vm-k3s-server",
    }
    paths = [*found["configurations"].values(), *found["vms"].values()]
    paths += [medium["image"] for medium in found["installers"].values()]
    assert all(DRV.fullmatch(path) for path in paths)


def test_there_is_an_installer_for_every_board_of_the_stacks(contracts: dict[str, Any]) -> None:
    media = json.loads((toolbox.TREE / "iso" / "media.json").read_text())
    boards = {
        (host["arch"], host["hardware"])
        for document in contracts.values()
        for host in document["hosts"].values()
        if host["kind"] in {"bare-metal", "ovh-dedicated"}
    }
    assert {("aarch64-linux", "jetson-orin-nano"), ("x86_64-linux", "n100")} <= boards
    assert not [(arch, hardware) for arch, hardware in boards if hardware not in media[arch]]


def test_an_installer_has_keys_one_network_stack_and_no_password(
    evaluated: Evaluate, contracts: dict[str, Any]
) -> None:
    deploy = {document["cluster"]["deployKey"] for document in contracts.values()}
    installers = evaluated("machines")["installers"]
    assert {name: one["system"] for name, one in installers.items()} == {
        "aarch64-linux": "aarch64-linux",
        "x86_64-linux": "x86_64-linux",
    }
    for one in installers.values():
        assert deploy <= set(one["users"]["root"]["keys"])
        assert {user["initialHashedPassword"] for user in one["users"].values()} == {"!"}
        assert one["sshd"]["PasswordAuthentication"] is False
        assert one["sshd"]["PermitRootLogin"] == "prohibit-password"
        assert one["hostKeys"] == ["/etc/ssh/ssh_host_ed25519_key"]
        assert one["makesKeys"] is False
        assert one["compression"] == "lz4"
        assert one["autologin"] is None
        assert (one["networkd"], one["networkManager"]) == (True, False)
        # Address and key are there before anything could be asked for them.
        assert {"network-pre.target", "sshd.service"} <= set(one["medium"]["before"])
        assert one["medium"]["requiredBy"] == ["sshd.service"]
    assert installers["aarch64-linux"]["jetpack"] is True


def test_every_cluster_test_evaluates(evaluated: Evaluate) -> None:
    found = evaluated("machines")
    assert set(found["tests"]) == CLUSTERS
    for name, test in found["tests"].items():
        cluster = found["clusters"][test["cluster"]]
        assert sorted(cluster) == sorted(test["nodes"]), name
        assert all(DRV.fullmatch(path) for path in cluster.values()), name
    assert "leases" in found["tests"]["cluster-dhcp-simple"]["nodes"]


def test_cluster_tests_are_programs_with_facts(evaluated: Evaluate) -> None:
    for name, test in evaluated("machines")["tests"].items():
        tree = ast.parse(test["testScript"])
        (facts,) = (
            node.value.args[0].value  # type: ignore[attr-defined]
            for node in tree.body
            if isinstance(node, ast.Assign) and node.targets[0].id == "FACTS"  # type: ignore[attr-defined]
        )
        defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert set(json.loads(facts)["extraPhases"]) <= defined, name


def test_every_module_evaluates_alone(evaluated: Evaluate) -> None:
    found = evaluated("modules")
    assert all(DRV.fullmatch(path) for path in found["modules"].values())
    assert {name for name in found["modules"] if name.startswith("hardware-")} >= {
        "hardware-hcloud-arm",
        "hardware-hcloud-x86",
        "hardware-jetson-orin-nano",
        "hardware-n100",
        "hardware-ovh",
        "hardware-qemu",
    }


def test_a_host_s_own_files_are_used(evaluated: Evaluate) -> None:
    found = evaluated("modules")
    assert found["report"].endswith("minimal.nix")
    # Its own host key opens its secrets, and no key is made up that nobody encrypts to.
    assert DRV.fullmatch(found["secrets"].pop("drvPath"))
    assert found["secrets"] == {
        "generateKey": False,
        "keys": ["/etc/ssh/ssh_host_ed25519_key"],
        "path": "/run/secrets/example",
    }


def test_flake_check_builds_every_host_shell_and_test(inputs: toolbox.Inputs, contracts: dict[str, Any]) -> None:
    done = inputs.output(
        "checks.x86_64-linux",
        (
            "checks: { names = builtins.attrNames checks; format = checks.format.drvPath; built = map "
            '(name: checks.${name}.drvPath) [ "refused" "layout-zfs-server" "package-nixfleet-run" ]; }'
        ),
    )
    assert done.returncode == 0, toolbox.errors(done.stderr)
    found = json.loads(done.stdout)
    hosts = {
        f"host-{stack}-{name}"
        for stack, document in contracts.items()
        for name, host in document["hosts"].items()
        if host["arch"] == "x86_64-linux"
    }
    machines = {"host-dev-vm", "host-iso-headless-x86_64", "host-vm-k3s-agent", "host-vm-k3s-server"}
    shells = {f"shell-{name}" for name in SHELLS}
    layouts = {f"layout-{path.stem}" for path in (toolbox.TREE / "disko").glob("*.nix")} & set(found["names"])
    packages = {f"package-{name}" for name in PACKAGES}
    vms = {f"vm-{name}" for name in CLUSTERS}
    assert set(found["names"]) == hosts | machines | shells | vms | layouts | packages | {"format", "lib", "refused"}
    assert layouts >= {"layout-n100-standard", "layout-hetzner-cloud", "layout-zfs-server"}
    assert all(DRV.fullmatch(path) for path in found["built"])
    assert DRV.fullmatch(found["format"])


def test_the_lock_fits_the_flake(inputs: toolbox.Inputs) -> None:
    """Nix neither changes it nor fetches anything for it."""
    done = inputs.metadata()
    assert done.returncode == 0, toolbox.errors(done.stderr)


def test_shells_packages_and_backports(evaluated: Evaluate) -> None:
    found = evaluated("modules")
    assert set(found["shells"]) == SHELLS
    assert set(found["packages"]) == PACKAGES
    # A backport applies to what is older, and is gone once nixpkgs has it.
    assert found["backports"] == {"newer": [], "older": ["nixos-anywhere"]}

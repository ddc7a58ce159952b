"""The installer, the virtual machines, the cluster tests, modules alone, shells and packages: all evaluate."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING, Any

from tests.nix import answers, toolbox

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
    "cluster-uefi",
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
        assert all(DRV.fullmatch(one["drvPath"]) for one in cluster.values() if one["drvPath"]), name
        assert cluster["server-1"]["drvPath"] or name == "cluster-constrained-latency"
    of = {name.removeprefix("cluster-"): set(test["nodes"]) for name, test in found["tests"].items()}
    three = {"server-1", "server-2", "agent-1"}
    assert of["dhcp-simple"] == {*three, "leases"}
    assert of["vlans"] == of["bonding-vlans"] == {*three, "stranger"}
    assert of["simple"] == three
    # A router that leads nowhere would be a way out of the air gap.
    leases = found["clusters"][found["tests"]["cluster-dhcp-simple"]["cluster"]]["leases"]
    assert leases["offers"] == ["option:router"]


def test_every_card_of_a_cluster_has_an_address_and_a_name_of_its_own(evaluated: Evaluate) -> None:
    """Beside the first one, which is the driver's: its addresses begin with 52:54:00:12."""
    found = evaluated("machines")
    cluster = found["clusters"][found["tests"]["cluster-bonding-vlans"]["cluster"]]
    hosts = {name: one for name, one in cluster.items() if name != "stranger"}
    assert {name: one["cards"] for name, one in hosts.items()} == {
        name: [f"-device virtio-net-pci,netdev=eth2,mac=52:54:00:13:01:0{number}"]
        for number, name in enumerate(sorted(hosts), start=1)
    }
    for number, one in enumerate((hosts[name] for name in sorted(hosts)), start=1):
        rule = f'SUBSYSTEM=="net",ACTION=="add",ATTR{{address}}=="52:54:00:13:01:0{number}",NAME="eth2"'
        assert rule in one["rules"].splitlines()
    machines = [one for cluster in found["clusters"].values() for name, one in cluster.items() if "-" in name]
    assert {tuple(one["vlans"]) for one in machines} == {(1,)}


def test_a_test_s_parameters_reach_its_machines_and_phases(evaluated: Evaluate) -> None:
    found = evaluated("machines")
    for name, test in found["tests"].items():
        cluster = {host: one for host, one in found["clusters"][test["cluster"]].items() if "-" in host}
        facts, uefi = test["facts"], name == "cluster-uefi"
        assert facts["firmware"] == ("uefi" if uefi else "bios")
        assert {(one["useEFIBoot"], one["useBootLoader"]) for one in cluster.values()} == {(uefi, uefi)}
        assert facts["airgap"] is True
        assert {one["images"] for one in cluster.values()} == {1}
        slow = name == "cluster-constrained-latency"
        wanted = {"election-timeout": 10000, "heartbeat-interval": 1000}
        assert facts["etcd"] == (wanted if slow else {"election-timeout": 5000, "heartbeat-interval": 500})
        timing = {f"{key}={value}" for key, value in facts["etcd"].items()}
        servers = [one for host, one in cluster.items() if host.startswith("server-")]
        assert all(timing <= set(one["etcd"]) for one in servers), name


def test_cluster_tests_are_programs_with_facts(evaluated: Evaluate) -> None:
    for name, test in evaluated("machines")["tests"].items():
        tree = ast.parse(test["testScript"])
        (facts,) = (
            node.value.args[0].value  # type: ignore[attr-defined]
            for node in tree.body
            if isinstance(node, ast.Assign) and node.targets[0].id == "FACTS"  # type: ignore[attr-defined]
        )
        assert json.loads(facts) == test["facts"]
        assert set(test["facts"]) == set(answers.FACTS), name
        defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        blocks = [node for node in tree.body if isinstance(node, ast.With)]
        called = [node.body[0].value.func.id for node in blocks]  # type: ignore[attr-defined]
        assert called[0] == "boot"
        assert set(called) <= defined & set(answers.WRONG), name


def test_two_machines_for_a_try_form_a_cluster_on_one_computer(evaluated: Evaluate) -> None:
    pair = evaluated("machines")["pair"]
    server, agent = pair["vm-k3s-server"], pair["vm-k3s-agent"]
    assert agent["joins"] == f"https://{server['address']}:6443"
    for one, number in ((server, "01"), (agent, "03")):
        assert one["login"] == "root"
        assert {"eth0", "eth1"} <= set(one["matched"])
        (card,) = (word for word in one["options"] if word.startswith("-device virtio-net-pci,netdev=cluster"))
        assert card.endswith(f"mac=52:54:00:14:00:{number}")
        assert "-netdev socket,id=cluster,mcast=239.255.42.1:16443,localaddr=127.0.0.1" in one["options"]
    assert (server["forwarded"], agent["forwarded"]) == ([6443, 8080, 8443], [])


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


def test_a_host_s_own_files_are_used_and_no_other_s(evaluated: Evaluate) -> None:
    assert evaluated("modules")["own"] == {
        "n100-1": {
            "file": "n100-1.yaml",
            "motd": "of this host alone",
            "report": "facter.json",
            "shared": "shared.yaml",
        },
        "n100-2": {"file": None, "motd": "", "report": None, "shared": "shared.yaml"},
    }


def test_secrets_are_read_with_the_host_s_own_key(evaluated: Evaluate) -> None:
    found = evaluated("modules")
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

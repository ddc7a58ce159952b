"""The doubles of nix, nixos-anywhere and nixos-rebuild: what they answer and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleet import layouts
from fleet.hosts import Disk
from sim.layouts import DATA_LAYOUTS, LAYOUTS, labels
from tests.sim.machines.conftest import lab
from tests.sim.machines.lab import Lab, entry

__all__ = ["lab"]

TOPLEVEL = "nixosConfigurations.test-{}.config.system.build.toplevel"


def _path(lab: Lab, host: str, attribute: str = ".outPath") -> str:
    ended = lab.tool("s1", "nix", "eval", "--raw", f"{lab.flake}#{TOPLEVEL.format(host)}{attribute}")
    assert ended.returncode == 0, ended
    return ended.stdout


def test_a_systems_path_changes_with_its_entry_the_cluster_and_the_tree_only(lab: Lab) -> None:
    lab.add("s1")
    first = {host: _path(lab, host) for host in ("s1", "s2")}
    assert first == {host: _path(lab, host) for host in ("s1", "s2")}
    lab.contract["hosts"]["s1"]["labels"] = {"a": "b"}
    assert _path(lab, "s1") != first["s1"]
    assert _path(lab, "s2") == first["s2"]
    lab.contract["hosts"]["new"] = entry("10.0.0.9", "agent")
    assert _path(lab, "s2") == first["s2"]
    (lab.flake / "module.nix").write_text("{ }\n")
    changed = _path(lab, "s2")
    assert changed != first["s2"]
    lab.contract["cluster"]["k3sVersion"] = "v1.36.0+k3s1"
    assert _path(lab, "s2") != changed


def test_all_derivations_come_in_one_evaluation(lab: Lab) -> None:
    lab.add("s1")
    ended = lab.tool(
        "s1",
        "nix",
        "--extra-experimental-features",
        "nix-command flakes",
        "eval",
        "--json",
        f"{lab.flake}#hostDrvs.test",
    )
    found = json.loads(ended.stdout)
    assert sorted(found) == ["a1", "s1", "s2", "s3"]
    assert found["s1"] == _path(lab, "s1", ".drvPath")


def test_facts_of_all_hosts_tell_how_heavy_a_change_is(lab: Lab) -> None:
    def facts() -> dict[str, dict[str, str]]:
        ended = lab.tool("s1", "nix", "eval", "--json", f"{lab.flake}#hostFacts.test")
        found: dict[str, dict[str, str]] = json.loads(ended.stdout)
        return found

    lab.add("s1")
    before = facts()
    assert before["s1"]["drv"] == _path(lab, "s1", ".drvPath")
    lab.contract["hosts"]["s1"]["labels"] = {"new": "yes"}
    units = facts()
    lab.contract["cluster"]["podRange"] = "10.44.0.0/16"
    k3s = facts()
    lab.contract["hosts"]["s1"]["tuning"] = {"kernelParams": ["quiet"]}
    boot = facts()
    changed = [
        {key for key in then["s1"] if then["s1"][key] != now["s1"][key]}
        for then, now in ((before, units), (units, k3s), (k3s, boot))
    ]
    assert changed == [{"drv"}, {"drv", "k3s"}, {"drv", "boot"}]


@pytest.mark.parametrize(
    ("argv", "status", "message"),
    [
        (
            ("nix", "profile", "list"),
            1,
            "error: 'profile list' is not simulated; the simulated nix knows eval, build and copy",
        ),
        (
            ("nix", "eval", "FLAKE#packages.x"),
            1,
            (
                "error: the simulated nix evaluates hostDrvs.STACK, hostFacts.STACK and "
                "nixosConfigurations.HOST.config.system.build.toplevel, not 'packages.x'"
            ),
        ),
        (("nix", "eval", "--raw", "FLAKE#hostDrvs.test"), 1, "error: cannot coerce a set to a string"),
        (("nixos-anywhere", "--flake", "FLAKE#test-s1"), 1, "ERROR: ssh-host must be set"),
        (
            ("nixos-anywhere", "--flake", "FLAKE#test-s1", "--phases", "kexec,format", "root@x"),
            1,
            "ERROR: Unknown phase: format",
        ),
        (
            ("nixos-anywhere", "--flake", "FLAKE#test-s1", "root@x", "--vm-test"),
            1,
            "ERROR: unrecognized arguments: --vm-test (options that are not simulated are refused)",
        ),
        (
            ("nixos-anywhere", "--flake", "FLAKE#test-s1", "-i", "/absent", "root@x"),
            1,
            "ERROR: -i /absent: no such file",
        ),
        (
            ("nixos-rebuild", "switch", "--flake", "FLAKE#test-s1", "--target-host", "root@x"),
            2,
            "nixos-rebuild: error: argument action: invalid choice: 'switch' (choose from 'boot', 'build')",
        ),
    ],
)
def test_what_a_tool_does_not_do_is_refused(lab: Lab, argv: tuple[str, ...], status: int, message: str) -> None:
    lab.add("s1")
    ended = lab.tool("s1", *(word.replace("FLAKE", str(lab.flake)) for word in argv))
    assert (ended.returncode, ended.stderr) == (status, f"{message}\n")


def test_an_unknown_host_is_named_with_the_contracts_there_are(lab: Lab) -> None:
    lab.add("s1")
    ended = lab.tool("s1", "nix", "eval", "--raw", f"{lab.flake}#{TOPLEVEL.format('s9')}")
    contracts = lab.folder / "contracts"
    assert ended.stderr == (
        f"error: flake '{lab.flake}' attribute 'nixosConfigurations.test-s9' is missing; "
        f"the contracts in {contracts} are test\n"
    )


def test_a_rebuild_copies_then_sets_the_profile_then_the_boot_entry(lab: Lab) -> None:
    lab.add("s1")
    lab.install("s1")
    lab.contract["hosts"]["s1"]["labels"] = {"a": "b"}
    before = len(lab.world.events())
    path = lab.rebuild("s1")
    steps = [event.step for event in lab.world.events()[before:] if not event.step.startswith(("ssh", "command"))]
    assert steps == ["nix build", "nixos-rebuild copy", "closure received", "nixos-rebuild boot", "boot default"]
    assert lab.ok("s1", "readlink -f $NIXFLEET_ROOT/nix/var/nix/profiles/system") == path
    assert (
        lab.ok("s1", "cat $NIXFLEET_ROOT/boot/loader/loader.conf")
        == "timeout 5\ndefault nixos-generation-2.conf\neditor 0"
    )


def test_a_copied_system_is_in_the_machines_store(lab: Lab) -> None:
    lab.add("s1")
    lab.install("s1")
    lab.contract["hosts"]["s1"]["labels"] = {"a": "b"}
    reference = f"{lab.flake}#{TOPLEVEL.format('s1')}"
    built = lab.tool("s1", "nix", "build", "--no-link", "--print-out-paths", reference).stdout.strip()
    target = f"ssh://deploy@{lab.rack.get('id-s1').spec.addresses[0]}"
    assert lab.tool("s1", "nix", "copy", "--to", target, built).returncode == 0
    lab.ok("s1", f"test -x $NIXFLEET_ROOT{built}/bin/switch-to-configuration")
    missing = lab.tool("s1", "nix", "copy", "--to", target, "/nix/store/none-nixos-system-s1")
    assert missing.stderr == "error: path '/nix/store/none-nixos-system-s1' is not valid\n"


def test_the_tools_own_ssh_options_lose_to_a_pinned_ssh(lab: Lab) -> None:
    lab.add("s1", user_data=None)
    ended = lab.tool(
        "s1", "nixos-anywhere", "--flake", f"{lab.flake}#test-s1", "-i", str(lab.identity),
        "--phases", "disko", "--target-host", f"root@{lab.rack.get('id-s1').spec.addresses[0]}",
    )  # fmt: skip
    assert ended.returncode == 255
    assert "Host key verification failed." in ended.stderr


@pytest.mark.parametrize("storage", [False, True])
@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_partitions_are_those_that_the_program_expects(layout: str, *, storage: bool) -> None:
    host = entry("10.0.0.1", layout=layout) | {"storage": storage}
    disk = Disk.model_validate(host["disk"])
    expected = layouts.partitions(disk, None, longhorn_inside=storage)
    assert labels(host) == {f"nf.test.10.0.0.1.{part}" for part in expected}


def test_layouts_are_those_of_the_tree() -> None:
    assert (set(LAYOUTS), set(DATA_LAYOUTS)) == (set(layouts.PARTITIONS), set(layouts.DATA_PARTITIONS))
    for known, folder in ((LAYOUTS, "nix/disko"), (DATA_LAYOUTS, "nix/disko/data")):
        files = (Path(__file__).parents[3] / folder).glob("*.nix")
        assert sorted(known) == sorted(path.stem for path in files if path.stem not in {"default", "parts", "zfs"})

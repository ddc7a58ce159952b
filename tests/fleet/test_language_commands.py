"""`python -m fleet`: what each verb prints, writes and returns."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fleet import stackfile
from fleet.__main__ import main
from fleet.keys.keystore import Plan


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with all stacks and no generated file."""
    monkeypatch.delenv("NIXFLEET_CONTRACTS", raising=False)
    shutil.copytree(stackfile.ROOT / "nix/network", tmp_path / "nix/network")
    for path in stackfile.ROOT.glob("Pulumi*.yaml"):
        shutil.copy(path, tmp_path)
    return tmp_path


Said = pytest.CaptureFixture[str]


def test_all_stacks_are_checked_at_once(root: Path, capsys: Said) -> None:
    assert main(["--root", str(root), "check"]) == 0
    assert capsys.readouterr().out == (
        "Pulumi.cloud.yaml: 7 hosts, no fault; its keys are examples\n"
        "Pulumi.lab.yaml: 5 hosts, no fault; its keys are examples\n"
        "Pulumi.sim.yaml: 6 hosts, no fault\n"
    )


def test_faults_of_several_files_are_told_together(root: Path, capsys: Said) -> None:
    for name in ("lab", "sim"):
        path = root / f"Pulumi.{name}.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace("    endpoint:\n", "    endpont:\n"), encoding="utf-8")
    assert main(["--root", str(root), "check"]) == 1
    said = capsys.readouterr()
    assert said.out == "Pulumi.cloud.yaml: 7 hosts, no fault; its keys are examples\n"
    assert [line.split(":")[0].strip() for line in said.err.splitlines()] == [
        "Pulumi.lab.yaml has 2 faults",
        "endpoint",
        "endpont",
        "Pulumi.sim.yaml has 2 faults",
        "endpoint",
        "endpont",
    ]


def test_a_file_anywhere_can_be_checked(root: Path, tmp_path: Path, capsys: Said) -> None:
    other = tmp_path / "elsewhere.yaml"
    shutil.copy(root / "Pulumi.sim.yaml", other)
    assert main(["--root", str(root), "check", str(other)]) == 0
    assert main(["--root", str(root), "check", "--stack", "sim"]) == 0
    assert capsys.readouterr().out == "elsewhere.yaml: 6 hosts, no fault\nPulumi.sim.yaml: 6 hosts, no fault\n"


@pytest.mark.parametrize("words", [["check", "x", "--stack", "sim"], ["keys"], [], ["bake"]])
def test_a_wrong_command_line_returns_two(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2


@pytest.mark.parametrize("verb", [["contract"], ["known-hosts"], ["sops"], ["schema"], ["contract", "--stack", "lab"]])
def test_generated_files_are_stale_then_written_then_fresh(root: Path, capsys: Said, verb: list[str]) -> None:
    (root / "fleet").mkdir()
    words = ["--root", str(root), *verb]
    assert main([*words, "--check"]) == 1
    assert "stale: the file is what the stack files say now; run `" in capsys.readouterr().err
    assert main(words) == 0
    assert all(line.startswith("wrote ") for line in capsys.readouterr().out.splitlines())
    assert main([*words, "--check"]) == 0
    assert main(words) == 0
    assert capsys.readouterr().out == ""


def test_contracts_go_where_the_environment_says(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIXFLEET_CONTRACTS", str(tmp_path / "elsewhere"))
    assert main(["--root", str(root), "contract", "--stack", "lab"]) == 0
    assert sorted(path.name for path in (tmp_path / "elsewhere").iterdir()) == ["lab.json", "lab.known_hosts"]
    assert not (root / "nix/fleet").exists()


def test_keys_refresh_what_follows_from_them(root: Path, capsys: Said) -> None:
    assert main(["--root", str(root), "keys", "--stack", "sim"]) == 0
    assert capsys.readouterr().out == (
        "sim: nothing is missing\n"
        f"wrote {root}/nix/fleet/sim.json\nwrote {root}/nix/fleet/sim.known_hosts\nwrote {root}/.sops.yaml\n"
    )


def test_a_diff_takes_stacks_files_and_contracts(root: Path, tmp_path: Path, capsys: Said) -> None:
    old = tmp_path / "old.yaml"
    text = (root / "Pulumi.lab.yaml").read_text(encoding="utf-8")
    old.write_text(text.replace("k3sMemoryMaxGib: 6", "k3sMemoryMaxGib: 5", 1), encoding="utf-8")
    assert main(["--root", str(root), "diff", str(old), "lab"]) == 0
    assert capsys.readouterr().out == "jetson-1: rolling\n  tuning.k3sMemoryMaxGib: 5 -> 6\n"
    assert main(["--root", str(root), "contract", "--stack", "lab"]) == 0
    capsys.readouterr()
    assert main(["--root", str(root), "diff", str(root / "nix/fleet/lab.json"), "lab"]) == 0
    assert capsys.readouterr().out == "nothing changes\n"


def with_nix(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout with a tree of Nix, and a Nix that evaluates it."""
    (root / "nix/fleet").mkdir(parents=True, exist_ok=True)
    (root / "nix/flake.nix").write_text("{ }\n", encoding="utf-8")
    monkeypatch.setenv("NIXFLEET_SIM", str(root / "world"))
    monkeypatch.setenv("PATH", f"{stackfile.ROOT}/sim/tools/bin:{Path(sys.executable).parent}:/usr/bin:/bin")


def test_a_diff_says_what_nix_knows_of_each_host_and_which_machines_their_cloud_restarts(
    root: Path, tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing, units, k3s or a reboot, by one evaluation of each side; no contract of the checkout is read."""
    with_nix(root, monkeypatch)
    document = yaml.safe_load((root / "Pulumi.sim.yaml").read_text(encoding="utf-8"))
    hosts = document["config"]["nixfleet:fleet"]["hosts"]
    hosts["hcloud-2"]["serverType"] = "ccx13"
    hosts["jetson-1"]["tuning"] = {"kernelParams": ["quiet"]}
    hosts["n100-1"]["tuning"] = {"zramPercent": 50}
    hosts["ovh-1"]["labels"] = {"example.net/shelf": "two"}
    new = tmp_path / "new" / "Pulumi.sim.yaml"
    new.parent.mkdir()
    new.write_text(yaml.safe_dump(document), encoding="utf-8")
    assert main(["--root", str(root), "diff", "sim", str(new)]) == 0
    shown = capsys.readouterr().out.partition("what happens")
    assert "hcloud-2: restart\n  serverType: cx33 -> ccx13\n" in shown[0]
    assert "".join(shown[1:]) == (
        "what happens to each host (evaluated by Nix):\n"
        "  hcloud-1: nothing\n"
        "  hcloud-2: reboot: its cloud changes its machine\n"
        "  hcloud-3: nothing\n"
        "  jetson-1: reboot\n"
        "  n100-1: units\n"
        "  ovh-1: units\n"
    )


def test_a_diff_without_a_nix_that_evaluates_says_what_it_cannot_know(
    root: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_nix(root, monkeypatch)
    monkeypatch.delenv("NIXFLEET_SIM")
    assert main(["--root", str(root), "diff", "lab", "lab"]) == 0
    said = capsys.readouterr()
    assert said.out == "nothing changes\n"
    assert said.err.startswith("what happens to each host is not known: nix has 1 fault:\n  nix#hostFacts.lab: ")
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["--root", str(root), "diff", "lab", "lab"]) == 0
    assert capsys.readouterr() == (
        "nothing changes\n",
        "no nix on PATH, which could say whether units or k3s restart, or the host reboots\n",
    )


def test_a_contract_that_is_no_json_is_refused(root: Path, capsys: Said) -> None:
    bad = root / "bad.json"
    bad.write_text("{", encoding="utf-8")
    assert main(["--root", str(root), "diff", str(bad), "lab"]) == 1
    assert capsys.readouterr().err == (
        f"{bad} has 1 fault:\n  document: Expecting property name enclosed in double quotes: line 1 column 2 (char 1): "
        "the file is JSON; correct that place\n"
    )


def test_a_folder_that_cannot_be_written_is_one_message(root: Path, capsys: Said) -> None:
    (root / "nix/fleet").write_text("", encoding="utf-8")
    assert main(["--root", str(root), "contract", "--stack", "lab"]) == 1
    assert capsys.readouterr().err == (
        f"{root}/nix/fleet: File exists; check that it is there and that you may read and write it\n"
    )


def test_the_module_runs_as_a_command_without_a_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fleet", "check", "--stack", "nowhere"],
        cwd=stackfile.ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "stack 'nowhere' has 1 fault:\n"
        "  stack: nowhere: a stack has a file Pulumi.<stack>.yaml; name one of cloud, lab, sim, "
        "or write Pulumi.nowhere.yaml\n"
    )


def test_being_stopped_is_one_message(root: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fleet.__main__.complete", stopped)
    assert main(["--root", str(root), "keys", "--stack", "sim"]) == 130
    assert capsys.readouterr().err == "stopped; every file is as it was or whole\n"


def test_keys_that_were_made_are_named(root: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    done = Plan(new_hosts=("n1",), restored=("nixfleet:keys-n2",), new_cluster=False, dropped=())
    monkeypatch.setattr("fleet.__main__.complete", lambda *_: done)
    assert main(["--root", str(root), "keys", "--stack", "sim"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "sim: made the keys of n1",
        "sim: derived the public halves of nixfleet:keys-n2",
    ]

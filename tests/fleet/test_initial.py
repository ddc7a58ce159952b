"""`make init`: a stack of one's own from an existing one, with answers or as it is, and never a broken one."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from fleet import stackfile
from fleet.__main__ import main
from fleet.faults import FleetError
from fleet.initial import GONE, Question, begin, questions
from fleet.stackfile import ROOT
from fleet.version import PROGRAM

if TYPE_CHECKING:
    from pathlib import Path

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINEX1wZP6WuKHTXfhZPj8WBUgVbalv+j5scdVHecwGTK eve@desk"
ANSWERS = {
    "endpoint.name": "api.home.example.org",
    "firewall.adminRanges": "10.0.1.0/24, 192.0.2.0/24",
    "hosts.n100-1": "shelf-1",
    "hosts.n100-1.disk.device": "/dev/disk/by-id/nvme-OTHER_0001",
    "hosts.n100-1.disk.serial": "0001",
    "hosts.n100-1.disk.sizeGib": "931",
    "hosts.jetson-2": GONE,
    "users.ada": "eve",
    "users.ada.keys.laptop": KEY,
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout's stack files and network profiles."""
    shutil.copy(ROOT / "Pulumi.lab.yaml", tmp_path)
    shutil.copy(ROOT / "Pulumi.sim.yaml", tmp_path)
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    shutil.copytree(ROOT / "nix" / "network", tmp_path / "nix" / "network")
    return tmp_path


def fleet_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())["config"][stackfile.FLEET_KEY]
    return found


def test_what_is_answered_is_ones_own_and_all_else_stays(root: Path) -> None:
    made = fleet_of(begin("home", "lab", root, ANSWERS, None))
    wanted = fleet_of(root / "Pulumi.lab.yaml")
    wanted["cluster"] |= {"name": "home", "seed": "shelf-1"}
    wanted["endpoint"]["name"] = "api.home.example.org"
    wanted["firewall"]["adminRanges"] = ["10.0.1.0/24", "192.0.2.0/24"]
    wanted["users"] = {"eve": {"keys": {"laptop": KEY}}}
    seed = wanted["hosts"].pop("n100-1")
    seed["disk"] |= {"device": "/dev/disk/by-id/nvme-OTHER_0001", "serial": "0001", "sizeGib": 931}
    del wanted["hosts"]["jetson-2"]
    wanted["hosts"]["shelf-1"] = seed
    assert made == wanted


def test_no_key_and_no_secret_of_the_other_stack_comes_along(root: Path) -> None:
    text = begin("home", "sim", root, {}, None).read_text()
    assert "secure" not in text
    assert "encryptionsalt" not in text
    assert sorted(yaml.safe_load(text)["config"]) == ["nixfleet:fleet", "pulumi:disable-default-providers"]


def test_a_person_is_asked_for_each_thing_once_and_enter_keeps_it(root: Path) -> None:
    asked: list[str] = []

    def ask(question: Question) -> str:
        asked.append(question.word)
        return {"hosts.jetson-2": GONE, "endpoint.name": " api.home.example.org "}.get(question.word, "")

    made = fleet_of(begin("home", "lab", root, {"firewall.adminRanges": "10.0.1.0/24"}, ask))
    assert made["endpoint"]["name"] == "api.home.example.org"
    assert (len(asked), "firewall.adminRanges" in asked) == (len(set(asked)), False)
    # Nothing more is asked of a host that is left out.
    assert [word for word in asked if word.startswith("hosts.jetson-2")] == ["hosts.jetson-2"]


def test_every_address_disk_and_key_is_asked_for(root: Path) -> None:
    words = {question.word for question in questions(fleet_of(root / "Pulumi.lab.yaml"))}
    host = {"", ".address", ".storageAddress", ".disk.device", ".disk.serial", ".disk.sizeGib", ".ports.enp1s0"}
    assert {f"hosts.n100-1{part}" for part in host} <= words
    assert {"cluster.name", "endpoint.address", "users.ada.keys.laptop"} <= words
    assert not {word for word in words if word.endswith((".role", ".kind", ".layout"))}


def test_a_public_key_may_be_named_by_its_file(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "id.pub"
    file.write_text(f"{KEY}\n")
    made = fleet_of(begin("home", "lab", root, {"users.ada.keys.laptop": str(file)}, None))
    assert made["users"]["ada"]["keys"]["laptop"] == KEY


@pytest.mark.parametrize(
    ("stack", "answers", "said"),
    [
        (
            "home",
            {"hosts.n100-1.address": "10.9.9.9", "hosts.n100-1": "n100-2"},
            (
                "Pulumi.home.yaml has 1 fault:\n  hosts.n100-1: n100-2: a name has lower case letters, digits and "
                "inner hyphens, and is there once; choose another one"
            ),
        ),
        (
            "home",
            {"hosts.n100-1.role": "agent"},
            (
                "Pulumi.home.yaml has 1 fault:\n  hosts.n100-1.role: agent: it is none of what has to be one's own; "
                "`make init` without answers lists them all"
            ),
        ),
        (
            "lab",
            {},
            (
                "Pulumi.lab.yaml has 1 fault:\n  document: there: a file is begun once; choose another name, or "
                "edit the file"
            ),
        ),
        (
            "My_Home",
            {},
            (
                "Pulumi.My_Home.yaml has 1 fault:\n  STACK: My_Home: a stack's name is a DNS label; choose another "
                "one, as STACK=home"
            ),
        ),
    ],
)
def test_what_would_break_a_law_is_refused_and_nothing_is_written(
    root: Path, stack: str, answers: dict[str, str], said: str
) -> None:
    before = sorted(path.name for path in root.iterdir())
    with pytest.raises(FleetError) as refused:
        begin(stack, "lab", root, answers, None)
    assert str(refused.value) == said
    assert sorted(path.name for path in root.iterdir()) == before


def test_the_command_says_what_comes_next(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(root), "init", "--stack", "home", "--from", "lab", "--defaults"]) == 0
    assert capsys.readouterr().out == (
        f"wrote {root}/Pulumi.home.yaml\n\n"
        "Next:  make keys STACK=home       keys of its own, and its contract\n"
        "       make rehearse STACK=home   runs it on a simulated fleet\n"
    )


def test_the_program_has_a_version_that_the_changelog_begins_with() -> None:
    newest = next(line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## "))
    assert newest == f"## {PROGRAM}"

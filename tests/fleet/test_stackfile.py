"""Stack files: finding and reading them, with one message for all that is wrong."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from fleet import stackfile
from fleet.faults import FleetError
from fleet.files import write_whole
from fleet.keys.pairs import make_identities
from fleet.stackfile import load, replace_identities
from fleet.yamltext import parse

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(stackfile.ROOT / "nix/network", tmp_path / "nix/network")
    shutil.copy(stackfile.ROOT / "Pulumi.lab.yaml", tmp_path)
    return tmp_path


def _message(root: Path, stack: str = "lab") -> str:
    with pytest.raises(FleetError) as caught:
        load(stack, root)
    return str(caught.value)


def _edit(root: Path, old: str, new: str) -> None:
    path = root / "Pulumi.lab.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_lab_is_made_of_five_boards_and_survives_one_server() -> None:
    stack = load("lab")
    assert sorted(stack.fleet.hosts) == ["jetson-1", "jetson-2", "n100-1", "n100-2", "n100-3"]
    assert stack.fleet.formation == ("n100-1", "n100-2", "n100-3")
    addresses = {name: str(host.address) for name, host in stack.fleet.hosts.items()}
    assert addresses["n100-1"] == "10.0.1.11"
    assert addresses["jetson-2"] == "10.0.1.15"


def test_the_cloud_has_three_servers_at_hetzner_and_workers_at_both() -> None:
    fleet = load("cloud").fleet
    assert {type(fleet.hosts[name]).__name__ for name in fleet.formation} == {"HcloudHost"}
    workers = {type(fleet.hosts[name]).__name__ for name in set(fleet.hosts) - set(fleet.formation)}
    assert workers == {"HcloudHost", "OvhInstanceHost"}
    assert fleet.protection
    assert len({getattr(fleet.hosts[name], "location", None) for name in fleet.formation}) == 3


def test_sim_mixes_every_kind_that_is_created_and_boards() -> None:
    kinds = [getattr(host, "kind", None) for host in load("sim").fleet.hosts.values()]
    assert {kind: kinds.count(kind) for kind in kinds} == {"hcloud": 3, "ovh-instance": 1, "bare-metal": 2}


def test_an_unknown_stack_is_told_which_there_are(root: Path) -> None:
    assert _message(root, "prod") == (
        "stack 'prod' has 1 fault:\n"
        "  stack: prod: a stack has a file Pulumi.<stack>.yaml; name one of lab, or write Pulumi.prod.yaml"
    )


def test_a_checkout_without_stacks_says_so(tmp_path: Path) -> None:
    assert _message(tmp_path).endswith("name one of the stacks after writing a file, or write Pulumi.lab.yaml")


def test_bad_yaml_is_refused_with_its_line(root: Path) -> None:
    _edit(root, "    cluster:\n", "    cluster: [\n")
    assert _message(root).startswith(f"{root}/Pulumi.lab.yaml has 1 fault:\n  document: line 8, column 11: ")


def test_a_key_twice_is_refused_with_both_lines(root: Path) -> None:
    _edit(root, "      jetson-2:", "      jetson-1:")
    assert "the key 'jetson-1' stands in line" in _message(root)


@pytest.mark.parametrize("text", ["", "other: 1\n", "config: 1\n", "[1]\n"])
def test_a_file_without_configuration_is_refused(root: Path, text: str) -> None:
    (root / "Pulumi.lab.yaml").write_text(text, encoding="utf-8")
    assert _message(root) == (
        f"{root}/Pulumi.lab.yaml has 1 fault:\n"
        "  config: absent: a stack file has a section config; add it, see Pulumi.sim.yaml"
    )


def test_a_file_without_a_fleet_is_refused(root: Path) -> None:
    (root / "Pulumi.lab.yaml").write_text("config:\n  a: 1\n", encoding="utf-8")
    assert _message(root) == (
        "Pulumi.lab.yaml has 1 fault:\n"
        "  nixfleet:fleet: absent: a stack file describes its fleet; add nixfleet:fleet, see Pulumi.sim.yaml"
    )


@pytest.mark.parametrize(("content", "reason"), [(None, "Is a directory"), (b"\xff\xfe", "it is not UTF-8 text")])
def test_a_file_that_cannot_be_read_is_refused(root: Path, content: bytes | None, reason: str) -> None:
    path = root / "Pulumi.lab.yaml"
    path.unlink()
    path.mkdir() if content is None else path.write_bytes(content)
    assert _message(root) == (
        f"{path} has 1 fault:\n  document: {reason}: the file can be read; check its name and who may read it"
    )


def test_a_host_without_identity_is_told_the_command(root: Path) -> None:
    _edit(root, "      n100-1:\n        hostKey", "      n100-9:\n        hostKey")
    assert _message(root) == (
        "Pulumi.lab.yaml has 1 fault:\n"
        "  nixfleet:identities.hosts.n100-1: absent: every host has an identity before its machine exists; "
        "run `make keys STACK=lab`"
    )


def test_faults_of_the_fleet_and_of_the_identities_come_at_once(root: Path) -> None:
    _edit(root, "    example: true\n", "    example: true\n    extra: 1\n")
    _edit(root, "role: agent", "role: idler")
    assert _message(root) == (
        "Pulumi.lab.yaml has 2 faults:\n"
        "  hosts.jetson-1.role: \"idler\": it must be 'server' or 'agent'; correct the value\n"
        "  nixfleet:identities.extra: 1: there is no such key here; remove it or correct its spelling"
    )


def test_no_identities_at_all_is_one_fault(root: Path) -> None:
    path = root / "Pulumi.lab.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("  nixfleet:identities:")], encoding="utf-8")
    assert _message(root) == (
        "Pulumi.lab.yaml has 1 fault:\n"
        "  nixfleet:identities: absent: the public halves of all keys stand in the stack file; "
        "run `make keys STACK=lab`"
    )


def test_secrets_of_other_programs_are_not_the_fleets(root: Path) -> None:
    _edit(root, "  nixfleet:fleet:", "  hcloud:token: {secure: x}\n  nixfleet:keys-a: {secure: y}\n  nixfleet:fleet:")
    assert load("lab", root).secrets == frozenset({"nixfleet:keys-a"})


def test_identities_that_were_replaced_read_back() -> None:
    identities, _ = make_identities(["jetson-1", "null", "12"])
    text = replace_identities("config:\n  a: 1\n", identities, {"nixfleet:keys-x": "v1:y"}, {"encryptionsalt": "v1:z"})
    document = parse(text)
    assert isinstance(document, dict)
    assert type(identities).model_validate(document["config"]["nixfleet:identities"]) == identities
    assert document["config"]["nixfleet:keys-x"] == {"secure": "v1:y"}
    assert document["encryptionsalt"] == "v1:z"


def test_a_file_keeps_its_access_when_it_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_whole(path, "a")
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o600)
    write_whole(path, "b")
    assert (path.read_text(encoding="utf-8"), path.stat().st_mode & 0o777) == ("b", 0o600)
    assert list(tmp_path.iterdir()) == [path]

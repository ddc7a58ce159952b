"""Generated files are fresh, and the schema agrees with the models."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from fleet import stackfile
from fleet.contract import generated
from fleet.contract.schema import schema
from fleet.document import read_whole
from fleet.faults import FleetError
from fleet.keys.pairs import make_identities
from fleet.keys.recipients import render_sops
from fleet.yamltext import parse
from tests.fleet.documents import PROFILES, base, changed, table

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = jsonschema.FormatChecker(formats=["ipv4"])


@FORMATS.checks("ipv4network", raises=ValueError)
def _is_network(value: object) -> bool:
    return bool(IPv4Network(str(value)))


VALIDATOR = jsonschema.Draft202012Validator(schema(), format_checker=FORMATS)
STACKS = stackfile.names(stackfile.ROOT)
FOLDER = stackfile.ROOT / generated.CONTRACTS


def test_the_stacks_are_these() -> None:
    assert STACKS == ("cloud", "lab", "sim")


@pytest.mark.parametrize("name", STACKS)
def test_contracts_and_known_hosts_are_fresh(name: str) -> None:
    stack = stackfile.load(name)
    generated.require(generated.contract_file(stack, FOLDER), f"make contract STACK={name}")
    generated.require(generated.known_hosts_file(stack, FOLDER), f"make contract STACK={name}")


def test_the_sops_rules_and_the_schema_are_fresh() -> None:
    generated.require(generated.sops_file(stackfile.ROOT), "python -m fleet sops")
    generated.require(generated.schema_file(stackfile.ROOT), "python -m fleet schema")


def test_a_stale_file_is_refused_by_name_and_written_once(tmp_path: Path) -> None:
    files = {tmp_path / "folder/a": "new\n", tmp_path / "b": "same\n"}
    (tmp_path / "b").write_text("same\n", encoding="utf-8")
    with pytest.raises(FleetError) as caught:
        generated.require(files, "make it")
    assert str(caught.value) == (
        "the checkout has 1 fault:\n"
        f"  {tmp_path}/folder/a: stale: the file is what the stack files say now; run `make it` and commit the file"
    )
    assert generated.write(files) == (tmp_path / "folder/a",)
    assert generated.write(files) == ()
    generated.require(files, "make it")


def _file(name: str) -> Any:
    return parse((stackfile.ROOT / f"Pulumi.{name}.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", STACKS)
def test_the_stack_files_keep_the_schema_and_name_it(name: str) -> None:
    VALIDATOR.validate(_file(name))
    text = (stackfile.ROOT / f"Pulumi.{name}.yaml").read_text(encoding="utf-8")
    assert "# yaml-language-server: $schema=fleet/schema.json\n" in text


def _wrapped(document: Any) -> Any:
    return {"config": {"nixfleet:fleet": document}}


@pytest.mark.parametrize("case", table("refused.yaml"), ids=lambda case: case["refuses"])
def test_the_schema_refuses_what_the_types_refuse_and_nothing_else(case: dict[str, Any]) -> None:
    document = changed(case, base(case["base"]))
    assert VALIDATOR.is_valid(_wrapped(document)) == (read_whole(document, PROFILES)[0] is not None)


def _rules() -> dict[str, set[str]]:
    document = yaml.safe_load((stackfile.ROOT / ".sops.yaml").read_text(encoding="utf-8"))
    return {rule["path_regex"]: set(rule["age"].replace(",", " ").split()) for rule in document["creation_rules"]}


@pytest.mark.parametrize("name", STACKS)
def test_a_host_can_read_its_own_secrets_and_the_shared_ones_only(name: str) -> None:
    stack = stackfile.load(name)
    for host in stack.fleet.hosts:
        own = stack.identities.hosts[host].age_recipient
        readable = {pattern for pattern, recipients in _rules().items() if own in recipients}
        assert readable == {f"(^|/)secrets/{name}/{host}\\.yaml$", f"(^|/)secrets/{name}/shared\\.yaml$"}


def test_admins_read_everything_and_other_users_nothing() -> None:
    stack = stackfile.load("sim")
    everywhere = set.intersection(*(found for pattern, found in _rules().items() if "/sim/" in pattern))
    assert len(everywhere) == 2  # the deploy key and ada's
    users = {name: user.model_copy(update={"admin": False}) for name, user in stack.fleet.users.items()}
    fleet = stack.fleet.model_copy(update={"users": users})
    text = render_sops([stackfile.Stack(**{**vars(stack), "fleet": fleet})])
    found = yaml.safe_load(text)["creation_rules"]
    assert len(set.intersection(*(set(rule["age"].replace(",", " ").split()) for rule in found))) == 1


def test_known_hosts_pin_the_installed_systems_by_name_and_address() -> None:
    stack = stackfile.load("lab")
    lines = (FOLDER / "lab.known_hosts").read_text(encoding="utf-8").splitlines()[1:]
    assert lines == [
        f"{name},{stack.fleet.hosts[name].address} {stack.identities.hosts[name].host_key}"
        for name in sorted(stack.fleet.hosts)
    ]


def test_a_stack_with_example_keys_says_so_in_the_sops_rules() -> None:
    text = (stackfile.ROOT / ".sops.yaml").read_text(encoding="utf-8")
    assert ("make keys STACK=lab" in text) == stackfile.load("lab").identities.example
    assert "make keys STACK=sim" not in text
    assert make_identities(["a"])[0].example is False

"""Everything that can be refused is refused before the first resource is registered, in one clean message."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
import yaml

from components import evaluation, inputs
from components.inputs import ROOT, load, quarter
from components.site import build
from components.withheld import SECRET_INPUTS
from fleet.contract.evaluation import Evaluated, evaluate
from fleet.contract.facts import render
from fleet.faults import FleetError
from fleet.keys.pairs import as_secret
from fleet.model import camel
from tests.components.plan import record
from tests.components.stacks import BACKUP, BUCKET, cluster_keys, host_keys, inputs_of

if TYPE_CHECKING:
    from pathlib import Path

CURE = "run `make keys STACK=sim`"
LAW = "each public half in the stack file has its private half beside it, as a secret"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Config of stack `sim`, whole, with its contract in a folder of its own and without Nix."""
    known = inputs_of("sim")
    (tmp_path / "sim.json").write_text(render(known.contract))
    monkeypatch.setenv("NIXFLEET_CONTRACTS", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    document = yaml.safe_load((ROOT / "Pulumi.sim.yaml").read_text())["config"]["nixfleet:fleet"]
    return {
        "nixfleet:fleet": json.dumps(document),
        "nixfleet:identities": json.dumps(known.identities.model_dump(mode="json")),
        "nixfleet:clusterKeys": as_secret(cluster_keys()),
        "nixfleet:bucketKeys": json.dumps(BUCKET.model_dump(mode="json")),
        **{f"nixfleet:keys-{name}": as_secret(host_keys(name)) for name in known.fleet.hosts},
    }


def loaded(config: dict[str, str], *, preview: bool = False) -> inputs.Inputs:
    """Load under this config; nothing may have been registered by then."""
    found: list[inputs.Inputs] = []

    def program() -> None:
        pulumi.runtime.set_all_config(config)
        found.append(load())

    plan = record(program, preview=preview)
    assert plan.resources == []
    return found[0]


def refusal(config: dict[str, str]) -> str:
    with pytest.raises(pulumi.RunError) as refused:
        loaded(config)
    return str(refused.value)


def test_a_whole_stack_is_loaded(config: dict[str, str]) -> None:
    found, known = loaded(config), inputs_of("sim")
    assert found.fleet == known.fleet
    assert found.contract == known.contract
    assert found.keys == known.keys
    assert all(key.startswith("content-") for key in found.closures.values())


@pytest.mark.parametrize(
    "text", [None, "hunter2", '{"accessKey": "hunter2"}', '{"accessKey": "hunter2", "secretKey": ""}']
)
def test_a_bucket_for_snapshots_without_its_credential_is_refused(text: str | None, config: dict[str, str]) -> None:
    del config["nixfleet:bucketKeys"]
    if text is not None:
        config["nixfleet:bucketKeys"] = text
    assert refusal(config) == (
        "Pulumi.sim.yaml has 1 fault:\n"
        "  nixfleet:bucketKeys: absent or unreadable: "
        "a bucket for snapshots has its credential as a secret of the stack; "
        "run `pulumi config set --secret nixfleet:bucketKeys -s sim` and give it "
        '{"accessKey": "...", "secretKey": "..."}'
    )


def backed_up(config: dict[str, str], **settings: str) -> None:
    fleet = json.loads(config["nixfleet:fleet"])
    fleet["addons"]["longhorn"] = {"backupTarget": "s3://backups@fsn1/", **settings}
    config["nixfleet:fleet"] = json.dumps(fleet)


@pytest.mark.parametrize("text", [None, "hunter2", '{"accessKey": "hunter2"}'])
def test_a_backup_target_without_its_credential_is_refused(text: str | None, config: dict[str, str]) -> None:
    backed_up(config)
    if text is not None:
        config["nixfleet:backupKeys"] = text
    assert refusal(config) == (
        "Pulumi.sim.yaml has 1 fault:\n"
        "  nixfleet:backupKeys: absent or unreadable: a backup target has its credential as a secret of the stack; "
        "run `pulumi config set --secret nixfleet:backupKeys -s sim` and give it "
        '{"accessKey": "...", "secretKey": "..."}'
    )


def test_a_backup_target_has_its_credential(config: dict[str, str]) -> None:
    backed_up(config)
    config["nixfleet:backupKeys"] = json.dumps(BACKUP.model_dump(mode="json"))
    assert loaded(config).backup_keys == BACKUP


def test_a_backup_target_without_accounts_needs_none(config: dict[str, str]) -> None:
    backed_up(config, backupTarget="nfs://nas:/backups")
    assert loaded(config).backup_keys is None


def test_missing_private_halves_are_named_all_at_once(config: dict[str, str]) -> None:
    del config["nixfleet:keys-n100-1"], config["nixfleet:clusterKeys"]
    assert refusal(config) == (
        "Pulumi.sim.yaml has 2 faults:\n"
        f"  nixfleet:clusterKeys: absent or unreadable: {LAW}; {CURE}\n"
        f"  nixfleet:keys-n100-1: absent or unreadable: {LAW}; {CURE}"
    )


class TestPreviewWithoutPrivateHalves:
    """A reviewer's preview has the public file alone; whoever changes hosts has all keys."""

    @pytest.fixture
    def public(self, config: dict[str, str]) -> dict[str, str]:
        return {key: value for key, value in config.items() if key in ("nixfleet:fleet", "nixfleet:identities")}

    def test_it_has_stand_ins_for_all_of_them(self, public: dict[str, str], config: dict[str, str]) -> None:
        found, known = loaded(public, preview=True), loaded(config)
        assert (found.public, known.public) == (True, False)
        assert (found.contract, set(found.keys)) == (known.contract, set(known.keys))
        secrets = [found.cluster_keys.server_token, found.cluster_keys.deploy_key, found.keys["n100-1"].host_key]
        assert secrets == ["withheld"] * 3

    def test_nothing_changes_by_them(self, public: dict[str, str]) -> None:
        def program() -> None:
            pulumi.runtime.set_all_config(public)
            build(load())

        plan = record(program, preview=True)
        held = {name for name in SECRET_INPUTS for one in plan.resources if camel(name) in one.inputs}
        assert held == {"stdin", "string_data", "user_data"}
        for one in plan.resources:
            kept = {camel(name) for name in SECRET_INPUTS if camel(name) in one.inputs}
            assert kept <= {camel(name) for name in one.options.ignoreChanges}, one.name

    def test_an_up_without_them_is_refused(self, public: dict[str, str]) -> None:
        assert refusal(public).splitlines()[1:3] == [
            f"  nixfleet:clusterKeys: absent or unreadable: {LAW}; {CURE}",
            f"  nixfleet:keys-hcloud-1: absent or unreadable: {LAW}; {CURE}",
        ]

    def test_half_of_them_is_a_fault_in_a_preview_too(self, config: dict[str, str]) -> None:
        del config["nixfleet:keys-n100-1"]
        with pytest.raises(pulumi.RunError) as refused:
            loaded(config, preview=True)
        assert str(refused.value) == (
            f"Pulumi.sim.yaml has 1 fault:\n  nixfleet:keys-n100-1: absent or unreadable: {LAW}; {CURE}"
        )

    def test_example_keys_serve_for_a_preview(self, public: dict[str, str]) -> None:
        identities = json.loads(public["nixfleet:identities"])
        public["nixfleet:identities"] = json.dumps({**identities, "example": True})
        assert loaded(public, preview=True).public


def test_a_secret_of_another_host_is_found_without_showing_it(config: dict[str, str]) -> None:
    config["nixfleet:keys-n100-1"] = config["nixfleet:keys-ovh-1"]
    said = refusal(config)
    assert said == (
        "Pulumi.sim.yaml has 1 fault:\n"
        f"  nixfleet:keys-n100-1: of other keys than identities.hosts.n100-1: {LAW}; {CURE}"
    )
    assert host_keys("ovh-1").wireguard_key not in said


def test_a_secret_that_is_no_document_is_not_shown(config: dict[str, str]) -> None:
    config["nixfleet:clusterKeys"] = json.dumps({"serverToken": "very-secret"})
    assert refusal(config) == (
        f"Pulumi.sim.yaml has 1 fault:\n  nixfleet:clusterKeys: absent or unreadable: {LAW}; {CURE}"
    )


def test_example_keys_are_refused(config: dict[str, str]) -> None:
    identities = json.loads(config["nixfleet:identities"])
    config["nixfleet:identities"] = json.dumps({**identities, "example": True})
    assert refusal(config) == f"Pulumi.sim.yaml has 1 fault:\n  nixfleet:identities.example: true: {LAW}; {CURE}"


def test_identities_that_are_not_there_are_made_by_one_command(config: dict[str, str]) -> None:
    del config["nixfleet:identities"]
    assert refusal(config) == (
        f"Pulumi.sim.yaml has 1 fault:\n  nixfleet:identities: absent: a stack file has it; {CURE}"
    )


@pytest.mark.parametrize(("text", "state"), [(None, "absent or unreadable"), ("{}\n", "stale")])
def test_a_contract_that_says_something_else_is_refused(
    config: dict[str, str], tmp_path: Path, text: str | None, state: str
) -> None:
    contract = tmp_path / "sim.json"
    contract.unlink()
    if text:
        contract.write_text(text)
    assert refusal(config) == (
        f"{contract} has 1 fault:\n"
        f"  document: {state}: the contract is what the stack file of sim says now; "
        "run `make contract STACK=sim` and commit the file"
    )


def test_a_broken_law_is_refused_with_its_path(config: dict[str, str]) -> None:
    fleet = json.loads(config["nixfleet:fleet"])
    fleet["cluster"]["seed"] = "nobody"
    config["nixfleet:fleet"] = json.dumps(fleet)
    assert "cluster.seed: nobody" in refusal(config)


@pytest.mark.parametrize(
    ("month", "name"), [(1, "2026-q1"), (3, "2026-q1"), (4, "2026-q2"), (9, "2026-q3"), (12, "2026-q4")]
)
def test_credentials_are_renewed_each_quarter(month: int, name: str) -> None:
    assert quarter(datetime(2026, month, 1, tzinfo=UTC)) == name


class TestEvaluation:
    """Closure keys come from one run of Nix."""

    @pytest.fixture
    def nix(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        """A `nix` that is a shell script."""

        def install(script: str) -> Path:
            tool = tmp_path / "bin/nix"
            tool.parent.mkdir()
            tool.write_text(f"#!/bin/sh\n{script}\n")
            tool.chmod(0o755)
            monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
            return tmp_path

        return install

    def test_it_is_asked_once_for_all_hosts(self, nix: Any) -> None:
        facts = '{"a": {"drv": "/nix/store/a.drv", "k3s": "1", "boot": "2"}}'
        folder = nix(f'echo "$@" >> "$(dirname "$0")/../asked"; echo \'{facts}\'')
        assert evaluation.closures(inputs_of("sim").contract, ROOT / "nix") == {
            "a": Evaluated(closure="/nix/store/a.drv", weight='{"k3s":"1","boot":"2"}')
        }
        (asked,) = (folder / "asked").read_text().splitlines()
        assert asked.endswith(f"eval --json {ROOT}/nix#hostFacts.sim")

    def test_what_it_says_is_handed_on(self, nix: Any) -> None:
        nix("echo 'error: no such host' >&2; exit 1")
        with pytest.raises(FleetError) as refused:
            evaluate("sim", ROOT / "nix", 6)
        assert str(refused.value) == (
            "nix has 1 fault:\n"
            "  nix#hostFacts.sim: error: no such host: every host of the stack evaluates; "
            "see all of it with `nix eval --json ./nix#hostFacts.sim --show-trace`"
        )


class TestWithoutNix:
    """A host counts as changed when its content is another one than that of the last run."""

    @pytest.fixture
    def said(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """What a person is told, without a Nix on PATH."""
        told: list[str] = []
        monkeypatch.setattr("shutil.which", lambda _: None)
        monkeypatch.setattr(pulumi.log, "warn", told.append)
        return told

    def test_the_closure_of_the_last_run_stays_where_the_content_does(
        self, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        contract = inputs_of("sim").contract
        contents = evaluation.contents(contract, ROOT / "nix")
        drv = "/nix/store/a-nixos-system-n100-1.drv"
        last = {
            "n100-1": {contents["n100-1"]: {"closure": drv, "weight": "{}"}},
            "jetson-1": {"content-of-then": {"closure": "/nix/store/b.drv", "weight": "{}"}},
        }
        known = tmp_path / "known.json"
        known.write_text(json.dumps(last))
        monkeypatch.setenv(evaluation.KNOWN, str(known))
        found = evaluation.closures(contract, ROOT / "nix")
        by_content = {name: Evaluated(closure=content) for name, content in contents.items()}
        assert found == {**by_content, "n100-1": Evaluated(closure=drv, weight="{}")}
        assert said == [evaluation.NO_NIX]

    def test_where_the_last_run_is_not_known_it_is_said(self, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(evaluation.KNOWN, raising=False)
        contract = inputs_of("sim").contract
        found = {name: system.closure for name, system in evaluation.closures(contract, ROOT / "nix").items()}
        assert found == evaluation.contents(contract, ROOT / "nix")
        assert said == [evaluation.NO_NIX, evaluation.UNKNOWN]

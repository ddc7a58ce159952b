"""What is read of a state: the fleet that was, who is a member still, what is protected, what closures were made of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.hosts import member_facts
from fleet.stackfile import ROOT
from fleet.transition import HostPrecedent, Installed, Precedent
from operate.foresight import hold
from operate.messages import OperateError
from operate.past import Past, past
from tests.components.stacks import inputs_of


def urn(kind: str, name: str) -> str:
    return f"urn:pulumi:lab::nixfleet::{kind}::{name}"


def command(name: str, **rest: Any) -> dict[str, Any]:
    return {"urn": urn("command:local:Command", name), "type": "command:local:Command", **rest}


def membership(host: str) -> dict[str, Any]:
    facts = member_facts(inputs_of("sim").contract.hosts[host])
    return command(f"{host}-membership", inputs={"environment": {"NIXFLEET_MEMBER": facts}})


AGENT = HostPrecedent(role="agent", layout="n100-standard")
REMEMBERED = Precedent(hosts={"n100-1": AGENT}, k3s_version="v1.35.6+k3s1")
TRANSITION = command("fleet-transition", outputs={"stdout": REMEMBERED.model_dump_json()})


@pytest.mark.parametrize("deployment", [None, {}, {"resources": []}])
def test_an_empty_state_holds_nothing_back(deployment: Any) -> None:
    assert past(deployment) == Past(precedent=None, protected=(), closures={})


def test_the_fleet_is_the_one_that_was_wanted_last() -> None:
    assert past({"resources": [TRANSITION, membership("n100-1")]}).precedent == REMEMBERED


def test_a_host_that_a_failed_run_did_not_take_out_is_there_still() -> None:
    found = past({"resources": [TRANSITION, membership("hcloud-2"), membership("ovh-1")]}).precedent
    assert found
    assert list(found.hosts) == ["hcloud-2", "n100-1", "ovh-1"]
    assert found.hosts["hcloud-2"] == HostPrecedent(role="server", created=True)


def test_what_an_installation_fixed_is_known_by_its_own_inputs() -> None:
    """The file may have wanted something else since, and a token that never came to act is not used up."""
    environment = {"NIXFLEET_REINSTALL": "n100-1@1", "NIXFLEET_FIXED": '{"address": "10.0.0.1", "layout": "n100-zfs"}'}
    done = command("n100-1-install", inputs={"environment": environment})
    found = past({"resources": [TRANSITION, done]}).precedent
    assert found
    assert found.hosts["n100-1"].installed == Installed(address="10.0.0.1", layout="n100-zfs", reinstall="n100-1@1")
    older = command("n100-1-install", inputs={"environment": {"NIXFLEET_REINSTALL": ""}})
    found = past({"resources": [TRANSITION, older]}).precedent
    assert found
    assert found.hosts["n100-1"].installed == Installed()


def answered(host: str, **answer: Any) -> dict[str, Any]:
    return command(f"{host}-system", inputs={"environment": {}}, outputs={"stdout": json.dumps(answer)})


def caught_up(word: str, k3s: str) -> dict[str, Any]:
    late = json.dumps({"n100-1": {"NIXFLEET_LATE_WORD": word}})
    said = json.dumps({"n100-1": {"k3s": k3s}})
    return command("fleet-latecomers", inputs={"environment": {"NIXFLEET_LATE": late}}, outputs={"stdout": said})


@pytest.mark.parametrize(
    ("resources", "runs"),
    [
        ([answered("n100-1", k3s="v1.34.2+k3s1")], "v1.34.2+k3s1"),
        ([answered("n100-1")], ""),
        ([command("n100-1-system")], ""),
        ([], ""),
        # It was off at its turn: what it ran before, until it was brought up to date.
        ([answered("n100-1", k3s="v1.34.2+k3s1", late="b")], "v1.34.2+k3s1"),
        ([answered("n100-1", k3s="v1.34.2+k3s1", late="b"), caught_up("b m", "v1.35.6+k3s1")], "v1.35.6+k3s1"),
        ([answered("n100-1", k3s="v1.34.2+k3s1", late="b"), caught_up("a", "v1.33.6+k3s1")], "v1.34.2+k3s1"),
        ([answered("n100-1", k3s="v1.35.6+k3s1"), caught_up("a", "v1.34.2+k3s1")], "v1.35.6+k3s1"),
    ],
)
def test_what_a_host_runs_is_known_by_its_last_switch_and_not_by_what_was_wanted(
    resources: list[dict[str, Any]], runs: str
) -> None:
    found = past({"resources": [TRANSITION, *resources]}).precedent
    assert found
    assert (found.k3s_version, found.hosts["n100-1"].k3s_version) == ("v1.35.6+k3s1", runs)


def test_longhorn_is_what_its_release_has() -> None:
    kind = "kubernetes:helm.sh/v3:Release"
    release = {"urn": urn(kind, "longhorn-release"), "type": kind, "inputs": {"version": "1.11.3"}}
    found = past({"resources": [TRANSITION, release]}).precedent
    assert (found and found.longhorn_version, REMEMBERED.longhorn_version) == ("1.11.3", None)


def test_a_membership_that_waits_for_its_deletion_is_none() -> None:
    found = past({"resources": [TRANSITION, membership("hcloud-2") | {"delete": True}]}).precedent
    assert found
    assert list(found.hosts) == ["n100-1"]


@pytest.mark.parametrize("printed", ["", "{}", "no JSON"])
def test_what_this_program_does_not_know_is_nothing_remembered(printed: str) -> None:
    found = past({"resources": [command("fleet-transition", outputs={"stdout": printed}), membership("hcloud-2")]})
    assert found.precedent is None


def test_closures_are_known_by_what_they_were_made_of() -> None:
    outputs = {
        "fleet": {"hosts": {"a": {"closure": "/nix/store/a.drv"}, "b": {"closure": "/nix/store/b.drv"}}},
        "contents": {"a": "content-a"},
    }
    stack = {"urn": urn("pulumi:pulumi:Stack", "nixfleet-lab"), "type": "pulumi:pulumi:Stack", "outputs": outputs}
    system = command("a-system", inputs={"environment": {"NIXFLEET_WEIGHT": "{}"}})
    assert past({"resources": [stack, system]}).closures == {
        "a": {"content-a": {"closure": "/nix/store/a.drv", "weight": "{}"}}
    }


def test_the_end_of_what_is_protected_is_refused_with_its_names() -> None:
    protected = [command("n100-1-system", protect=True), command("a-system", protect=True), command("b-system")]
    known = past(json.loads(json.dumps({"resources": protected})))
    with pytest.raises(OperateError) as refused:
        hold("destroy", "lab", ROOT / "Pulumi.lab.yaml", ROOT, known)
    assert str(refused.value) == (
        "stack lab is protected, and nothing was deleted: a-system, n100-1-system; if its end is meant, set "
        "`protection: false` in Pulumi.lab.yaml, run `make up STACK=lab`, then run this command again"
    )


def test_a_file_that_cannot_be_read_is_left_to_the_program() -> None:
    known = Past(precedent=REMEMBERED, protected=("a",), closures={})
    hold("up", "lab", ROOT / "Pulumi.none.yaml", ROOT, known)
    hold("refresh", "lab", ROOT / "Pulumi.lab.yaml", ROOT, known)


def test_it_is_known_on_which_machine_a_host_was_installed() -> None:
    """Also with a token that is new: the machine is the same, and its bootstrap key is worth nothing."""
    done = command("hcloud-1-install", inputs={"environment": {"NIXFLEET_MACHINE_ID": "4711"}})
    gone = command("hcloud-2-install", inputs={"environment": {"NIXFLEET_MACHINE_ID": "4712"}}, delete=True)
    assert past({"resources": [done, gone]}).machines == {"hcloud-1": "4711"}

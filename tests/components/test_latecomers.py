"""The last resource of a run knows whom the run left out, with all that their switches need; else it has nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.components import plan, stacks

if TYPE_CHECKING:
    import pytest

    from tests.components.plan import Plan
    from tests.components.stacks import Deploy

COMMAND = "command:local:Command"
ANSWERS = {
    "n100-1-system": {"generation": None, "k3s": "v1.34.2+k3s1", "late": "word", "ready": False, "system": ""},
    "fleet-mesh": {"late": {"n100-1": "unheard", "ovh-1": "unheard-2"}, "peers": {}},
}


def answering(monkeypatch: pytest.MonkeyPatch) -> Plan:
    """A plan in which commands answer so."""
    usual = plan.OUTPUTS[COMMAND]

    def answer(name: str) -> dict[str, Any]:
        return usual(name) | ({"stdout": json.dumps(ANSWERS[name])} if name in ANSWERS else {})

    monkeypatch.setitem(plan.OUTPUTS, COMMAND, answer)
    return stacks.recorded.__wrapped__("sim", None)


def test_where_nobody_was_left_out_it_has_nothing_that_could_change(deploy: Deploy) -> None:
    last = deploy().one("fleet-latecomers")
    environment = {name: value for name, value in last.inputs["environment"].items() if "_SECONDS" not in name}
    assert environment == {"NIXFLEET_LATE": "{}", "NIXFLEET_PEERS": "{}"}
    assert list(json.loads(last.inputs["stdin"])) == ["deployKey"]
    assert "stdin" in last.secret


def test_it_comes_after_all_others_and_the_end_of_the_stack_begins_with_it(deploy: Deploy) -> None:
    assert deploy().one("fleet-latecomers").depends_on == {
        "consumer-binding",
        "consumer-shared-binding",
        "consumer-token",
        "hetzner-api-service",
        "smoke-test-policy",
        "snapshots-secret",
    }
    (protection,) = (found for found in deploy().resources if found.type.endswith(":Protection"))
    assert protection.depends_on == {"fleet-latecomers"}


def test_who_was_left_out_is_told_with_all_that_its_switch_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    found = answering(monkeypatch)
    last = found.one("fleet-latecomers")
    late = json.loads(last.inputs["environment"]["NIXFLEET_LATE"])
    assert {host: entry["NIXFLEET_LATE_WORD"] for host, entry in late.items()} == {
        "n100-1": "word unheard",
        "ovh-1": "unheard-2",
    }
    switch = found.one("n100-1-system")
    same = {name: value for name, value in late["n100-1"].items() if name != "NIXFLEET_LATE_WORD"}
    common = {"NIXFLEET_ADDRESS", "NIXFLEET_PEERS", "NIXFLEET_REBOOTS"}
    assert same == {name: value for name, value in switch.inputs["environment"].items() if name not in common}
    assert sorted(json.loads(last.inputs["environment"]["NIXFLEET_PEERS"])) == [
        "hcloud-1",
        "hcloud-2",
        "hcloud-3",
        "jetson-1",
        "n100-1",
        "ovh-1",
    ]
    secrets = json.loads(json.loads(last.inputs["stdin"])["late"])
    assert secrets["n100-1"] == json.loads(switch.inputs["stdin"])
    assert sorted(secrets) == ["n100-1", "ovh-1"]
    assert "stdin" in last.secret

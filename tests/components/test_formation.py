"""Who waits for whom: the seed, then servers one at a time, then agents in batches, the mesh before all."""

from __future__ import annotations

import json
from typing import Any

from fleet.contract.formation import turns
from tests.components.stacks import Deploy, inputs_of


def one_agent_at_a_time(fleet: dict[str, Any]) -> None:
    fleet["rollout"] = {"batchSize": 1}


def test_the_seed_comes_first_then_servers_one_by_one_then_agents_in_a_window() -> None:
    def in_twos(fleet: dict[str, Any]) -> None:
        fleet["cluster"]["seed"] = "hcloud-2"
        fleet["rollout"] = {"batchSize": 2}

    assert turns(inputs_of("sim", in_twos).fleet) == {
        "hcloud-2": None,
        "hcloud-1": "hcloud-2",
        "hcloud-3": "hcloud-1",
        "jetson-1": "hcloud-3",
        "n100-1": "hcloud-3",
        "ovh-1": "jetson-1",
    }


def test_each_server_waits_for_the_one_before(deploy: Deploy) -> None:
    plan = deploy()
    assert "hcloud-1-system" in plan.one("hcloud-2-install").depends_on
    assert "hcloud-2-system" in plan.one("hcloud-3-install").depends_on
    assert plan.one("hcloud-2-system").depends_on == {"hcloud-2-install"}


def test_agents_wait_for_the_last_server_and_not_for_each_other(deploy: Deploy) -> None:
    plan = deploy()
    for agent in ("jetson-1", "n100-1", "ovh-1"):
        waits = plan.one(f"{agent}-install").depends_on
        assert {name for name in waits if name.endswith("-system")} == {"hcloud-3-system"}


def test_an_agent_waits_for_the_one_a_window_before(deploy: Deploy) -> None:
    plan = deploy(change=one_agent_at_a_time)
    assert "jetson-1-system" in plan.one("n100-1-install").depends_on
    assert "n100-1-system" in plan.one("ovh-1-install").depends_on


def test_the_mesh_knows_all_machines_and_the_first_host_waits_for_the_mesh(deploy: Deploy) -> None:
    plan = deploy()
    known = json.loads(plan.one("fleet-mesh").inputs["environment"]["NIXFLEET_PEERS"])
    assert sorted(known) == ["hcloud-1", "hcloud-2", "hcloud-3", "jetson-1", "n100-1", "ovh-1"]
    assert all(peer["endpoint"] for peer in known.values())
    assert "fleet-mesh" in plan.one("hcloud-1-install").depends_on


def test_a_network_that_is_no_mesh_has_no_mesh(deploy: Deploy) -> None:
    assert "fleet-mesh" not in deploy("lab").names("Command")


def test_a_window_that_shifts_changes_no_input(deploy: Deploy) -> None:
    """Who waits for whom is no input, so an agent that joins moves the others' turns without touching them."""

    def joined(fleet: dict[str, Any]) -> None:
        one_agent_at_a_time(fleet)
        fleet["hosts"]["a-first"] = {
            **fleet["hosts"]["n100-1"],
            "address": "10.90.0.99",
            "sshAddress": "192.168.50.99",
            "disk": {**fleet["hosts"]["n100-1"]["disk"], "device": "/dev/disk/by-id/nvme-other", "serial": "OTHER"},
        }

    before, after = deploy(change=one_agent_at_a_time), deploy(change=joined)
    for name in ("n100-1-system", "ovh-1-system", "hcloud-1-system", "nodes-n100-1", "hcloud-1-server"):
        assert after.one(name).inputs == before.one(name).inputs

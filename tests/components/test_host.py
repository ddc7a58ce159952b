"""An installation formats a disk, so what makes it run again is told exactly; so is what a switch is keyed by."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from components.site import build
from fleet.cluster import Rollout
from fleet.contract.facts import HostFacts
from fleet.durations import switch_seconds
from tests.components.plan import Plan, name_of, number, record
from tests.components.stacks import inputs_of

if TYPE_CHECKING:
    from tests.components.stacks import Deploy

VOLATILE = {"create", "update", "environment", "stdin", "dir", "interpreter", "logging"}


def reinstalled(fleet: dict[str, Any]) -> None:
    fleet["hosts"]["n100-1"]["reinstall"] = "n100-1@second"


class TestInstall:
    def test_only_another_machine_or_token_installs_again(self, deploy: Deploy) -> None:
        plan = deploy()
        install = plan.one("hcloud-1-install")
        assert install.inputs["triggers"] == [server_id(plan, "hcloud-1"), ""]
        assert set(install.options.ignoreChanges) == VOLATILE
        assert list(install.options.replaceOnChanges) == ["triggers[*]"]

    def test_a_board_is_known_by_its_disk(self, deploy: Deploy) -> None:
        assert deploy().one("n100-1-install").inputs["triggers"] == ["2313E6D00021", ""]

    def test_a_token_reaches_the_guard_on_the_host(self, deploy: Deploy) -> None:
        install = deploy(change=reinstalled).one("n100-1-install")
        assert install.inputs["triggers"] == ["2313E6D00021", "n100-1@second"]
        assert install.inputs["environment"]["NIXFLEET_REINSTALL"] == "n100-1@second"

    def test_it_is_not_protected_as_a_token_could_not_replace_it_then(self, deploy: Deploy) -> None:
        installs = [item for item in deploy("cloud").of("Command") if item.name.endswith("-install")]
        assert installs
        assert not any(item.options.protect for item in installs)

    def test_its_update_does_nothing_and_it_has_no_delete(self, deploy: Deploy) -> None:
        install = deploy().one("ovh-1-install")
        assert install.inputs["update"] == ":"
        assert "delete" not in install.inputs

    def test_secrets_travel_by_stdin_and_only_those_of_the_role(self, deploy: Deploy) -> None:
        plan = deploy()
        server, agent = plan.one("hcloud-1-install"), plan.one("n100-1-install")
        assert "stdin" in server.secret & agent.secret
        assert sorted(json.loads(server.inputs["stdin"])) == [
            "agentToken",
            "authority",
            "authorityKey",
            "deployKey",
            "hostKey",
            "serverToken",
            "wireguardKey",
        ]
        assert sorted(json.loads(agent.inputs["stdin"])) == [
            "agentToken",
            "authority",
            "deployKey",
            "hostKey",
            "wireguardKey",
        ]

    def test_its_streams_are_secret(self, deploy: Deploy) -> None:
        assert set(deploy().one("hcloud-1-install").options.additionalSecretOutputs) >= {"stdout", "stderr"}


class TestMembership:
    def test_its_end_is_the_work_of_leaving_and_its_beginning_is_none(self, deploy: Deploy) -> None:
        inputs = deploy().one("n100-1-membership").inputs
        leave = 'exec env PATH="$PWD/.venv/bin:$PATH" python -m hostops leave --stack sim --host n100-1'
        assert (inputs["create"], inputs["update"], inputs["delete"]) == (":", ":", leave)

    def test_another_machine_or_role_is_another_member_and_the_old_one_leaves_first(self, deploy: Deploy) -> None:
        plan = deploy()
        for host, identity, role in (
            ("hcloud-1", server_id(plan, "hcloud-1"), "server"),
            ("n100-1", "2313E6D00021", "agent"),
        ):
            membership = plan.one(f"{host}-membership")
            assert membership.inputs["triggers"] == [identity, role]
            assert list(membership.options.replaceOnChanges) == ["triggers[*]"]
            assert membership.options.deleteBeforeReplace

    def test_the_engine_ends_it_before_a_machine_that_it_replaces(self, deploy: Deploy) -> None:
        """It deletes dependents first only where a property of theirs would change: hence the machine's own output."""
        properties = deploy().one("hcloud-3-membership").options.propertyDependencies
        assert [name_of(urn) for urn in properties["triggers"].urns] == ["hcloud-3-server"]

    def test_a_member_leaves_with_its_network_and_volumes_and_behind_no_balancer(self, deploy: Deploy) -> None:
        plan = deploy()
        assert plan.one("hcloud-3-membership").depends_on == {
            "hcloud-3-attachment",
            "hcloud-3-server",
            "hcloud-3-volume-attachment",
            "fleet-peers",
        }
        assert "hcloud-3-membership" in plan.one("hetzner-api-target-hcloud-3").depends_on
        assert "hetzner-api-target-hcloud-3" in plan.one("nodes-hcloud-3").depends_on
        assert plan.one("hcloud-3-install").depends_on == {"hcloud-3-membership", "hcloud-2-system"}

    def test_nobody_leaves_a_cluster_that_ends(self, deploy: Deploy) -> None:
        assert name_of(deploy().one("n100-1-membership").options.deletedWith) == "fleet-transition"

    def test_leaving_knows_the_host_and_whom_to_ask(self, deploy: Deploy) -> None:
        membership = deploy().one("n100-1-membership")
        environment = membership.inputs["environment"]
        facts = HostFacts.model_validate_json(environment["NIXFLEET_MEMBER"])
        assert (facts.role, str(facts.address), facts.disk.serial) == ("agent", "10.90.0.21", "2313E6D00021")
        assert environment["NIXFLEET_ADDRESS"] == "192.168.50.21"
        assert sorted(json.loads(environment["NIXFLEET_PEERS"])) == ["hcloud-1", "hcloud-2", "hcloud-3"]
        assert "stdin" in membership.secret
        assert list(json.loads(membership.inputs["stdin"])) == ["deployKey"]


def server_id(plan: Plan, host: str) -> str:
    assert plan.one(f"{host}-server")
    return str(number(f"{host}-server"))


class TestSystem:
    def test_a_closure_is_an_update_and_never_a_replacement(self, deploy: Deploy) -> None:
        system = deploy().one("hcloud-1-system")
        assert system.inputs["environment"]["NIXFLEET_CLOSURE"] == "content-hcloud-1"
        assert system.inputs["create"] == system.inputs["update"]
        assert not system.inputs.get("triggers")

    def test_an_installation_or_another_membership_brings_a_switch_with_it(self, deploy: Deploy) -> None:
        environment = deploy().one("n100-1-system").inputs["environment"]
        assert environment["NIXFLEET_INSTALLATION"] == "n100-1-install-id n100-1-membership-id"

    @pytest.mark.parametrize(
        ("host", "kept"),
        [
            ("hcloud-1", ["agentToken", "authority", "authorityKey", "deployKey", "serverToken", "wireguardKey"]),
            ("n100-1", ["agentToken", "authority", "deployKey", "wireguardKey"]),
        ],
    )
    def test_a_changed_secret_of_its_own_reaches_it(self, deploy: Deploy, host: str, kept: list[str]) -> None:
        """The host key is not among them (it travels at installation), and an agent never sees the servers' token."""
        system = deploy().one(f"{host}-system")
        assert "stdin" in system.secret
        assert list(json.loads(system.inputs["stdin"])) == kept

    @pytest.mark.parametrize("host", ["hcloud-2", "n100-1"])
    def test_a_host_knows_the_servers_that_say_whether_it_can_be_spared(self, deploy: Deploy, host: str) -> None:
        asked = json.loads(deploy().one(f"{host}-system").inputs["environment"]["NIXFLEET_PEERS"])
        assert sorted(asked) == ["hcloud-1", "hcloud-2", "hcloud-3"]

    def test_its_limits_are_those_of_the_stack_and_the_engine_waits_longer_than_all_of_them(
        self, deploy: Deploy
    ) -> None:
        system = deploy().one("n100-1-system")
        told = {
            name: int(system.inputs["environment"][f"NIXFLEET_{name}_SECONDS"]) for name in ("COPY", "DRAIN", "SWITCH")
        }
        assert told == {"COPY": 3600, "DRAIN": 600, "SWITCH": 2 * switch_seconds(Rollout())}


@pytest.mark.parametrize("verb", ["install", "system"])
def test_a_command_names_no_folder_of_this_machine(deploy: Deploy, verb: str) -> None:
    command = deploy().one(f"n100-1-{verb}")
    word = {"install": "install", "system": "switch"}[verb]
    text = f'exec env PATH="$PWD/.venv/bin:$PATH" python -m hostops {word} --stack sim --host n100-1'
    assert command.inputs["create"] == text
    assert not {"dir", "interpreter"} & set(command.inputs)


def test_an_installation_knows_on_which_machine_the_last_one_was() -> None:
    inputs = replace(inputs_of("sim"), machines={"hcloud-1": "4711"})
    plan = record(lambda: build(inputs))
    told = {name: plan.one(f"{name}-install").inputs["environment"] for name in ("hcloud-1", "n100-1")}
    assert told["hcloud-1"]["NIXFLEET_INSTALLED_ON"] == "4711"
    assert told["n100-1"].get("NIXFLEET_INSTALLED_ON", "") == ""

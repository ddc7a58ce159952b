"""A machine that its cloud restarts: every server of the fleet is asked, whichever cloud it is in."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from unittest import mock

import pulumi

from components.clouds.registry import Machine
from components.restart import Restarts
from fleet.model import Role
from tests.components.stacks import inputs_of

if TYPE_CHECKING:
    import pytest

    from fleet.settings import Fleet


def with_a_server_at_ovh() -> Fleet:
    """A fleet whose control plane is in two clouds, which the laws of endpoints do not allow yet."""
    fleet = inputs_of("sim").fleet
    server = fleet.hosts["ovh-1"].model_copy(update={"role": Role.SERVER})
    return fleet.model_copy(update={"hosts": {**fleet.hosts, "ovh-1": server}})


async def failed() -> str:
    raise RuntimeError("the cloud did not make it")


def test_servers_of_other_clouds_are_asked_whether_a_machine_can_be_spared(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without an engine there is nobody to register hooks with.
    monkeypatch.setattr(pulumi, "ResourceHook", mock.Mock())
    fleet = with_a_server_at_ovh()

    async def peers(address: Any) -> tuple[dict[str, Any], str]:
        machines = {"ovh-1": Machine(identity="i", address=address)}
        restarts = Restarts(
            stack="sim", fleet=fleet, secret="", everyone=lambda: machines, restarting="serverType", suffix="-server"
        )
        for number, host in enumerate(("hcloud-1", "hcloud-2", "hcloud-3"), 1):
            # One that could not be made has no address, and nobody waits for it.
            restarts.learnt(host, f"198.51.100.{number}" if number < 3 else "")
        environment = await restarts.environment("hcloud-1")
        return json.loads(environment["NIXFLEET_PEERS"]), environment["NIXFLEET_ADDRESS"]

    hetzner = {"hcloud-2": {"endpoint": "198.51.100.2"}}
    assert asyncio.run(peers("203.0.113.1")) == ({**hetzner, "ovh-1": {"endpoint": "203.0.113.1"}}, "198.51.100.1")

    async def broken() -> tuple[dict[str, Any], str]:
        return await peers(pulumi.Output.from_input(failed()))

    assert asyncio.run(broken()) == (hetzner, "198.51.100.1")

"""What clouds are asked, what is found there, and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fleet import inventory
from operate.adoption import Strays, Wanted, adopted, hold_strays, strays
from operate.clouds.ask import Found
from operate.messages import OperateError
from operate.past import Past
from sim.apis import served
from sim.world import Fault, World
from tests.components.stacks import inputs_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOTHING = Past(precedent=None, protected=(), closures={})
SERVER = {
    "name": "hcloud-1",
    "labels": {"stack": "sim", "name": "hcloud-1"},
    "status": "running",
    "location": "fsn1",
    "ipv4Address": "203.0.113.1",
}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world whose clouds answer, with credentials for them."""
    made = World(tmp_path)
    with served(made) as endpoints:
        for name, value in endpoints.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("HCLOUD_TOKEN", "t" * 64)
        for name in ("APPLICATION_KEY", "APPLICATION_SECRET", "CONSUMER_KEY"):
            monkeypatch.setenv(f"OVH_{name}", "k")
        yield made


def fill(world: World, cloud: str = "hcloud", **objects: dict[str, dict[str, Any]]) -> None:
    with world.edit(f"clouds/{cloud}") as document:
        document["objects"] = objects


def wanted(**config: Any) -> Wanted:
    inputs = inputs_of("sim")
    return Wanted(
        fleet=inputs.fleet, deploy_key=inputs.identities.deploy_key, config=config, opened=lambda _key: "opened"
    )


def whole() -> Past:
    """A state that has all that is wanted."""
    inputs = inputs_of("sim")
    names = inventory.hetzner_resources(inputs.fleet, inputs.identities.deploy_key)
    known = {one: str(number) for number, one in enumerate(sorted(names | inventory.ovh_resources(inputs.fleet)))}
    return Past(precedent=None, protected=(), closures={}, resources=known)


def test_a_state_that_has_everything_asks_nobody(world: World) -> None:
    fill(world, Server={"7": SERVER})
    assert strays("sim", wanted(), whole()) == Strays()
    assert "calls" not in world.read("clouds/hcloud")


def test_only_what_carries_the_stacks_label_is_found(world: World) -> None:
    other = {**SERVER, "name": "hcloud-2", "labels": {"stack": "lab", "name": "hcloud-2"}}
    fill(world, Server={"7": SERVER, "8": other})
    assert [one.title for one in strays("sim", wanted(), NOTHING).wanted] == ["server hcloud-1 (7)"]


def test_every_page_is_read(world: World) -> None:
    servers = {str(number): {**SERVER, "name": f"old-{number}"} for number in range(100, 220)}
    fill(world, Server=servers)
    assert len(strays("sim", wanted(), NOTHING).others) == 120
    assert world.read("clouds/hcloud")["calls"]["list servers"] == 3


def test_what_hangs_on_an_object_is_found_with_the_ids_of_the_plugin(world: World) -> None:
    labels = {"stack": "sim", "name": "x"}
    fill(
        world,
        Server={"7": SERVER},
        ServerNetwork={"7-5": {"serverId": 7, "networkId": 5, "ip": "10.20.0.11"}},
        Network={"5": {"name": "sim-fleet", "labels": labels, "ipRange": "10.20.0.0/16"}},
        NetworkSubnet={"5-10.20.0.0/24": {"networkId": 5, "ipRange": "10.20.0.0/24"}},
        Volume={"9": {"name": "hcloud-3", "labels": labels, "serverId": 7, "location": "fsn1"}},
        LoadBalancer={"4": {"name": "sim-api", "labels": labels, "location": "fsn1"}},
        LoadBalancerNetwork={"4-5": {"loadBalancerId": 4, "networkId": 5, "ip": "10.20.0.5"}},
        LoadBalancerService={"4__6443": {"loadBalancerId": "4", "listenPort": 6443}},
        LoadBalancerTarget={"lb-srv-tgt-7-4": {"loadBalancerId": 4, "type": "server", "serverId": 7}},
    )
    found = {one.name: one.id for one in strays("sim", wanted(), NOTHING).wanted}
    assert found == {
        "hcloud-1-server": "7",
        "hcloud-1-attachment": "7-5",
        "hcloud-3-volume": "9",
        "hcloud-3-volume-attachment": "9",
        "hetzner-private-network": "5",
        "hetzner-private-subnet": "5-10.20.0.0/24",
        "hetzner-api-balancer": "4",
        "hetzner-api-attachment": "4-5",
        "hetzner-api-service": "4__6443",
        "hetzner-api-target-hcloud-1": "4__server__7",
    }
    # In a state a target has another id than at its import.
    target = (inventory.BALANCER_TARGET, "hetzner-api-target-hcloud-1")
    known = Past(precedent=None, protected=(), closures={}, resources={target: "lb-srv-tgt-7-4"})
    assert target[1] not in {one.name for one in strays("sim", wanted(), known).wanted}


def test_a_second_one_of_a_name_is_named_and_stops_nothing(world: World) -> None:
    fill(world, "ovh", Instance={"a": {"name": "ovh-1", "region": "GRA11", "status": "ACTIVE"}})
    known = Past(precedent=None, protected=(), closures={}, resources={(inventory.INSTANCE, "ovh-1-instance"): "b"})
    seen = strays("sim", wanted(), known, always=True)
    assert hold_strays("up", "sim", seen) == (
        (
            "there are objects of stack sim in its clouds that neither its state knows nor its file wants: instance "
            "ovh-1 (a, GRA11); delete them in the cloud's console, or give their entries back and run `make adopt "
            "STACK=sim`"
        ),
    )


def test_a_cloud_that_is_not_asked_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HCLOUD_TOKEN")
    world.inject(
        Fault(machine="ovh", step="list cloud/project/0123456789abcdef0123456789abcdef/instance", kind="error")
    )
    first, second = hold_strays("up", "sim", strays("sim", wanted(), NOTHING))
    about = "no one asked whether there are objects that the state does not know; "
    assert first == f"{about}Hetzner: no token is set or can be opened (hcloud:token or HCLOUD_TOKEN)"
    assert second.startswith(f"{about}OVH: http://127.0.0.1:")
    assert "status 503" in second


def test_a_secret_of_the_stack_is_opened_only_to_ask(world: World) -> None:
    asked: list[str] = []

    def opened(key: str) -> str:
        asked.append(key)
        return "t" * 64

    inputs = inputs_of("sim")
    made = Wanted(
        fleet=inputs.fleet,
        deploy_key=inputs.identities.deploy_key,
        config={"hcloud:token": {"secure": "v1:..."}},
        opened=opened,
    )
    assert strays("sim", made, whole()) == Strays()
    assert asked == []
    strays("sim", made, NOTHING)
    assert asked == ["hcloud:token"]
    assert world.read("clouds/hcloud")["calls"]["list servers"] == 1


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (
            Found(type=inventory.SERVER, name="hcloud-1-server", id="7", title="server hcloud-1 (7)", place="nbg1"),
            (
                "nothing was begun: server hcloud-1 (7) is in nbg1, and the file wants it in fsn1: it would be "
                "replaced; correct the file, or delete it in Hetzner's console"
            ),
        ),
        (
            Found(type=inventory.SERVER, name="hcloud-1-server", id="7", title="server hcloud-1 (7)", host="hcloud-1"),
            "nothing was begun: server hcloud-1 (7) is off, so nobody can say what it is: switch it on",
        ),
    ],
)
def test_what_cannot_be_taken_over_as_it_is_is_refused(found: Found, text: str) -> None:
    with pytest.raises(OperateError) as refused, adopted("sim", wanted(), Strays(wanted=(found,))):
        pass
    assert str(refused.value) == text

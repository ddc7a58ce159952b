"""What the simulated clouds refuse and keep, beyond what their plugins check."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from sim.machines.machine import load
from sim.machines.rack import Rack
from sim.plugins.hcloud import Hcloud
from sim.plugins.kind import Resource
from sim.plugins.ovh import Ovh
from sim.plugins.server import EngineLog, HalfDone, Refused
from sim.plugins.values import Properties, Secret
from sim.world import Fault, World
from tests.sim.plugins.bases import KEY
from tests.sim.plugins.facts import check

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from sim.plugins.base import Double
    from sim.world import FaultKind

ID = "11111111-1111-1111-1111-111111111111"


class Cloud:
    """One double, driven by the names of its resource types."""

    def __init__(self, world: World, double: Double) -> None:
        self.world = world
        self.rack = Rack(world)
        self._double = double
        self._tokens = {token.rpartition(":")[2]: token for token in double.kinds}

    def _resource(self, noun: str, name: str) -> Resource:
        token = self._tokens[noun]
        return Resource(urn=f"urn:pulumi:s::p::{token}::{name}", type=token, name=name)

    def creating(self, noun: str, name: str = "x", /, **inputs: Any) -> Coroutine[Any, Any, tuple[str, Properties]]:
        token = self._tokens[noun]
        checked = check(self._double, token, inputs)
        assert checked.failures == []
        return self._double.kinds[token].create(self._resource(noun, name), checked.inputs)

    def make(self, noun: str, name: str = "x", /, **inputs: Any) -> tuple[str, Properties]:
        return asyncio.run(self.creating(noun, name, **inputs))

    def change(self, noun: str, made: tuple[str, Properties], **inputs: Any) -> Properties:
        token = self._tokens[noun]
        checked = check(self._double, token, inputs).inputs
        return asyncio.run(self._double.kinds[token].update(self._resource(noun, "x"), *made, checked))

    def look(self, noun: str, made: tuple[str, Properties]) -> Properties | None:
        return asyncio.run(self._double.kinds[self._tokens[noun]].read(self._resource(noun, "x"), *made))

    def drop(self, noun: str, made: tuple[str, Properties]) -> None:
        asyncio.run(self._double.kinds[self._tokens[noun]].delete(self._resource(noun, "x"), *made))

    def document(self, name: str) -> Any:
        return self.world.read(f"clouds/{name}")


@pytest.fixture
def hetzner(tmp_path: Path) -> Cloud:
    world = World(tmp_path)
    return Cloud(world, Hcloud(world, EngineLog("unused")))


@pytest.fixture
def ovh(tmp_path: Path) -> Cloud:
    world = World(tmp_path)
    return Cloud(world, Ovh(world, EngineLog("unused")))


def server(cloud: Cloud, name: str = "s", **inputs: Any) -> tuple[str, Properties]:
    base = {"serverType": "cx23", "image": "debian-13", "location": "fsn1"}
    return cloud.make("Server", name, **(base | {"name": name} | inputs))


def network(cloud: Cloud) -> int:
    ident, _ = cloud.make("Network", name="n", ipRange="10.0.0.0/16")
    cloud.make("NetworkSubnet", networkId=int(ident), type="cloud", networkZone="eu-central", ipRange="10.0.1.0/24")
    return int(ident)


def test_a_server_is_a_machine_with_the_catalogue_s_hardware(hetzner: Cloud) -> None:
    key, _ = hetzner.make("SshKey", name="k", publicKey=KEY)
    ident, state = server(hetzner, serverType="cax21", sshKeys=[key], userData=Secret("#cloud-config"))
    spec = hetzner.rack.get(ident).spec
    assert (spec.name, spec.arch, spec.cpus, spec.memory_gib) == ("s", "aarch64-linux", 4, 8)
    assert (spec.medium, spec.user_data, spec.authorized_keys) == ("cloud-image", "#cloud-config", (KEY,))
    assert [disk.size_gib for disk in spec.disks] == [80]
    assert spec.addresses == (state["ipv4Address"],) == ("203.0.113.1",)


def test_user_data_is_in_the_state_as_a_digest_only(hetzner: Cloud) -> None:
    _, state = server(hetzner, userData=Secret("#cloud-config"))
    assert state["userData"] == Secret("9sPmzwZu7u8+strUGnJb//9LpaU=")
    assert "#cloud-config" not in str(hetzner.document("hcloud"))


def test_a_deleted_server_takes_its_machine_and_attachments_along(hetzner: Cloud) -> None:
    made = server(hetzner)
    attached = hetzner.make("ServerNetwork", serverId=int(made[0]), networkId=network(hetzner), ip="10.0.1.7")
    hetzner.drop("Server", made)
    assert hetzner.rack.machines() == ()
    assert hetzner.look("Server", made) is None
    assert hetzner.look("ServerNetwork", attached) is None


REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("Server", {"serverType": "cx99"}, "server type cx99 not found (not_found)"),
    ("Server", {"serverType": "cx22"}, "server type cx22 is deprecated (invalid_input)"),
    ("Server", {"location": "mars"}, "location mars not found (not_found)"),
    (
        "Server",
        {"serverType": "cax11", "location": "ash"},
        "unsupported location for server type: arm64 in ash (invalid_input)",
    ),
    ("Server", {"image": "windows"}, "image windows not found (not_found)"),
    ("Server", {"sshKeys": ["nobody"]}, "SSH key nobody not found (not_found)"),
    ("Server", {"firewallIds": [3]}, "firewall with ID '3' not found (not_found)"),
    ("Server", {"placementGroupId": 3}, "placement group with ID '3' not found (not_found)"),
    ("Server", {"name": "bad_name"}, "invalid input in field 'name': bad_name (invalid_input)"),
    (
        "Server",
        {"deleteProtection": True},
        "delete_protection and rebuild_protection must be equal (invalid_input)",
    ),
    ("Server", {"userData": "x" * 32769}, "invalid input in field 'user_data': more than 32 KiB (invalid_input)"),
    ("Network", {"ipRange": "8.8.8.0/24"}, "ip_range 8.8.8.0/24: must be private and at least a /24 (invalid_input)"),
    ("Network", {"ipRange": "10.0.0.1/16"}, "invalid input in field 'ip_range': 10.0.0.1/16 (invalid_input)"),
    ("SshKey", {"publicKey": "garbage"}, "invalid input in field 'public_key' (invalid_input)"),
    ("Volume", {"size": 5}, "invalid input in field 'size': 5 (invalid_input)"),
    ("Volume", {"location": None}, "one of location and server_id must be given (invalid_input)"),
    ("LoadBalancer", {"loadBalancerType": "lb99"}, "load balancer type lb99 not found (not_found)"),
]
GOOD: dict[str, dict[str, Any]] = {
    "Server": {"name": "s", "serverType": "cx23", "image": "debian-13", "location": "fsn1"},
    "Network": {"name": "n"},
    "SshKey": {"name": "k"},
    "Volume": {"name": "v", "size": 10, "location": "fsn1"},
    "LoadBalancer": {"name": "l", "location": "fsn1"},
}


@pytest.mark.parametrize(("noun", "inputs", "text"), REFUSALS, ids=lambda value: str(value)[:50])
def test_hetzner_refuses_and_makes_nothing(hetzner: Cloud, noun: str, inputs: dict[str, Any], text: str) -> None:
    with pytest.raises(Refused) as refused:
        hetzner.make(noun, **{key: item for key, item in (GOOD[noun] | inputs).items() if item is not None})
    assert str(refused.value) == text
    assert hetzner.document("hcloud") == {}
    assert hetzner.rack.machines() == ()


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"protocol": "tcp"}, "port is required for tcp (invalid_input)"),
        ({"protocol": "icmp", "port": "22"}, "port 22: icmp has no ports (invalid_input)"),
        ({"protocol": "tcp", "port": "99999"}, "port 99999: not a port or a range of ports (invalid_input)"),
        ({"protocol": "tcp", "port": "22", "sourceIps": ["10.0.0.5"]}, "invalid CIDR: 10.0.0.5 (invalid_input)"),
        ({"protocol": "tcp", "port": "22", "sourceIps": []}, "sourceIps must not be empty (invalid_input)"),
    ],
)
def test_a_firewall_rule_the_cloud_does_not_take(hetzner: Cloud, rule: dict[str, Any], text: str) -> None:
    with pytest.raises(Refused) as refused:
        hetzner.make("Firewall", name="f", rules=[{"direction": "in", "sourceIps": ["0.0.0.0/0"]} | rule])
    assert str(refused.value).endswith(text)


def test_a_firewall_in_use_stays(hetzner: Cloud) -> None:
    rules = [{"direction": "in", "protocol": "tcp", "port": "22", "sourceIps": ["0.0.0.0/0"]}]
    firewall = hetzner.make("Firewall", name="f", rules=rules)
    server(hetzner, firewallIds=[int(firewall[0])])
    with pytest.raises(Refused) as refused:
        hetzner.drop("Firewall", firewall)
    assert str(refused.value) == f"firewall with ID '{firewall[0]}' is still in use by s (resource_in_use)"


def test_names_are_unique(hetzner: Cloud) -> None:
    server(hetzner)
    with pytest.raises(Refused) as refused:
        server(hetzner)
    assert str(refused.value) == "Server name is already used: s (uniqueness_error)"


def test_a_placement_group_has_at_most_ten_members(hetzner: Cloud) -> None:
    group, _ = hetzner.make("PlacementGroup", name="g", type="spread")
    made = [server(hetzner, f"s{number}", placementGroupId=int(group)) for number in range(10)]
    with pytest.raises(Refused) as refused:
        server(hetzner, "s10", placementGroupId=int(group))
    assert str(refused.value) == f"placement group {group} has 10 servers, which is the most (placement_error)"
    hetzner.drop("Server", made[0])
    server(hetzner, "s10", placementGroupId=int(group))


def test_the_account_s_limit_can_be_lowered(hetzner: Cloud) -> None:
    with hetzner.world.edit("clouds/hcloud") as document:
        document["limits"] = {"Server": 1}
    server(hetzner)
    with pytest.raises(Refused) as refused:
        server(hetzner, "t")
    assert str(refused.value) == "Server limit exceeded (resource_limit_exceeded)"


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("10.0.2.5", "IP 10.0.2.5 is not usable in 10.0.1.0/24 (invalid_input)"),
        ("10.0.1.1", "IP 10.0.1.1 is not usable in 10.0.1.0/24 (invalid_input)"),
        ("10.0.1.7", "IP 10.0.1.7 is not available (ip_not_available)"),
    ],
)
def test_a_fixed_address_is_in_the_subnet_and_free(hetzner: Cloud, address: str, text: str) -> None:
    where = network(hetzner)
    hetzner.make("ServerNetwork", serverId=int(server(hetzner)[0]), networkId=where, ip="10.0.1.7")
    other = int(server(hetzner, "t")[0])
    with pytest.raises(Refused) as refused:
        hetzner.make("ServerNetwork", serverId=other, networkId=where, ip=address)
    assert str(refused.value) == text


def test_a_network_without_subnet_takes_nobody(hetzner: Cloud) -> None:
    ident, _ = hetzner.make("Network", name="n", ipRange="10.0.0.0/16")
    with pytest.raises(Refused) as refused:
        hetzner.make("ServerNetwork", serverId=int(server(hetzner)[0]), networkId=int(ident))
    assert str(refused.value).endswith("(no_subnet_available)")


@pytest.mark.parametrize(
    ("noun", "inputs"),
    [
        ("Server", GOOD["Server"] | {"deleteProtection": True, "rebuildProtection": True}),
        ("Volume", GOOD["Volume"] | {"deleteProtection": True}),
        ("Network", {"name": "n", "ipRange": "10.0.0.0/16", "deleteProtection": True}),
    ],
)
def test_what_is_protected_is_not_deleted(hetzner: Cloud, noun: str, inputs: dict[str, Any]) -> None:
    made = hetzner.make(noun, **inputs)
    with pytest.raises(Refused) as refused:
        hetzner.drop(noun, made)
    assert str(refused.value) == f"{noun} deletion is protected (protected)"
    assert hetzner.look(noun, made) is not None


def test_another_server_type_powers_the_machine_off_and_on(hetzner: Cloud) -> None:
    made = server(hetzner)
    boots = hetzner.rack.get(made[0]).boots_wanted
    hetzner.change("Server", made, **GOOD["Server"] | {"serverType": "cx33"})
    machine = hetzner.rack.get(made[0])
    assert (machine.power, machine.boots_wanted) == (True, boots + 1)
    assert [disk.size_gib for disk in machine.disks] == [80]


def test_without_capacity_for_another_type_the_server_stays_off(hetzner: Cloud) -> None:
    made = server(hetzner)
    hetzner.world.inject(Fault(machine="hcloud", step="change_type Server", kind="fail"))
    with pytest.raises(Refused):
        hetzner.change("Server", made, **GOOD["Server"] | {"serverType": "cx33"})
    state = hetzner.look("Server", made)
    assert state is not None
    assert (state["serverType"], state["status"], hetzner.rack.get(made[0]).power) == ("cx23", "off", False)


def test_a_lost_answer_leaves_an_orphan_that_holds_the_name(hetzner: Cloud) -> None:
    hetzner.world.inject(Fault(machine="hcloud", step="create Server s", kind="disconnect"))
    with pytest.raises(Refused, match="unexpected EOF"):
        server(hetzner)
    with pytest.raises(Refused, match="uniqueness_error"):
        server(hetzner)


def test_a_vanished_server_cannot_be_updated(hetzner: Cloud) -> None:
    made = server(hetzner)
    hetzner.drop("Server", made)
    with pytest.raises(Refused) as refused:
        hetzner.change("Server", made, **GOOD["Server"] | {"labels": {"a": "b"}})
    assert str(refused.value) == f"Server with ID '{made[0]}' not found (not_found)"


def test_a_running_server_stays_in_its_placement_group(hetzner: Cloud) -> None:
    """The plugin refuses it; switched off, the server goes over."""
    groups = [int(hetzner.make("PlacementGroup", name, name=name, type="spread")[0]) for name in ("g", "h")]
    made = server(hetzner, placementGroupId=groups[0])
    with pytest.raises(Refused) as refused:
        hetzner.change("Server", made, **GOOD["Server"], placementGroupId=groups[1])
    assert str(refused.value) == (
        "removing a running server from a placement group is currently not supported in the provider. You can shutdown "
        "the server yourself, apply the changes again and then start the server manually as a workaround"
    )
    hetzner.rack.power(made[0], False)  # noqa: FBT003 - a switch has two positions
    hetzner.change("Server", made, **GOOD["Server"], placementGroupId=groups[1])
    members = hetzner.document("hcloud")["objects"]["PlacementGroup"]
    assert [members[str(group)]["servers"] for group in groups] == [[], [int(made[0])]]


@pytest.mark.parametrize("running", [True, False])
def test_another_type_cuts_the_power_of_a_server_that_runs(hetzner: Cloud, *, running: bool) -> None:
    made = server(hetzner)
    hetzner.rack.power(made[0], running)
    hetzner.change("Server", made, **GOOD["Server"] | {"serverType": "cx33"}, keepDisk=True)
    cuts = [event for event in hetzner.world.events() if event.step == "power cut"]
    assert bool(cuts) is running
    assert load(hetzner.world, made[0]).power  # type: ignore[union-attr]  # it is in the rack


def test_a_volume_that_changes_stays_where_it_is_attached(hetzner: Cloud) -> None:
    made, first = hetzner.make("Volume", **GOOD["Volume"]), server(hetzner)
    attached = hetzner.make("VolumeAttachment", volumeId=int(made[0]), serverId=int(first[0]))
    hetzner.change("Volume", made, **GOOD["Volume"], labels={"a": "b"})
    assert hetzner.rack.get(first[0]).disk(made[0])
    hetzner.drop("VolumeAttachment", attached)


def test_a_volume_keeps_its_content_from_server_to_server(hetzner: Cloud) -> None:
    volume, _ = hetzner.make("Volume", **GOOD["Volume"])
    first, second = server(hetzner), server(hetzner, "t")
    attached = hetzner.make("VolumeAttachment", volumeId=int(volume), serverId=int(first[0]))
    before = hetzner.rack.get(first[0]).disk(volume)
    assert (before.by_id, before.size_gib) == (f"scsi-0HC_Volume_{volume}", 10)
    rewrite(hetzner, first[0], volume)
    hetzner.drop("VolumeAttachment", attached)
    assert len(hetzner.rack.get(first[0]).disks) == 1
    hetzner.make("VolumeAttachment", volumeId=int(volume), serverId=int(second[0]))
    assert hetzner.rack.get(second[0]).disk(volume).content == "longhorn"


def test_a_volume_outlives_its_server(hetzner: Cloud) -> None:
    volume, _ = hetzner.make("Volume", **GOOD["Volume"])
    first = server(hetzner)
    hetzner.make("VolumeAttachment", volumeId=int(volume), serverId=int(first[0]))
    rewrite(hetzner, first[0], volume)
    hetzner.drop("Server", first)
    second = server(hetzner)
    hetzner.make("VolumeAttachment", volumeId=int(volume), serverId=int(second[0]))
    assert hetzner.rack.get(second[0]).disk(volume).content == "longhorn"


def rewrite(cloud: Cloud, machine: str, serial: str) -> None:
    """Let something write on a disk."""
    from dataclasses import replace  # noqa: PLC0415 - only here

    disk = cloud.rack.detach_disk(machine, serial)
    cloud.rack.attach_disk(machine, replace(disk, content="longhorn"))


def test_a_volume_grows_and_never_shrinks(hetzner: Cloud) -> None:
    made = hetzner.make("Volume", **GOOD["Volume"])
    with pytest.raises(Refused) as refused:
        hetzner.change("Volume", made, name="v", size=9, location="fsn1")
    assert str(refused.value) == "volume size can only be increased: 10 to 9 (invalid_input)"
    assert hetzner.change("Volume", made, name="v", size=20, location="fsn1")["size"] == 20


def test_a_private_target_needs_both_on_one_network(hetzner: Cloud) -> None:
    where = network(hetzner)
    balancer = int(hetzner.make("LoadBalancer", name="l", loadBalancerType="lb11", location="fsn1")[0])
    node = int(server(hetzner)[0])
    target = {"loadBalancerId": balancer, "type": "server", "serverId": node, "usePrivateIp": True}
    with pytest.raises(Refused, match="load_balancer_not_attached_to_network"):
        hetzner.make("LoadBalancerTarget", **target)
    hetzner.make("LoadBalancerNetwork", loadBalancerId=balancer, networkId=where)
    with pytest.raises(Refused, match="server_not_attached_to_network"):
        hetzner.make("LoadBalancerTarget", **target)
    hetzner.make("ServerNetwork", serverId=node, networkId=where)
    hetzner.make("LoadBalancerTarget", **target)


def test_a_balancer_is_locked_while_hetzner_works_on_it(hetzner: Cloud) -> None:
    balancer = hetzner.make("LoadBalancer", name="l", loadBalancerType="lb11", location="fsn1")[0]
    services = [{"loadBalancerId": balancer, "protocol": "tcp", "listenPort": n, "destinationPort": n} for n in (1, 2)]

    made_at_once = [hetzner.creating("LoadBalancerService", **service) for service in services]

    async def both() -> list[Any]:
        return list(await asyncio.gather(*made_at_once, return_exceptions=True))

    made, refused = asyncio.run(both())
    assert made[0] == f"{balancer}__1"
    assert str(refused) == f"load balancer {balancer} is locked by another action (locked)"


def test_calls_are_counted(hetzner: Cloud) -> None:
    hetzner.drop("Server", server(hetzner))
    assert hetzner.document("hcloud")["calls"] == {"create Server": 1, "delete Server": 1}


def private(cloud: Cloud, **inputs: Any) -> tuple[str, dict[str, Any]]:
    """Make key, network and subnet; return the network's id in the region and an instance's inputs."""
    cloud.make("CloudProjectSshKey", serviceName="p", name="k", publicKey=KEY)
    _, net = cloud.make("NetworkPrivate", serviceName="p", name="n", regions=["GRA11"], vlanId=5)
    ident = net["regionsOpenstackIds"]["GRA11"]
    subnet, _ = cloud.make(
        "NetworkPrivateSubnetV2", serviceName="p", networkId=ident, region="GRA11", cidr="10.9.0.0/24"
    )
    instance: dict[str, Any] = {
        "serviceName": "p",
        "region": "GRA11",
        "billingPeriod": "hourly",
        "bootFrom": {"imageId": ID},
        "flavor": {"flavorId": ID},
        "network": {"public": True, "private": {"network": {"id": ident, "subnetId": subnet}, "ip": "10.9.0.5"}},
        "sshKey": {"name": "k"},
    }
    return ident, instance | inputs


def test_an_instance_is_a_machine_with_ubuntu_s_user(ovh: Cloud) -> None:
    ident, state = ovh.make("Instance", **private(ovh, userData="#cloud-config")[1])
    spec = ovh.rack.get(ident).spec
    assert (spec.medium, spec.login_user, spec.user_data) == ("cloud-image", "ubuntu", "#cloud-config")
    assert spec.addresses == ("198.51.100.129",)
    assert {entry["ip"] for entry in state["addresses"]} == {"198.51.100.129", "10.9.0.5"}


def test_addresses_come_in_no_order(ovh: Cloud) -> None:
    _, inputs = private(ovh)
    firsts = set()
    for number in range(5, 20):
        inputs["network"]["private"]["ip"] = f"10.9.0.{number}"
        _, state = ovh.make("Instance", f"i{number}", **inputs)
        firsts.add(state["addresses"][0]["ip"].startswith("10.9."))
    assert firsts == {True, False}


def test_an_instance_cannot_be_updated_and_the_state_has_the_new_inputs(ovh: Cloud) -> None:
    _, inputs = private(ovh)
    made = ovh.make("Instance", **inputs)
    with pytest.raises(HalfDone) as failed:
        ovh.change("Instance", made, **inputs | {"flavor": {"flavorId": "other"}})
    assert str(failed.value) == "doesn't support update"
    assert failed.value.state["flavor"] == {"flavorId": "other"}


def test_a_fixed_private_address_is_given_once(ovh: Cloud) -> None:
    _, inputs = private(ovh)
    ovh.make("Instance", **inputs)
    with pytest.raises(Refused) as refused:
        ovh.make("Instance", "other", **inputs)
    assert str(refused.value) == (
        'OVHcloud API error (status code 409): Client::Conflict: "IP address 10.9.0.5 is already in use"'
    )


def test_an_instance_that_vanished_breaks_a_refresh(ovh: Cloud) -> None:
    made = ovh.make("Instance", **private(ovh)[1])
    ovh.drop("Instance", made)
    with pytest.raises(Refused, match="status code 404"):
        ovh.look("Instance", made)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"region": "MARS1"}, "region MARS1 not found"),
        ({"bootFrom": {"imageId": "Ubuntu 24.04"}}, "image Ubuntu 24.04 not found: a image is named by its id"),
        ({"sshKey": {"name": "nobody"}}, "SSH key nobody not found"),
    ],
)
def test_ovh_refuses_what_is_not_there(ovh: Cloud, change: dict[str, Any], text: str) -> None:
    with pytest.raises(Refused) as refused:
        ovh.make("Instance", **private(ovh, **change)[1])
    assert text in str(refused.value)


def test_a_nonsense_endpoint_may_pass_until_the_first_call(tmp_path: Path) -> None:
    world = World(tmp_path)
    double = Ovh(world, EngineLog("unused"))
    double.configure_with({"endpoint": "nonsense", "ignoreInitError": True})
    with pytest.raises(Refused, match="unknown endpoint 'nonsense'"):
        Cloud(world, double).make("CloudProjectSshKey", serviceName="p", name="k", publicKey=KEY)


@pytest.mark.parametrize(
    ("kind", "said", "made"),
    [
        (
            "fail",
            "create SshKey k: the cloud has no resources for this now, try again later (resource_unavailable)",
            0,
        ),
        ("rate", "create SshKey k: limit of 3600 requests per hour reached (rate_limit_exceeded)", 0),
        ("error", "create SshKey k: server responded with status code 503", 0),
        # The object is there, and nobody knows its id.
        ("disconnect", "create SshKey k: unexpected EOF", 1),
    ],
)
def test_a_call_that_goes_wrong_says_how_and_a_lost_answer_leaves_the_object(
    hetzner: Cloud, kind: FaultKind, said: str, made: int
) -> None:
    hetzner.world.inject(Fault(machine="hcloud", step="create SshKey k", kind=kind))
    with pytest.raises(Refused) as caught:
        hetzner.make("SshKey", "k", name="k", publicKey=KEY)
    assert (str(caught.value), len(hetzner.document("hcloud").get("objects", {}).get("SshKey", {}))) == (said, made)

"""What is asked of the clouds: protection, fixed addresses, closed doors, and nothing secret in the open."""

from __future__ import annotations

import json
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

import pulumi
import pytest

from components.clouds.ovh.instance import public_address
from components.clouds.registry import CLOUDS, CloudArgs, Machine, register_cloud
from components.site import build
from fleet import inventory
from fleet.hosts import HOST_KINDS, HcloudHost, Host, register_kind
from fleet.placement import GROUP_SIZE, placement_group
from tests.components.plan import Plan, record
from tests.components.plans import attached_ovh
from tests.components.stacks import Deploy, host_keys, inputs_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def protected(fleet: dict[str, Any]) -> None:
    fleet["protection"] = True


class TestHetznerServer:
    def test_what_matters_at_the_first_boot_only_never_replaces_it(self, deploy: Deploy) -> None:
        server = deploy().one("hcloud-1-server")
        assert set(server.options.ignoreChanges) == {"image", "placementGroupId", "sshKeys", "userData"}
        assert server.options.deleteBeforeReplace

    @pytest.mark.parametrize("change", [None, protected])
    def test_protection_is_ours_and_hetzners_at_once(self, deploy: Deploy, change: Any) -> None:
        plan = deploy(change=change)
        wanted = change is protected
        server, volume = plan.one("hcloud-3-server"), plan.one("hcloud-3-volume")
        assert server.inputs["deleteProtection"] is wanted
        assert server.inputs["rebuildProtection"] is wanted
        assert volume.inputs["deleteProtection"] is wanted
        assert server.options.protect is volume.options.protect is wanted

    def test_it_has_a_fixed_private_address_that_is_freed_before_it_is_taken_again(self, deploy: Deploy) -> None:
        attachment = deploy().one("hcloud-2-attachment")
        assert attachment.inputs["ip"] == "10.20.0.12"
        assert attachment.options.deleteBeforeReplace

    def test_a_volume_stays_when_its_server_is_replaced(self, deploy: Deploy) -> None:
        volume = deploy().one("hcloud-3-volume")
        assert volume.inputs["location"] == "fsn1"
        assert "serverId" not in volume.inputs

    def test_everything_carries_the_labels_by_which_it_is_found_again(self, deploy: Deploy) -> None:
        labelled = [item for item in deploy().resources if item.type.startswith("hcloud:") and "name" in item.inputs]
        assert labelled
        for item in labelled:
            assert item.inputs["labels"] == {"stack": "sim", "cluster": "sim", "name": item.inputs["name"]}


def test_user_data_is_secret_and_never_holds_the_final_key(deploy: Deploy) -> None:
    plan = deploy()
    for host, kind in (("hcloud-1", "server"), ("ovh-1", "instance")):
        machine = plan.one(f"{host}-{kind}")
        assert "userData" in machine.secret
        document = json.loads(machine.inputs["userData"].removeprefix("#cloud-config\n"))
        assert document["ssh_keys"]["ed25519_private"] == host_keys(host).bootstrap_key
        assert document["ssh_deletekeys"] is True
        assert document["ssh_genkeytypes"] == ["ed25519"]
        for secret in (host_keys(host).host_key, host_keys(host).wireguard_key):
            assert secret not in machine.inputs["userData"]


def test_only_ssh_the_api_and_the_mesh_come_in_and_only_the_mesh_from_everywhere(deploy: Deploy) -> None:
    rules = deploy().one("hetzner-firewall").inputs["rules"]
    assert [(rule["protocol"], rule["port"], rule["sourceIps"]) for rule in rules] == [
        ("tcp", "22", ["192.0.2.0/24"]),
        ("tcp", "6443", ["192.0.2.0/24"]),
        ("udp", "51820", ["0.0.0.0/0", "::/0"]),
    ]
    assert {rule["direction"] for rule in rules} == {"in"}


class TestPlacementGroup:
    HOST = inputs_of("sim").fleet.hosts["hcloud-1"]

    def placed(self, **changes: Any) -> str:
        host = self.HOST.model_copy(update=changes)
        assert isinstance(host, HcloudHost)
        return placement_group(host)

    def test_servers_of_a_location_are_apart_from_each_other(self) -> None:
        assert self.placed(address=IPv4Address("10.0.0.9")) == self.placed(address=IPv4Address("10.0.0.11"))
        assert self.placed(location="nbg1") != self.placed(location="fsn1")

    def test_no_group_of_agents_overflows_whatever_their_addresses(self) -> None:
        groups = [self.placed(role="agent", address=IPv4Address("10.0.0.0") + number) for number in range(1000)]
        assert max(map(groups.count, set(groups))) <= GROUP_SIZE


class TestLoadBalancer:
    def test_it_reaches_every_server_over_the_private_network(self, deploy: Deploy) -> None:
        targets = deploy().of("LoadBalancerTarget")
        assert {item.name for item in targets} == {f"hetzner-api-target-hcloud-{number}" for number in (1, 2, 3)}
        assert all(item.inputs["usePrivateIp"] is True for item in targets)
        assert "hetzner-api-attachment" in targets[0].depends_on

    def test_it_listens_at_the_apis_port_and_asks_whether_it_is_open(self, deploy: Deploy) -> None:
        service = deploy().one("hetzner-api-service").inputs
        assert (service["protocol"], service["listenPort"], service["destinationPort"]) == ("tcp", 6443, 6443)
        assert service["healthCheck"]["protocol"] == "tcp"

    def test_a_virtual_ip_needs_none(self, deploy: Deploy) -> None:
        assert deploy("lab").of("LoadBalancer") == []


class TestOvhInstance:
    def test_what_the_plugin_plans_as_an_update_and_then_refuses_is_a_replacement(self, deploy: Deploy) -> None:
        options = deploy().one("ovh-1-instance").options
        assert set(options.replaceOnChanges) == {"flavor", "network"}
        assert set(options.ignoreChanges) == {"bootFrom", "sshKey", "userData"}
        assert options.deleteBeforeReplace

    def test_it_has_its_address_on_the_regions_subnet(self, deploy: Deploy) -> None:
        network = deploy(change=attached_ovh).one("ovh-1-instance").inputs["network"]
        assert network["public"] is True
        assert network["private"]["ip"] == "10.21.0.41"
        assert network["private"]["network"]["id"] == "net-gra11"

    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
    def test_the_public_address_is_found_in_any_order(self, order: tuple[int, ...]) -> None:
        found = [("2001:db8::1", 6), ("10.21.0.41", 4), ("198.51.100.7", 4)]
        addresses = [SimpleNamespace(ip=found[index][0], version=found[index][1]) for index in order]
        assert public_address(addresses, IPv4Network("10.21.0.0/24")) == "198.51.100.7"

    def test_an_instance_without_a_public_address_is_refused(self) -> None:
        addresses = [SimpleNamespace(ip="10.21.0.41", version=4)]
        with pytest.raises(ValueError, match="public") as refused:
            public_address(addresses, IPv4Network("10.21.0.0/24"))
        assert str(refused.value) == (
            "an instance has a public IPv4 address; found: 10.21.0.41; look at it in OVH's console"
        )


def test_a_record_creates_nothing(deploy: Deploy) -> None:
    made = {item.type.split(":")[0] for item in deploy("lab").resources}
    assert made == {"command", "kubernetes", "nixfleet", "pulumi"}


def dedicated(fleet: dict[str, Any], service: str = "ns1.ip-203-0-113.eu") -> None:
    """A dedicated server of OVH in the instance's place."""
    moved = fleet["hosts"].pop("ovh-1")
    kept = {key: moved[key] for key in ("role", "hardware", "address", "storage")}
    disk = {"device": "/dev/disk/by-id/nvme-D1", "serial": "D1", "sizeGib": 465, "layout": "ovh-cloud"}
    fleet["hosts"]["big-1"] = {
        **kept,
        "kind": "ovh-dedicated",
        "serviceName": service,
        "sshAddress": "203.0.113.77",
        "disk": disk,
    }


def another_service(fleet: dict[str, Any]) -> None:
    dedicated(fleet, service="ns2.ip-203-0-113.eu")


def test_a_dedicated_server_is_installed_where_it_answers_and_known_by_its_service_and_disk(deploy: Deploy) -> None:
    plan = deploy(change=dedicated)
    install = plan.one("big-1-install")
    assert install.inputs["environment"]["NIXFLEET_ADDRESS"] == "203.0.113.77"
    assert install.inputs["triggers"] == ["ns1.ip-203-0-113.eu D1", ""]
    assert plan.one("big-1-membership").inputs["triggers"] == ["ns1.ip-203-0-113.eu D1", "agent"]
    assert [item.name for item in plan.resources if item.type.startswith("ovh:")] == []
    assert deploy(change=another_service).one("big-1-install").inputs["triggers"][0] == "ns2.ip-203-0-113.eu D1"


@pytest.mark.parametrize("stack", ["sim", "cloud"])
def test_what_is_looked_for_at_hetzner_is_what_is_registered_there(deploy: Deploy, stack: str) -> None:
    made = {(item.type, item.name) for item in deploy(stack).resources if item.type.startswith("hcloud:")}
    inputs = inputs_of(stack)
    assert made == inventory.hetzner_resources(inputs.fleet, inputs.identities.deploy_key)


def test_a_larger_type_keeps_the_disk_unless_it_is_told_to_grow_it(deploy: Deploy) -> None:
    def growing(fleet: dict[str, Any]) -> None:
        fleet["hosts"]["hcloud-1"] |= {"serverType": "cx43", "growDisk": True}
        fleet["hosts"]["hcloud-1"]["disk"]["sizeGib"] = 160

    assert deploy().one("hcloud-1-server").inputs["keepDisk"] is True
    assert deploy(change=growing).one("hcloud-1-server").inputs["keepDisk"] is False


def test_hetzner_works_at_one_part_of_the_balancer_after_the_other(deploy: Deploy) -> None:
    assert "hetzner-api-attachment" in deploy().one("hetzner-api-service").depends_on


class ThirdHost(Host):
    """A machine of a third cloud."""

    created = True
    kind: Literal["third"]
    size: str


@dataclass(frozen=True, kw_only=True)
class ThirdArgs:
    """What a third cloud's server needs to know."""

    size: str


class ThirdServer(pulumi.CustomResource):
    """A resource of a third cloud's provider."""

    def __init__(self, name: str, args: ThirdArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("third:index:Server", name, {"size": args.size}, opts)


class Third:
    """A third cloud, whole."""

    api_address = None
    ends = ()

    def __init__(self, args: CloudArgs) -> None:
        self.machines = {name: self.machine(name, host) for name, host in args.hosts.items()}

    def serve(self, members: Mapping[str, pulumi.CustomResource]) -> Mapping[str, pulumi.Resource]:
        assert members
        return {}

    def machine(self, name: str, host: Host) -> Machine:
        assert isinstance(host, ThirdHost)
        server = ThirdServer(f"{name}-server", ThirdArgs(size=host.size))
        return Machine(identity=server.id, address="198.51.100.99", ready=(server,))


@pytest.fixture
def third_cloud() -> Any:
    """What a further cloud's one file does when it is imported."""
    register_kind(ThirdHost)
    register_cloud(Third, "third")
    yield
    del HOST_KINDS["third"], CLOUDS["third"]


def with_third(fleet: dict[str, Any]) -> None:
    moved = fleet["hosts"].pop("ovh-1")
    kept = {key: moved[key] for key in ("role", "hardware", "address", "storage", "disk")}
    fleet["hosts"]["third-1"] = {**kept, "kind": "third", "size": "small"}


@pytest.mark.usefixtures("third_cloud")
def test_a_third_cloud_is_one_file() -> None:
    """A kind and a factory are registered, and its machine is installed like any other."""
    inputs = inputs_of("sim", with_third)
    plan: Plan = record(lambda: build(inputs))
    server = plan.one("third-1-server")
    install = plan.one("third-1-install")
    assert server.inputs == {"size": "small"}
    assert install.inputs["triggers"] == ["third-1-server-id", ""]
    assert install.inputs["environment"]["NIXFLEET_ADDRESS"] == "198.51.100.99"
    assert "third-1-membership" in install.depends_on
    assert "third-1-server" in plan.one("third-1-membership").depends_on

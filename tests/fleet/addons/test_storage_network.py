"""The storage attachment is a function of the network profile, and never gives a host's address away."""

from __future__ import annotations

import json
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from fleet.addons.storage_network import attachment, interface, pod_range
from fleet.faults import FleetError
from fleet.hosts import Taint
from tests.components.stacks import inputs_of, switched_off


def config(edit: Any = None) -> Any:
    inputs = inputs_of("lab", edit)
    manifest = attachment(inputs.fleet, inputs.profiles)
    return json.loads(manifest["spec"]["config"]) if manifest else None


def test_pods_and_hosts_share_no_address() -> None:
    ipam, fleet = config()["ipam"], inputs_of("lab").fleet
    pods = set(IPv4Network(ipam["range"]))
    for left_out in ipam["exclude"]:
        pods -= set(IPv4Network(left_out))
    assert len(pods) > 32
    assert not pods & {host.storage_address for host in fleet.hosts.values()}


def test_an_address_in_the_pods_half_is_left_out() -> None:
    def high(fleet: dict[str, Any]) -> None:
        name = next(name for name, host in sorted(fleet["hosts"].items()) if host.get("storage"))
        fleet["hosts"][name]["storageAddress"] = "192.168.100.200"

    assert config(high)["ipam"]["exclude"] == ["192.168.100.200/32"]


def test_pods_have_the_upper_half() -> None:
    assert pod_range(IPv4Network("10.0.0.0/24")) == IPv4Network("10.0.0.128/25")


def test_whereabouts_is_found_on_k3s_paths() -> None:
    folder = "/var/lib/rancher/k3s/agent/etc/cni/net.d/whereabouts.d"
    assert config()["ipam"]["configuration_path"] == f"{folder}/whereabouts.conf"


@pytest.mark.parametrize("addon", ["multus", "longhorn"])
def test_without_one_of_its_users_there_is_none(addon: str) -> None:
    assert config(partial(switched_off, name=addon)) is None


def test_a_fleet_without_a_storage_network_has_none() -> None:
    inputs = inputs_of("sim")
    assert attachment(inputs.fleet, inputs.profiles) is None


def test_storage_hosts_that_name_the_interface_differently_are_refused() -> None:
    inputs = inputs_of("lab")
    first, second = inputs.fleet.storage_hosts[:2]
    profile = next(iter(inputs.profiles.values()))
    lan = inputs.profiles["simple"].cluster.model_copy(
        update={"subnet": IPv4Network("192.168.77.0/24"), "gateway": IPv4Address("192.168.77.1"), "link": "eth9"}
    )
    other = profile.model_copy(update={"storage": lan, "bond": None})
    hosts = inputs.fleet.hosts | {second: inputs.fleet.hosts[second].model_copy(update={"profile": "other"})}
    fleet = inputs.fleet.model_copy(update={"hosts": hosts})
    with pytest.raises(FleetError) as refused:
        attachment(fleet, {**inputs.profiles, "other": other})
    (fault,) = refused.value.faults
    assert fault.path == "addons.multus.storageAttachment"
    assert f"{second}: eth9 on 192.168.77.0/24" in fault.value
    assert f"{first}: " in fault.value
    assert fault.law == "Longhorn attaches volumes over one interface name and subnet on all hosts that take its pods"
    assert fault.cure == (
        "give these hosts profiles whose storage interface has one name (a bond of one port has a bond's), keep "
        "Longhorn's pods away by a taint, or set storageAttachment to false"
    )


def test_a_host_that_only_attaches_volumes_has_to_be_on_the_storage_network_too() -> None:
    inputs = inputs_of("lab")
    assert config()["master"] == "bond0.100"
    trunk = inputs.profiles["lab-trunk"]
    assert trunk.storage
    plain = trunk.model_copy(update={"bond": None, "storage": trunk.storage.model_copy(update={"link": "eth0"})})
    profiles = {**inputs.profiles, "lab-trunk": plain}
    with pytest.raises(FleetError, match=r"jetson-1: eth0\.100 on 192\.168\.100\.0/24"):
        attachment(inputs.fleet, profiles)
    hosts = {
        name: host.model_copy(update={"taints": (Taint(key="gpu", effect="NoSchedule"),)})
        if name.startswith("jetson")
        else host
        for name, host in inputs.fleet.hosts.items()
    }
    # Longhorn's pods are not there, so no volume is attached there.
    assert attachment(inputs.fleet.model_copy(update={"hosts": hosts}), profiles)


def test_the_interface_is_the_one_that_the_hosts_network_makes() -> None:
    """The names of nix/lib/network: a VLAN by its link, a bond by its name, a renamed ethN with its prefix."""
    inputs = inputs_of("lab")
    host = next(iter(inputs.fleet.hosts.values())).model_copy(update={"ports": {"eth1": "02:00:00:00:00:01"}})
    profile = inputs.profiles["bonding-vlans"]
    assert profile.storage
    assert profile.bond
    lan = profile.storage
    assert interface(host, profile, lan) == f"{lan.link}.{lan.vlan}"
    assert interface(host, profile, lan.model_copy(update={"vlan": None})) == profile.bond.name
    plain = lan.model_copy(update={"vlan": None, "link": "eth1"})
    assert interface(host, profile, plain) == "lan-eth1"
    assert interface(host.model_copy(update={"ports": {}}), profile, plain) == "eth1"

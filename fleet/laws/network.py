"""Laws of the cluster network: who can be on it, and what the profiles of one fleet have to share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.faults import Fault
from fleet.hosts import HcloudHost, OvhInstanceHost
from fleet.laws.law import Profiles, law
from fleet.laws.profiles import profile_faults
from fleet.laws.subnets import profile_names, profile_of, used_profiles
from fleet.network import MeshNetwork, ProfileNetwork, ProviderNetwork

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.network import Profile
    from fleet.settings import Fleet

_FLANNEL_PORT = 8472


@law("network", "providers")
def a_provider_network_is_described(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """A cluster on a provider's network needs that provider's section."""
    if not isinstance(fleet.network, ProviderNetwork):
        return
    word = fleet.network.provider
    section = fleet.providers.hcloud if word == "hcloud" else fleet.providers.ovh
    if section is None or section.network is None:
        yield Fault(
            path="network.provider",
            value=word,
            law=f"the cluster's network is described in providers.{word}.network",
            cure="add that section",
        )


@law("providers", "hosts")
def ovh_instances_have_a_project(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """OVH instances belong to a Public Cloud project, and a private network reaches the regions that it names."""
    ovh = fleet.providers.ovh
    for name in sorted(fleet.hosts):
        host = fleet.hosts[name]
        if not isinstance(host, OvhInstanceHost):
            continue
        if ovh is None:
            yield Fault(
                path=f"hosts.{name}.kind",
                value="ovh-instance",
                law="an instance belongs to a Public Cloud project",
                cure="add providers.ovh.serviceName",
            )
        elif ovh.network and host.private_address and host.region not in ovh.network.regions:
            yield Fault(
                path=f"hosts.{name}.region",
                value=host.region,
                law=f"the private network is in {', '.join(ovh.network.regions)} only",
                cure="add the region to providers.ovh.network.regions, or remove privateAddress",
            )


@law("network", "hosts")
def hosts_can_be_on_the_network(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """A provider's network has that provider's machines only, and a profile's LAN none that a cloud makes."""
    for name in sorted(fleet.hosts):
        host = fleet.hosts[name]
        kind = getattr(host, "kind", "")
        if isinstance(fleet.network, ProviderNetwork):
            wanted = HcloudHost if fleet.network.provider == "hcloud" else OvhInstanceHost
            if not isinstance(host, wanted):
                yield Fault(
                    path=f"hosts.{name}.kind",
                    value=kind,
                    law=f"the cluster's network is {fleet.network.provider}'s, and this machine is not there",
                    cure="use a network of kind mesh as soon as a cluster spans providers",
                )
        elif isinstance(fleet.network, ProfileNetwork) and host.created:
            yield Fault(
                path=f"hosts.{name}.kind",
                value=kind,
                law="the cluster's network is a LAN of yours, and a cloud's machine is not on it",
                cure="use a network of kind mesh",
            )


@law("network")
def the_mesh_has_a_port_of_its_own(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """WireGuard and the pod network both use UDP."""
    if isinstance(fleet.network, MeshNetwork) and fleet.network.port == _FLANNEL_PORT:
        yield Fault(
            path="network.port",
            value=str(_FLANNEL_PORT),
            law="the pod network (VXLAN) uses this port",
            cure="use 51820",
        )


@law("network", "hosts")
def records_on_the_mesh_answer_elsewhere(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """A machine that is not installed yet has no mesh address, so a record says where it answers before that."""
    if not isinstance(fleet.network, MeshNetwork):
        return
    for name in sorted(fleet.hosts):
        host = fleet.hosts[name]
        address = getattr(host, "ssh_address", None)
        if not host.created and (address is None or address in fleet.network.range):
            yield Fault(
                path=f"hosts.{name}.sshAddress",
                value="absent" if address is None else str(address),
                law="the mesh is there after the install only, and the install needs an address before",
                cure="give the machine's address on its own LAN, or its public one",
            )


@law("network", "hosts")
def profiles_exist_and_are_lawful(fleet: Fleet, profiles: Profiles) -> Iterator[Fault]:
    """Every profile that is named exists, and keeps the laws of profiles."""
    for name, path in profile_names(fleet).items():
        if name not in profiles:
            yield Fault(
                path=path,
                value=name,
                law=f"a profile is a file nix/network/profiles/{name}.json",
                cure=f"name one of {', '.join(sorted(profiles))}, or write that file",
            )
        else:
            yield from profile_faults(profiles[name])


def _shared(first: Profile, other: Profile) -> Iterator[Fault]:
    for word, one, two in (("cluster", first.cluster, other.cluster), ("storage", first.storage, other.storage)):
        path = f"profile {other.name}.{word}"
        # Where one profile has no storage network, the laws of storage speak.
        if one is None or two is None:
            continue
        if one.subnet != two.subnet:
            yield Fault(
                path=f"{path}.subnet",
                value=str(two.subnet),
                law=f"profile {first.name} has {one.subnet}, and all hosts share one {word} network",
                cure="use one subnet",
            )
        if one.vlan is not None and two.vlan is not None and one.vlan != two.vlan:
            yield Fault(
                path=f"{path}.vlan",
                value=str(two.vlan),
                law=f"profile {first.name} tags {one.vlan}, and all hosts tag the same VLAN ids",
                cure="use one id",
            )
        if one.mtu != two.mtu:
            yield Fault(
                path=f"{path}.mtu",
                value=str(two.mtu),
                law=f"profile {first.name} has {one.mtu}, and bigger frames are lost between hosts that differ",
                cure="use one MTU",
            )


@law("network", "hosts")
def profiles_describe_one_network(fleet: Fleet, profiles: Profiles) -> Iterator[Fault]:
    """Hosts with different profiles are on the same cluster and storage networks."""
    used = list(used_profiles(fleet, profiles).values())
    for other in used[1:]:
        yield from _shared(used[0], other)


@law("network", "hosts")
def profile_settings_have_a_profile(fleet: Fleet, profiles: Profiles) -> Iterator[Fault]:
    """Ports and profiles of a host belong to a network of kind profile; ports are all of the profile's or none."""
    for name in sorted(fleet.hosts):
        host, profile = fleet.hosts[name], profile_of(fleet, profiles, name)
        path = f"hosts.{name}"
        if not isinstance(fleet.network, ProfileNetwork):
            if host.profile is not None:
                yield Fault(
                    path=f"{path}.profile",
                    value=host.profile,
                    law="profiles describe a network of kind profile, and this is another one",
                    cure="remove it",
                )
            if host.ports:
                yield Fault(
                    path=f"{path}.ports",
                    value=", ".join(sorted(host.ports)),
                    law="ports are those of a network profile, and this network has none",
                    cure="remove them",
                )
        elif profile and host.ports and set(host.ports) != set(profile.ports):
            yield Fault(
                path=f"{path}.ports",
                value=", ".join(sorted(host.ports)),
                law=f"profile {profile.name} has the ports {', '.join(sorted(profile.ports))}: all are given or none",
                cure="use these names",
            )
        elif profile and profile.addressing == "dhcp" and not host.ports:
            yield Fault(
                path=f"{path}.ports",
                value="absent",
                law=f"profile {profile.name} gives addresses by hardware address",
                cure="add the hardware addresses of its ports",
            )

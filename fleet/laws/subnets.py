"""The subnets of a fleet, for the laws of several subjects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.network import MeshNetwork, ProfileNetwork, ProviderNetwork

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Network

    from fleet.laws.law import Profiles
    from fleet.network import Profile
    from fleet.settings import Fleet


def profile_names(fleet: Fleet) -> dict[str, str]:
    """Names of the profiles that the fleet uses, by the path that names them first."""
    if not isinstance(fleet.network, ProfileNetwork):
        return {}
    named = {fleet.network.profile: "network.profile"}
    for host in sorted(fleet.hosts):
        profile = fleet.hosts[host].profile
        if profile is not None:
            named.setdefault(profile, f"hosts.{host}.profile")
    return named


def used_profiles(fleet: Fleet, profiles: Profiles) -> dict[str, Profile]:
    """The profiles that the fleet uses and that exist, by name, the default one first."""
    return {name: profiles[name] for name in profile_names(fleet) if name in profiles}


def profile_of(fleet: Fleet, profiles: Profiles, host: str) -> Profile | None:
    """The profile of a host; None on other networks and where it does not exist."""
    if not isinstance(fleet.network, ProfileNetwork):
        return None
    return profiles.get(fleet.hosts[host].profile or fleet.network.profile)


def cluster_range(fleet: Fleet, profiles: Profiles) -> IPv4Network | None:
    """The cluster network's range; None where the section that says it is missing."""
    match fleet.network:
        case MeshNetwork():
            return fleet.network.range
        case ProviderNetwork(provider="hcloud"):
            network = fleet.providers.hcloud.network
            return network.subnet if network else None
        case ProviderNetwork():
            ovh = fleet.providers.ovh
            return ovh.network.subnet if ovh and ovh.network else None
        case ProfileNetwork():
            profile = profiles.get(fleet.network.profile)
            return profile.cluster.subnet if profile else None


def gateways(fleet: Fleet, profiles: Profiles) -> dict[IPv4Address, str]:
    """Addresses of routers and DHCP servers, by whose they are."""
    found: dict[IPv4Address, str] = {}
    if fleet.providers.hcloud.network:
        found[fleet.providers.hcloud.network.range.network_address + 1] = "Hetzner's gateway"
    for name, profile in used_profiles(fleet, profiles).items():
        for lan in (profile.cluster, profile.storage):
            if lan and lan.gateway:
                found.setdefault(lan.gateway, f"the gateway of profile {name}")
        if profile.dhcp:
            found.setdefault(profile.dhcp.address, f"the DHCP server of profile {name}")
    return found

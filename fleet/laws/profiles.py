"""Laws of one network profile, whoever uses it. What a fleet's profiles have to share is in network.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ipaddress import IPv4Address

    from fleet.network import Lan, Profile

_LONGEST_INTERFACE = 15
_PRIMARY_MODES = ("active-backup", "balance-alb", "balance-tlb")


def _lans(profile: Profile) -> Iterator[tuple[str, Lan]]:
    yield "cluster", profile.cluster
    if profile.storage:
        yield "storage", profile.storage


class _Faults:
    """Writes faults of one profile."""

    def __init__(self, profile: Profile) -> None:
        self._name = profile.name

    def __call__(self, path: str, value: object, law: str, cure: str) -> Fault:
        return Fault(path=f"profile {self._name}.{path}", value=str(value), law=law, cure=cure)


def _bond(profile: Profile, fault: _Faults) -> Iterator[Fault]:
    bond = profile.bond
    if bond is None:
        return
    for place, member in enumerate(bond.members):
        if member not in profile.ports:
            yield fault(
                f"bond.members.{place}",
                member,
                f"a member is one of the ports {', '.join(profile.ports)}",
                "name a port",
            )
        if member in bond.members[:place]:
            yield fault(f"bond.members.{place}", member, "a member stands once", "remove one of the two")
    if bond.primary is not None and bond.primary not in bond.members:
        yield fault(
            "bond.primary",
            bond.primary,
            f"the primary is one of the members {', '.join(bond.members)}",
            "name a member",
        )
    if bond.primary is not None and bond.mode not in _PRIMARY_MODES:
        yield fault(
            "bond.primary",
            bond.primary,
            f"mode {bond.mode} has no primary",
            f"remove it, or use {' or '.join(_PRIMARY_MODES)}",
        )
    if bond.name in profile.ports:
        yield fault("bond.name", bond.name, "a port has this name", "rename the bond")


def _links(profile: Profile, fault: _Faults) -> Iterator[Fault]:
    members = profile.bond.members if profile.bond else ()
    carriers = [port for port in profile.ports if port not in members] + ([profile.bond.name] if profile.bond else [])
    for word, lan in _lans(profile):
        if lan.link not in carriers:
            yield fault(
                f"{word}.link", lan.link, f"what carries a network is one of {', '.join(carriers)}", "name one of these"
            )
        interface = lan.link if lan.vlan is None else f"{lan.link}.{lan.vlan}"
        if len(interface) > _LONGEST_INTERFACE:
            yield fault(
                f"{word}.link",
                interface,
                f"Linux takes interface names of at most {_LONGEST_INTERFACE} characters",
                "use shorter names",
            )
    storage = profile.storage
    if storage and (storage.link, storage.vlan) == (profile.cluster.link, profile.cluster.vlan):
        here = f"{storage.link}, {'untagged' if storage.vlan is None else f'VLAN {storage.vlan}'}"
        yield fault(
            "storage.vlan",
            here,
            "the cluster's network is there already",
            "give storage a VLAN id of its own, or another link",
        )


def _subnets(profile: Profile, fault: _Faults) -> Iterator[Fault]:
    storage = profile.storage
    if storage and storage.subnet.overlaps(profile.cluster.subnet):
        yield fault(
            "storage.subnet",
            storage.subnet,
            f"it shares addresses with cluster.subnet ({profile.cluster.subnet})",
            "choose a range of its own",
        )
    for word, lan in _lans(profile):
        edges = (lan.subnet.network_address, lan.subnet.broadcast_address)
        if lan.gateway and (lan.gateway not in lan.subnet or lan.gateway in edges):
            yield fault(f"{word}.gateway", lan.gateway, f"a gateway is a host of {lan.subnet}", "correct it")
        if lan.gateway6 and (lan.subnet6 is None or lan.gateway6 not in lan.subnet6) and not lan.gateway6.is_link_local:
            yield fault(f"{word}.gateway6", lan.gateway6, "a gateway lies in subnet6, or is link-local", "correct it")


def _node_vlans(profile: Profile, fault: _Faults) -> Iterator[Fault]:
    for word, lan in _lans(profile):
        ids = {name: node.vlans.get(word, lan.vlan) for name, node in sorted(profile.nodes.items())}  # type: ignore[call-overload]  # the words are the keys
        if len(set(ids.values())) > 1:
            shown = ", ".join(f"{name} {vlan}" for name, vlan in ids.items())
            yield fault(
                f"{word}.vlan",
                shown,
                "every node tags the same VLAN ids, or no two of them share a network",
                "remove nodes.*.vlans",
            )


def _nodes(profile: Profile, fault: _Faults) -> Iterator[Fault]:
    seen: dict[IPv4Address, str] = {}
    for name, node in sorted(profile.nodes.items()):
        for word, lan in _lans(profile):
            address = node.cluster if word == "cluster" else node.storage
            path = f"nodes.{name}.{word}"
            if address is None:
                yield fault(
                    path, "absent", "every node has an address on every network", f"give it one of {lan.subnet}"
                )
                continue
            if address not in lan.subnet or address in (
                lan.subnet.network_address,
                lan.subnet.broadcast_address,
                lan.gateway,
            ):
                yield fault(path, address, f"the address is a node's own in {lan.subnet}", "choose a free one")
            if seen.setdefault(address, path) != path:
                yield fault(path, address, f"it is {seen[address]} already", "choose a free one")


def _dhcp(profile: Profile, fault: _Faults) -> Iterator[Fault]:
    server, subnet = profile.dhcp, profile.cluster.subnet
    if (profile.addressing == "dhcp") != (server is not None):
        yield fault(
            "addressing",
            profile.addressing,
            "dhcp needs a server that hands addresses out, static has none",
            "correct addressing or dhcp",
        )
    if server is None:
        return
    for word, address in (("address", server.address), ("first", server.first), ("last", server.last)):
        if address not in subnet:
            yield fault(f"dhcp.{word}", address, f"the server serves {subnet}", "choose an address of that range")
    if server.first > server.last:
        yield fault(
            "dhcp.first", server.first, f"the range begins before it ends, at {server.last}", "exchange the two"
        )
    elif server.first <= server.address <= server.last:
        yield fault(
            "dhcp.address",
            server.address,
            f"the server would hand out its own address, in {server.first} to {server.last}",
            "choose another one",
        )
    macs: dict[str, str] = {}
    for name, node in sorted(profile.nodes.items()):
        if node.mac is None:
            yield fault(f"nodes.{name}.mac", "absent", "a node's address is reserved by its hardware address", "add it")
        elif macs.setdefault(node.mac, name) != name:
            yield fault(f"nodes.{name}.mac", node.mac, f"{macs[node.mac]} has it already", "correct one of the two")


def profile_faults(profile: Profile) -> Iterator[Fault]:
    """Every fault of one profile."""
    fault = _Faults(profile)
    if len(set(profile.ports)) != len(profile.ports):
        yield fault("ports", ", ".join(profile.ports), "a port stands once", "remove the second")
    for check in (_bond, _links, _subnets, _node_vlans, _nodes, _dhcp):
        yield from check(profile, fault)

"""The attachment over which Longhorn's replicas talk, from the network profile, and who gives addresses on it.

Longhorn takes one attachment for all nodes, so addresses have to come from something that knows all nodes: whereabouts,
which keeps them in the cluster. host-local knows its own node only and would give the same address twice, unless each
node had an attachment of its own.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from fleet.addons.definitions import definition
from fleet.addons.longhorn import storage_taints
from fleet.addons.multus import BIN_DIR, CONF_DIR, TOLERATE_ALL
from fleet.addons.pinned import pinned
from fleet.faults import Fault, FleetError
from fleet.network import Lan, Profile, ProfileNetwork

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from ipaddress import IPv4Address, IPv4Network

    from fleet.addons.values import Values
    from fleet.hosts import Host
    from fleet.settings import Fleet

NAMESPACE = "kube-system"
ATTACHMENT = "storage"
VERSION = "v0.9.4"
IMAGE = f"ghcr.io/k8snetworkplumbingwg/whereabouts:{VERSION}"
"""For amd64 and arm64."""

ACCOUNT = "whereabouts"
GROUP = "whereabouts.cni.cncf.io"

_TEXT: Values = {"type": "string"}
_ALLOCATION: Values = {
    "type": "object",
    "required": ["id", "podref"],
    "properties": {"id": _TEXT, "ifname": _TEXT, "podref": _TEXT},
}
DEFINITIONS: dict[str, Values] = {
    "ippools": definition(
        GROUP,
        "IPPool",
        "ippools",
        version="v1alpha1",
        spec={
            "type": "object",
            "required": ["allocations", "range"],
            "properties": {"allocations": {"type": "object", "additionalProperties": _ALLOCATION}, "range": _TEXT},
        },
    ),
    "reservations": definition(
        GROUP,
        "OverlappingRangeIPReservation",
        "overlappingrangeipreservations",
        version="v1alpha1",
        spec={
            "type": "object",
            "required": ["podref"],
            "properties": {"containerid": _TEXT, "ifname": _TEXT, "podref": _TEXT},
        },
    ),
    "slices": definition(
        GROUP,
        "NodeSlicePool",
        "nodeslicepools",
        version="v1alpha1",
        spec={
            "type": "object",
            "required": ["range", "sliceSize"],
            "properties": {"range": _TEXT, "sliceSize": _TEXT},
        },
    ),
}

_READ = ["get", "list", "watch"]
RULES: list[Values] = [
    {
        "apiGroups": [GROUP],
        "resources": ["ippools", "overlappingrangeipreservations", "nodeslicepools"],
        "verbs": [*_READ, "create", "update", "patch", "delete"],
    },
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["*"]},
    {"apiGroups": [""], "resources": ["pods", "nodes"], "verbs": _READ},
    {"apiGroups": ["k8s.cni.cncf.io"], "resources": ["network-attachment-definitions"], "verbs": _READ},
    {"apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch", "update", "get"]},
]


def profile_of(fleet: Fleet, profiles: Mapping[str, Profile], host: str) -> Profile | None:
    """The network profile of a host; None where it has none."""
    shared = fleet.network.profile if isinstance(fleet.network, ProfileNetwork) else None
    named = fleet.hosts[host].profile or shared
    return profiles[named] if named else None


def interface(host: Host, profile: Profile, lan: Lan) -> str:
    """Name of the interface that carries a LAN on a host, as nix/lib/network gives it."""
    if lan.vlan is not None:
        return f"{lan.link}.{lan.vlan}"
    is_bond = profile.bond is not None and profile.bond.name == lan.link
    # The kernel hands out ethN itself, so a card that is known by its hardware address gets another name.
    if not is_bond and lan.link in host.ports and re.fullmatch(r"eth\d+", lan.link):
        return f"lan-{lan.link}"
    return lan.link


def pod_range(subnet: IPv4Network) -> IPv4Network:
    """The upper half of the storage network: hosts have their addresses below, and one that has not is left out."""
    return list(subnet.subnets(1))[1]


def _excluded(lan: Lan, taken: Iterable[IPv4Address]) -> list[str]:
    pods = pod_range(lan.subnet)
    return [f"{address}/32" for address in sorted(set(taken)) if address in pods]


def attaching_hosts(fleet: Fleet) -> tuple[str, ...]:
    """Hosts on which Longhorn attaches volumes: all that do not keep its pods away, with replicas or without.

    Longhorn gives its one storage network to the instance managers of every node that it runs on (its setting
    `storage-network`), so a volume is attached only where that network is.
    """
    tolerated = storage_taints(fleet)
    return tuple(
        name
        for name, host in sorted(fleet.hosts.items())
        if all(taint in tolerated or taint.effect == "PreferNoSchedule" for taint in host.taints)
    )


def storage_lans(fleet: Fleet, profiles: Mapping[str, Profile]) -> dict[str, tuple[str, Lan]]:
    """Interface and LAN of the storage network by host that attaches volumes; empty where it has none."""
    found = {}
    for name in attaching_hosts(fleet):
        profile = profile_of(fleet, profiles, name)
        if profile and profile.storage:
            found[name] = (interface(fleet.hosts[name], profile, profile.storage), profile.storage)
    return found


def attachment(fleet: Fleet, profiles: Mapping[str, Profile]) -> Values | None:
    """The attachment; None where there is, or is wanted, no storage network. Raises FleetError where hosts disagree."""
    addons, lans = fleet.addons, storage_lans(fleet, profiles)
    if not (lans and addons.multus.enabled and addons.multus.storage_attachment and addons.longhorn.enabled):
        return None
    fault = disagreement(fleet, profiles)
    if fault:
        raise FleetError("the storage network", (fault,))
    link, lan = next(iter(lans.values()))
    taken = [host.storage_address for host in fleet.hosts.values() if host.storage_address]
    return {
        "metadata": {"name": ATTACHMENT, "namespace": NAMESPACE},
        "spec": {"config": json.dumps(_config(link, lan, taken), sort_keys=True)},
    }


def disagreement(fleet: Fleet, profiles: Mapping[str, Profile]) -> Fault | None:
    """Why one attachment does not fit all hosts that attach volumes; None where it does."""
    lans = storage_lans(fleet, profiles)
    kinds = {(link, lan.subnet, lan.mtu) for link, lan in lans.values()}
    if len(kinds) == 1 and len(lans) == len(attaching_hosts(fleet)):
        return None
    said = (
        f"{name}: {lans[name][0]} on {lans[name][1].subnet}" if name in lans else f"{name}: none"
        for name in attaching_hosts(fleet)
    )
    return Fault(
        path="addons.multus.storageAttachment",
        value=", ".join(said),
        law="Longhorn attaches volumes over one interface name and subnet on all hosts that take its pods",
        cure="give these hosts profiles whose storage interface has one name (a bond of one port has a bond's), keep "
        "Longhorn's pods away by a taint, or set storageAttachment to false",
    )


def _config(link: str, lan: Lan, taken: Iterable[IPv4Address]) -> Values:
    gateway = [lan.gateway] if lan.gateway else []
    return {
        "cniVersion": "0.3.1",
        "name": ATTACHMENT,
        "type": "macvlan",
        "master": link,
        "mode": "bridge",
        "mtu": lan.mtu,
        "ipam": {
            "type": "whereabouts",
            "range": str(pod_range(lan.subnet)),
            "exclude": _excluded(lan, [*taken, *gateway]),
            # Without it the plugin looks in /etc/cni, where k3s has nothing.
            "configuration_path": f"{CONF_DIR}/whereabouts.d/whereabouts.conf",
        },
    }


def config_map() -> Values:
    """When the daemon looks for addresses of pods that are gone."""
    return {
        "metadata": {"name": "whereabouts-config", "namespace": NAMESPACE},
        "data": {"cron-expression": "30 4 * * *"},
    }


def _container() -> Values:
    # The path that it writes into its configuration is this one without /host, so the mounts repeat the host's paths.
    mounts = [
        {"name": "cnibin", "mountPath": f"/host{BIN_DIR}"},
        {"name": "cni-net-dir", "mountPath": f"/host{CONF_DIR}"},
        {"name": "cron-scheduler-configmap", "mountPath": "/cron-schedule"},
    ]
    return {
        "name": "whereabouts",
        "image": pinned(IMAGE),
        "command": ["/bin/sh"],
        "args": ["-c", "SLEEP=false source /install-cni.sh\n/token-watcher.sh &\n/ip-control-loop -log-level error\n"],
        "env": [
            {"name": "NODENAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {"name": "WHEREABOUTS_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            {"name": "CNI_BIN_DIR", "value": f"/host{BIN_DIR}"},
            {"name": "CNI_CONF_DIR", "value": f"/host{CONF_DIR}"},
        ],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "200Mi"}},
        "securityContext": {"privileged": True},
        "volumeMounts": mounts,
    }


def daemon_set() -> Values:
    """Whereabouts on every node."""
    labels = {"app": "whereabouts", "name": "whereabouts"}
    pod = {
        "hostNetwork": True,
        "serviceAccountName": ACCOUNT,
        "priorityClassName": "system-node-critical",
        "tolerations": TOLERATE_ALL,
        "containers": [_container()],
        "volumes": [
            {"name": "cnibin", "hostPath": {"path": BIN_DIR}},
            {"name": "cni-net-dir", "hostPath": {"path": CONF_DIR}},
            {"name": "cron-scheduler-configmap", "configMap": {"name": "whereabouts-config"}},
        ],
    }
    return {
        "metadata": {"name": "whereabouts", "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "selector": {"matchLabels": {"name": "whereabouts"}},
            "updateStrategy": {"type": "RollingUpdate"},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }

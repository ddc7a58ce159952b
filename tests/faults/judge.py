"""The laws that hold whatever goes wrong. Each is a function of what was seen, and answers with what breaks it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sim.machines import closure, loader, longhorn, service, systems
from sim.machines.objects import condition
from sim.tools.flake import UNREAD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from sim.machines.machine import Machine
    from sim.site import Site
    from sim.world import Event

QUORUM = 3
"""From so many members on, one may be away."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A site at one moment."""

    contract: Mapping[str, Any]
    machines: Mapping[str, Machine]
    """By name."""

    current: Mapping[str, closure.Closure | None]
    """What each host runs; None: no system of ours."""

    default: Mapping[str, closure.Closure | None]
    """What each host boots next."""

    clusters: Mapping[str, Mapping[str, Any]]
    data: Mapping[str, tuple[str, str]]
    """What etcd's data on a machine's disk says: of which cluster it is, and as which member."""

    events: tuple[Event, ...] = field(repr=False)

    @property
    def hosts(self) -> Mapping[str, Mapping[str, Any]]:
        """The contract's hosts."""
        found: Mapping[str, Mapping[str, Any]] = self.contract["hosts"]
        return found

    @property
    def contents(self) -> dict[tuple[str, str], str]:
        """Content stamp of every disk, by machine and serial number."""
        return {(name, disk.serial): disk.content for name, m in self.machines.items() for disk in m.disks}


def look(site: Site) -> Scene:
    """See a site as it is now."""
    world, contract = site.stage.world, json.loads((site.stage.base / "contracts/sim.json").read_bytes())
    machines = {machine.spec.name: machine for machine in site.stage.rack.machines()}
    roots = {name: systems.running_root(world, machine) for name, machine in machines.items()}
    ours = {name: root for name, root in roots.items() if machines[name].system == "nixos"}
    return Scene(
        contract=contract,
        machines=machines,
        current={name: _current(ours.get(name)) for name in machines},
        default={name: _default(ours.get(name)) for name in machines},
        clusters={name: world.read(name) for name in world.names("clusters")},
        data={name: found for name, root in ours.items() if (found := _data(root))},
        events=world.events(),
    )


def _current(root: Path | None) -> closure.Closure | None:
    link = root / "run/current-system" if root else None
    if root is None or link is None or not link.is_symlink():
        return None
    return closure.Closure.read(root, closure.outside(root, link.readlink()))


def _default(root: Path | None) -> closure.Closure | None:
    path = loader.next_boot(root) if root else None
    return closure.Closure.read(root, path) if root and path else None


def _data(root: Path) -> tuple[str, str] | None:
    path = root / service.DATA / "member.json"
    if not path.exists():
        return None
    member = json.loads(path.read_bytes())
    return member["cluster"], member["id"]


def other_disks_untouched(before: Scene, after: Scene, touched: Iterable[str]) -> list[str]:
    """No disk changes its content but those of hosts that were to be installed."""
    allowed = set(touched)
    return [
        f"{name}: disk {serial} was formatted"
        for (name, serial), content in before.contents.items()
        if name not in allowed and after.contents.get((name, serial), content) != content
    ]


def formatted_at_most_once(before: Scene, after: Scene, licensed: Iterable[str]) -> list[str]:
    """A disk from which a system of ours has run is formatted only with a licence, and once with one.

    An installation that never got as far as running may format again what it formatted itself.
    """
    licences, faults = set(licensed), []
    running = {name for name, machine in before.machines.items() if machine.system == "nixos"}
    for event in after.events[len(before.events) :]:
        if event.step == "boot" and event.detail == "nixos":
            running.add(event.machine)
        if event.step == "format" and event.machine in running:
            running.discard(event.machine)
            if event.machine not in licences:
                faults.append(f"{event.machine}: a disk with a running system was formatted ({event.detail})")
            licences.discard(event.machine)
    return faults


def one_cluster(before: Scene, after: Scene) -> list[str]:
    """Where there was a cluster, there is no other one; where there was none, there is one at most."""
    known = set(before.clusters) or {min(after.clusters, default="")}
    return [f"a second cluster: {name}" for name in sorted(set(after.clusters) - known)]


def one_leader(scene: Scene) -> list[str]:
    """At most one cluster has a leader, a voter of it, and no server has data of another cluster than that one."""
    led = {name: cluster for name, cluster in scene.clusters.items() if cluster.get("leader")}
    if len(led) > 1:
        told = ", ".join(f"{cluster['leader']} in {name}" for name, cluster in sorted(led.items()))
        return [f"{len(led)} leaders: {told}"]
    return [fault for name, cluster in led.items() for fault in _astray(scene, name, cluster)]


def _astray(scene: Scene, name: str, cluster: Mapping[str, Any]) -> Iterable[str]:
    leader, members = cluster["leader"], cluster["members"]
    if leader not in members or members[leader]["learner"]:
        yield f"{leader} leads {name} and is no voter of it"
    for host, (other, _) in sorted(scene.data.items()):
        if other != name:
            yield f"{host}: its etcd is of {other}, and {leader} leads {name}"


def quorum_kept(before: Scene, after: Scene) -> list[str]:
    """A cluster that can bear the loss of a member never loses its quorum."""
    large = {name for name, cluster in before.clusters.items() if len(cluster["members"]) >= QUORUM}
    new = after.events[len(before.events) :]
    return [f"{event.detail} lost its quorum" for event in new if event.step == "quorum lost" and event.detail in large]


def copies_kept(before: Scene, after: Scene) -> list[str]:
    """No volume that wants several copies is without a healthy one at any time."""
    several = {
        volume["metadata"]["name"]
        for cluster in after.clusters.values()
        for volume in longhorn.VOLUME.all(dict(cluster))
        if volume["spec"]["numberOfReplicas"] > 1
    }
    new = after.events[len(before.events) :]
    lost = [event.detail for event in new if event.step == "volume faulted" and event.detail in several]
    return [f"volume {name} lost its last copy" for name in lost]


def healthy(scene: Scene) -> list[str]:
    """Everything is as the contract says; the answer is what is not."""
    faults = [f"{name}: {fault}" for name in scene.hosts for fault in _host_faults(scene, name)]
    if len(scene.clusters) != 1:
        return [*faults, f"clusters: {', '.join(scene.clusters) or 'none'}"]
    (cluster,) = scene.clusters.values()
    servers = {name for name, host in scene.hosts.items() if host["role"] == "server"}
    if set(cluster["members"]) != servers:
        faults.append(f"members of etcd are {sorted(cluster['members'])}, servers are {sorted(servers)}")
    if set(cluster["nodes"]) != set(scene.hosts):
        faults.append(f"nodes are {sorted(cluster['nodes'])}, hosts are {sorted(scene.hosts)}")
    if not cluster["available"]:
        faults.append("the cluster does not answer")
    elif not cluster["leader"]:
        faults.append("etcd has no leader")
    known = {host: member["id"] for host, member in cluster["members"].items()}
    there = {host: ident for host, (_, ident) in scene.data.items() if host in servers}
    if known != there:
        faults.append(f"members of etcd are {known}, and the servers' disks say {there}")
    faults += [
        f"node {name}: {fault}" for name, node in cluster["nodes"].items() for fault in _node_faults(scene, node)
    ]
    for volume in longhorn.VOLUME.all(dict(cluster)):
        if volume["status"]["robustness"] in ("degraded", "faulted"):
            faults.append(f"volume {volume['metadata']['name']} is {volume['status']['robustness']}")
    return faults


def _host_faults(scene: Scene, name: str) -> Iterable[str]:
    machine = scene.machines.get(name)
    if machine is None:
        return ["there is no machine"]
    if not machine.power or machine.system != "nixos":
        return [f"power {machine.power}, runs {machine.system}"]
    faults = []
    for what, found in (("runs", scene.current[name]), ("boots next", scene.default[name])):
        shared = {fact: value for fact, value in scene.contract["cluster"].items() if fact not in UNREAD}
        wanted = scene.contract["hosts"][name], shared
        if found is None or (found.entry, found.cluster) != wanted:
            faults.append(f"{what} {found.path if found else 'nothing of ours'}, not what the contract means")
    armed = [unit for unit in machine.units if unit.startswith("nixfleet-rollback")]
    if armed:
        faults.append(f"its watchdog is armed ({', '.join(armed)})")
    return faults


def _node_faults(scene: Scene, node: Mapping[str, Any]) -> Iterable[str]:
    version = scene.contract["cluster"]["k3sVersion"]
    if condition(dict(node), "Ready") != "True":
        yield "not Ready"
    if node["status"].get("nodeInfo", {}).get("kubeletVersion") != version:
        yield f"not on {version}"
    if node["spec"].get("unschedulable"):
        yield "cordoned"


def truthful(ok: bool, after: Scene) -> list[str]:  # noqa: FBT001 - the one thing that it judges
    """A run that ends well left everything well."""
    return [f"the run ended with 0, and {fault}" for fault in healthy(after)] if ok else []


@dataclass(frozen=True)
class Told:
    """What a failed run must say somewhere."""

    host: str
    phases: tuple[str, ...]
    """One of them; for a cloud's error, words of it."""


def named(ok: bool, errors: Iterable[str], wanted: Iterable[Told]) -> list[str]:  # noqa: FBT001 - see above
    """A run that fails says which host, and in which phase."""
    if ok:
        return []
    lines = list(errors)
    return [
        f"no error names {told.host} with one of {', '.join(told.phases)}: {lines}"
        for told in wanted
        if not any(_names(line, told) for line in lines)
    ]


def _names(line: str, told: Told) -> bool:
    # As a word: a store path may have any letters in it.
    host = re.search(rf"(?<![\w-]){re.escape(told.host)}(?![\w-])", line)
    return bool(host) and any(phase in line for phase in told.phases)


def silent(texts: Iterable[str], secrets: Mapping[str, str]) -> list[str]:
    """No secret is in what is shown."""
    return [f"{what} is in the output" for what, secret in secrets.items() for text in texts if secret in text]


def secrets(site: Site) -> dict[str, str]:
    """Pieces of every secret of a site, by what they are of."""
    ring = site.ring
    found = {
        "the server token": ring.cluster.server_token,
        "the agent token": ring.cluster.agent_token,
        "the deploy key": ring.cluster.deploy_key.splitlines()[3],
    }
    return found | {f"the host key of {name}": keys.host_key.splitlines()[3] for name, keys in ring.hosts.items()}

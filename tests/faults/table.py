"""The faults: which host, which step, what happens there, and what the run must say of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sim.machines import longhorn, workloads
from sim.machines.longhorn.nodes import LABEL
from sim.machines.objects import DEFINITION
from sim.machines.workloads import Workload
from tests.faults.sites import board

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.site import Site
    from sim.world import FaultKind

State: TypeAlias = Literal["wrong key", "disk full", "clock behind", "off", "gone"]
"""What is wrong with a machine itself before the run; it is put right after it, unless it is gone for good."""

STATES: tuple[State, ...] = ("wrong key", "disk full", "clock behind", "off", "gone")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault."""

    host: str
    kind: FaultKind | State
    step: str = ""
    says: tuple[str, ...] = ()
    """Phases (or words of a cloud's error) of which one is named; empty: the run goes on to its end in spite of it."""

    at: str = ""
    """Where the step is, if that is not the host itself: another machine, or a cloud."""

    times: int = 1
    cure: str = ""
    """What the second run asks for before it goes on: a token, or that an unknown server is deleted. Empty: nothing."""

    def __str__(self) -> str:
        """For people."""
        return f"{self.host}: {self.kind}{f' at {self.step}' if self.step else ''}"


@dataclass(frozen=True, kw_only=True)
class Group:
    """Faults of one run: each hits another host, and none hides another."""

    name: str
    site: str
    """Which of the kept sites it begins from."""

    edit: Callable[[dict[str, Any]], object]
    """What the run is to bring about."""

    rows: tuple[Row, ...]
    installs: tuple[str, ...] = ()
    """Hosts whose disks may change."""

    pair: bool = False
    """Whether two members of etcd are left while the run works: one of them is updated at the price of a moment
    without a quorum, as there is none that could be spared."""

    setting: Callable[[Site], object] = lambda _: None
    """What the site has besides."""

    untouched: tuple[str, ...] = ()
    """Hosts whose turn comes later: the run does not begin with them any more."""


def agents(count: int) -> Callable[[dict[str, Any]], object]:
    """So many agents more."""

    def add(fleet: dict[str, Any]) -> None:
        servers = len(fleet["hosts"])
        for number in range(1, count + 1):
            fleet["hosts"][f"a{number}"] = board(servers + number, "agent")

    return add


def tuned(fleet: dict[str, Any]) -> None:
    """Another closure for every agent."""
    for name, host in fleet["hosts"].items():
        if name.startswith("a"):
            host["tuning"] = {"zramPercent": 33}


def two_at_a_time(fleet: dict[str, Any]) -> None:
    """The same, for two of them at a time."""
    tuned(fleet)
    fleet["rollout"]["batchSize"] = 2


def again(fleet: dict[str, Any]) -> None:
    """A token for every agent."""
    for name, host in fleet["hosts"].items():
        if name.startswith("a"):
            host["reinstall"] = f"{name}@again"


def everything(fleet: dict[str, Any]) -> None:
    """Another closure for every host."""
    fleet["timezone"] = "Europe/Rome"


def newer(fleet: dict[str, Any]) -> None:
    """The next patch of k3s, for every host."""
    fleet["cluster"]["k3sVersion"] = "v1.35.7+k3s1"


def with_volumes(made: Site) -> None:
    """Longhorn on all agents, with volumes that have two copies each, and a pod that uses one."""
    world, rack = made.stage.world, made.stage.rack
    (cluster,) = world.names("clusters")

    def settle() -> None:
        # The cluster's controllers work when a node comes.
        machine = rack.by_name("a6")
        assert machine is not None
        rack.reboot(machine.spec.id)
        rack.settle()

    with world.edit(cluster) as document:
        for kind in longhorn.KINDS:
            DEFINITION.add(document, "", kind.full)
        for host in ALL:
            document["nodes"][host]["metadata"]["labels"][LABEL] = "true"
    settle()
    with world.edit(cluster) as document:
        for name, hosts in (("first", ("a1", "a2")), ("second", ("a3", "a4"))):
            longhorn.add_volume(document, name, hosts)
    workloads.declare(world, cluster, Workload(name="db", kind="StatefulSet", volumes=("first",)))
    settle()


ALL = tuple(f"a{number}" for number in range(1, 7))

INSTALL = (
    Group(
        name="installation: tools",
        site="seed",
        edit=agents(6),
        installs=ALL,
        rows=(
            Row(host="a1", step="nixos-anywhere disko", kind="fail", says=("disko",)),
            Row(host="a2", step="nixos-anywhere install", kind="fail", says=("disko",)),
            Row(host="a3", step="nixos-anywhere reboot", kind="fail", says=("reboot",)),
            Row(host="a4", step="nixos-anywhere install", kind="slow"),
            Row(host="a5", step="nix build", kind="fail", says=("disko",)),
            Row(host="a6", step="nixos-anywhere install", kind="hang", says=("disko",)),
        ),
    ),
    Group(
        name="installation: machines",
        site="seed",
        edit=agents(6),
        installs=ALL,
        rows=(
            Row(host="a1", step="sim-disko", kind="disconnect", says=("disko",)),
            Row(host="a2", step="sim-receive", kind="fail", says=("disko",)),
            Row(host="a3", step="sim-install", kind="disconnect", says=("disko",)),
            Row(host="a4", step="lsblk", kind="fail", says=("guard", "disk")),
            Row(host="a5", step="ssh connect", kind="disconnect"),
            Row(host="a6", step="boot", kind="fail", says=("reboot",)),
        ),
    ),
    Group(
        # The note of whose installation it is went with the installer's memory. Nobody can tell such a disk from one
        # with a system that ran, so it is not formatted again without a word of its owner.
        name="installation: cut off after the format",
        site="seed",
        edit=agents(2),
        installs=ALL,
        rows=(
            Row(host="a1", step="sim-receive", kind="power", says=("disko",), cure="set reinstall: a1@"),
            Row(host="a2", step="sim-install", kind="reboot", says=("disko",), cure="set reinstall: a2@"),
        ),
    ),
    Group(
        name="installation: what is wrong beforehand",
        site="seed",
        edit=agents(6),
        installs=ALL,
        rows=(
            Row(host="a1", kind="wrong key", says=("contact",)),
            Row(host="a2", kind="off", says=("contact",)),
            Row(host="a3", kind="clock behind", says=("ready",)),
            Row(host="a4", step="k3s start", kind="fail", says=("ready",)),
            Row(host="a5", step="k3s start", kind="hang", says=("ready",)),
            Row(host="a6", step="lsblk", kind="slow"),
        ),
    ),
)
UPDATE = (
    Group(
        name="update of agents: tools and connections",
        site="agents",
        edit=tuned,
        rows=(
            Row(host="a1", step="nixos-rebuild copy", kind="fail", says=("copy",)),
            Row(host="a2", step="nix build", kind="fail", says=("copy",)),
            Row(host="a3", step="sim-receive", kind="disconnect", says=("copy",)),
            Row(host="a4", step="nix-env", kind="fail", says=("check",)),
            Row(host="a5", step="systemd-run", kind="fail", says=("activat", "arm")),
            Row(host="a6", step="ssh connect", kind="disconnect"),
        ),
    ),
    Group(
        name="update of agents: activation",
        site="agents",
        edit=tuned,
        rows=(
            Row(host="a1", step="activate", kind="fail", says=("activ", "rollback")),
            Row(host="a2", step="nix-env", kind="reboot", says=("check",)),
            Row(host="a3", step="sim-receive", kind="power", says=("copy",)),
            Row(host="a4", step="activate", kind="disconnect"),
            Row(host="a5", step="activate", kind="slow"),
            Row(host="a6", step="nixos-rebuild copy", kind="slow"),
        ),
    ),
    Group(
        name="update of agents: what is wrong beforehand",
        site="agents",
        edit=tuned,
        rows=(
            Row(host="a1", kind="wrong key", says=("look",)),
            # Off since before: it keeps nobody from going on, and is brought up to date at the end.
            Row(host="a2", kind="off"),
            Row(host="a3", kind="disk full", says=("copy",)),
            Row(host="a4", kind="clock behind"),
        ),
    ),
)
BATCHES = (
    Group(
        name="update of agents: the first batch fails",
        site="agents",
        edit=two_at_a_time,
        rows=(
            Row(host="a1", step="nixos-rebuild copy", kind="fail", says=("copy",)),
            Row(host="a2", step="activate", kind="slow"),
        ),
        untouched=("a3", "a4", "a5", "a6"),
    ),
)
STORAGE = (
    Group(
        # Both hosts of a volume are in one batch: each waits until the other one's copy is whole again.
        name="update of agents: volumes with two copies",
        site="agents",
        edit=newer,
        setting=with_volumes,
        rows=(
            Row(host="a1", at="longhorn", step="rebuild first", kind="slow", times=4),
            Row(host="a2", step="activate", kind="disconnect"),
            Row(host="a3", step="k3s start", kind="fail", says=("activ", "rollback", "ready")),
            Row(host="a4", step="nix-env", kind="reboot", says=("check",)),
        ),
    ),
)
AGAIN = (
    Group(
        name="recovery: a token, and something goes wrong",
        site="agents",
        edit=again,
        installs=ALL,
        rows=(
            Row(host="a1", step="nixos-anywhere kexec", kind="fail", says=("kexec",)),
            Row(host="a2", step="nixos-anywhere disko", kind="fail", says=("disko",)),
            Row(host="a3", step="nixos-anywhere reboot", kind="fail", says=("reboot",)),
            Row(host="a4", step="sim-kexec", kind="power", says=("kexec",)),
            Row(host="a5", step="nixos-anywhere install", kind="fail", says=("disko",)),
            Row(host="a6", kind="off", says=("contact",)),
        ),
    ),
)


SERVERS = (
    Group(
        name="update of servers: the last one's copy fails",
        site="trio",
        edit=everything,
        rows=(
            Row(host="s1", step="ssh connect", kind="disconnect"),
            Row(host="s2", step="activate", kind="disconnect"),
            Row(host="s3", step="nixos-rebuild copy", kind="fail", says=("copy",)),
        ),
    ),
    Group(
        name="update of servers: a reset in the middle",
        site="trio",
        edit=newer,
        rows=(
            Row(host="s1", step="activate", kind="slow"),
            Row(host="s2", step="nix-env", kind="reboot", says=("check",)),
        ),
    ),
    Group(
        name="update of servers: k3s does not start",
        site="trio",
        edit=newer,
        rows=(Row(host="s2", step="k3s start", kind="fail", says=("activ", "rollback", "ready")),),
    ),
    Group(
        name="update of servers: a power cut in the middle",
        site="trio",
        edit=everything,
        rows=(
            Row(host="s1", step="lsblk", kind="slow"),
            Row(host="s2", step="sim-receive", kind="power", says=("copy",)),
        ),
    ),
    Group(
        name="update of servers: another one is off",
        site="trio",
        edit=everything,
        rows=(Row(host="s3", kind="off", says=("quorum", "look")),),
    ),
    Group(
        name="recovery: a token on a server, and its old member stays",
        site="trio",
        edit=lambda fleet: fleet["hosts"]["s2"].update(reinstall="s2@again"),
        installs=("s2",),
        rows=(Row(host="s2", at="*", step="k3s kubectl --request-timeout=10s delete", kind="fail", says=("forget",)),),
    ),
    Group(
        name="recovery: a token on a server, and it is cut off while it is formatted",
        site="trio",
        edit=lambda fleet: fleet["hosts"]["s2"].update(reinstall="s2@again"),
        installs=("s2",),
        rows=(Row(host="s2", step="sim-install", kind="power", says=("disko",)),),
    ),
)


def workers(count: int) -> Callable[[dict[str, Any]], object]:
    """So many agents more, at Hetzner."""

    def add(fleet: dict[str, Any]) -> None:
        for number in range(1, count + 1):
            agent = {**fleet["hosts"]["s1"], "role": "agent", "address": f"10.20.0.{20 + number}"}
            fleet["hosts"][f"a{number}"] = agent

    return add


def api(name: str, row: Row) -> Group:
    """A fault of a cloud's API; the engine ends the run with the first one."""
    return Group(name=f"a cloud's API: {name}", site="cloud", edit=workers(1), installs=ALL, rows=(row,))


SERVER, NETWORK = "create Server a1-server", "create ServerNetwork a1-attachment"

CLOUDS = (
    api("no capacity", Row(host="a1", at="hcloud", step=SERVER, kind="fail", says=("no room",))),
    api("too many requests", Row(host="a1", at="hcloud", step=SERVER, kind="rate", says=("rate_limit_exceeded",))),
    api("broken", Row(host="a1", at="hcloud", step=SERVER, kind="error", says=("503",))),
    api("slow, and an attachment is refused", Row(host="a1", at="hcloud", step=NETWORK, kind="error", says=("503",))),
    api(
        "a lost answer",
        Row(host="a1", at="hcloud", step=SERVER, kind="disconnect", says=("EOF",), cure="make adopt"),
    ),
    Group(
        name="a cloud's machines",
        site="cloud",
        edit=workers(4),
        installs=ALL,
        rows=(
            Row(host="a1", step="sim-kexec", kind="power", says=("kexec",)),
            Row(host="a2", step="sim-kexec", kind="disconnect", says=("kexec",)),
            Row(host="a3", step="nixos-anywhere kexec", kind="slow"),
            Row(host="a4", step="sim-disko", kind="reboot", says=("disko",)),
        ),
    ),
)


def without(*names: str) -> Callable[[dict[str, Any]], object]:
    """These hosts leave."""

    def remove(fleet: dict[str, Any]) -> None:
        for name in names:
            del fleet["hosts"][name]
        fleet["cluster"]["allowEvenServers"] = True

    return remove


KUBECTL = "k3s kubectl --request-timeout=10s"

REMOVAL = (
    Group(
        name="removal of agents",
        site="agents",
        edit=without(*ALL),
        rows=(
            Row(host="a1", at="s1", step=f"{KUBECTL} drain a1", kind="fail", says=("drain",)),
            Row(host="a2", at="s1", step=f"{KUBECTL} delete node a2", kind="fail", says=("forget",)),
            Row(host="a3", kind="gone"),
            Row(host="a4", step="ssh connect", kind="disconnect"),
            Row(host="a5", step="systemctl stop k3s.service", kind="fail", says=("stop",)),
            Row(host="a6", at="s1", step=f"{KUBECTL} patch node a6", kind="disconnect", says=("drain",)),
        ),
    ),
    Group(
        name="removal of agents: more",
        site="agents",
        edit=without(*ALL),
        rows=(
            Row(host="a1", step="systemctl stop k3s.service", kind="reboot", says=("stop",)),
            Row(host="a2", at="s1", step=f"{KUBECTL} get node a2", kind="fail", says=("node", "drain")),
            Row(host="a3", at="s1", step=f"{KUBECTL} drain a3", kind="slow"),
            Row(host="a4", at="s1", step=f"{KUBECTL} -n kube-system delete secret a4.node-password.k3s", kind="fail"),
        ),
    ),
    Group(
        name="removal of a server: its member stays",
        site="trio",
        edit=without("s3"),
        rows=(Row(host="s3", at="*", step=f"{KUBECTL} annotate node s3", kind="fail", says=("member", "forget")),),
    ),
)


def renamed(fleet: dict[str, Any]) -> None:
    """Another server in the place of the third one; the others' systems know all servers, so they change too."""
    del fleet["hosts"]["s3"]
    fleet["hosts"]["s4"] = board(4, "server")


def new_disk(fleet: dict[str, Any]) -> None:
    """The seed has another disk: its machine boots the installer."""
    fleet["hosts"]["s1"]["disk"] |= {"device": "/dev/disk/by-id/nvme-SHELF1-NEW", "serial": "SHELF1-NEW"}


DEAD = (
    Group(
        name="a dead server is replaced under another name",
        site="trio",
        edit=renamed,
        installs=("s4",),
        pair=True,
        rows=(Row(host="s3", kind="gone"),),
    ),
    Group(
        name="a dead seed comes back with a new disk",
        site="trio",
        edit=new_disk,
        installs=("s1",),
        rows=(Row(host="s1", kind="gone"),),
    ),
)
GROUPS = (*INSTALL, *UPDATE, *BATCHES, *STORAGE, *AGAIN, *SERVERS, *CLOUDS, *REMOVAL, *DEAD)
ROWS = tuple(row for group in GROUPS for row in group.rows)

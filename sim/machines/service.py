"""The k3s unit of one host: its state, and where it keeps things. What a cluster makes of it is in kube.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import yaml

if TYPE_CHECKING:
    from pathlib import Path

    from sim.machines.closure import Closure

STATE = "var/lib/rancher/k3s"
SECRETS = "etc/nixfleet/secrets"
PEERS = "etc/nixfleet/mesh.json"
WIREGUARD_KEY = f"{SECRETS}/wireguard-key"
WATCHED = (PEERS, WIREGUARD_KEY, f"{SECRETS}/server-token", f"{SECRETS}/agent-token")
KUBECONFIG = "etc/rancher/k3s/k3s.yaml"
PASSWORD = "etc/rancher/node/password"  # noqa: S105 - a path
JOINED = f"{STATE}/agent/etc/k3s-agent-load-balancer.json"
"""Where an agent keeps the servers that it knows; here the name of their cluster."""

DATA = f"{STATE}/server/db/etcd"
"""etcd's data of a server."""

TOMBSTONE = f"{DATA}/tombstone"
"""k3s writes it where its member was removed; the next start takes the data away and joins again."""

FLAG = f"{STATE}/server/db/reset-flag"
"""Left by a reset of the cluster until k3s has started without one."""

FORM = "etc/nixfleet/form"
"""The mark by which an installation asks a seed to form the cluster."""

RELEASED = "etc/nixfleet/released"
"""While it is there, k3s' unit does not start (nix/modules/k3s/unit.nix)."""

OVERRIDES = "etc/rancher/k3s/config.yaml.d"
CONTROL = "run/systemd/system/k3s.service.d"
"""Where a drop-in of this boot changes the unit."""


def file_stamp(path: Path) -> tuple[int, int] | None:
    """Changes whenever the file is written or replaced; None without a file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_ino


@dataclass(kw_only=True)
class Service:
    """The k3s unit of one host."""

    machine: str
    root: Path
    closure: Closure
    state: Literal["activating", "active", "failed"] = "activating"
    reason: str = ""
    """Last line of its log."""

    clock: int = 0
    """How many seconds its host's clock was ahead when it started."""

    waiting: bool = False
    """What runs before k3s itself starts has not ended yet."""

    frozen: bool = False
    """A fault: it never gets further."""

    member_of: str | None = None
    """Cluster whose etcd member runs here."""

    seen: tuple[tuple[int, int] | None, ...] = ()
    """The stamp that it had when it last tried to join."""

    @property
    def host(self) -> str:
        """Name of the node."""
        return self.closure.host

    @property
    def server(self) -> bool:
        """Whether it runs the control plane."""
        return bool(self.closure.entry["role"] == "server")

    @property
    def seed(self) -> bool:
        """Whether its system is the seed's."""
        return self.server and self.host == self.closure.cluster["seed"]

    @property
    def new(self) -> bool:
        """Whether it has no data of a cluster that it is in."""
        return not (self.root / DATA).exists() or (self.root / TOMBSTONE).exists()

    def flags(self) -> dict[str, Any]:
        """What k3s' configuration says of forming and joining, the folder of overrides included."""
        join = {"server": f"https://{self.closure.cluster['join']}:6443"}
        found: dict[str, Any] = {"cluster-init": True} if self.seed else join
        for path in sorted((self.root / OVERRIDES).glob("*.yaml")):
            found |= yaml.safe_load(path.read_text())
        return found

    @property
    def restarts(self) -> bool:
        """Whether systemd starts it again when it ends by itself."""
        return not any("Restart=no" in path.read_text() for path in (self.root / CONTROL).glob("*.conf"))

    def stamp(self) -> tuple[tuple[int, int] | None, ...]:
        """Changes whenever a file of the host does that decides whether it can join."""
        return tuple(file_stamp(self.root / name) for name in WATCHED)

    def secret(self, name: str) -> str | None:
        """One of the tokens that were laid on the host; None if it is not there."""
        path = self.root / SECRETS / name
        return path.read_text().strip() if path.exists() else None

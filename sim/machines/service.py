"""The k3s unit of one host: its state, and where it keeps things. What a cluster makes of it is in kube.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

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

    def stamp(self) -> tuple[tuple[int, int] | None, ...]:
        """Changes whenever a file of the host does that decides whether it can join."""
        return tuple(file_stamp(self.root / name) for name in WATCHED)

    def secret(self, name: str) -> str | None:
        """One of the tokens that were laid on the host; None if it is not there."""
        path = self.root / SECRETS / name
        return path.read_text().strip() if path.exists() else None

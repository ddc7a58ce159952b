"""One call: which stack, which host, where it answers. Facts come from the contract, addresses by environment."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from fleet.contract.facts import ClusterFacts, Contract, HostFacts
from hostops.failure import Code, Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostops.journal import Journal
    from hostops.keyring import Secrets
    from hostops.lease import Leases
    from hostops.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long is waited, in seconds; the environment has them from the stack's `rollout`."""

    install: float = 3600
    """A whole installation."""

    ready: float = 900
    """For a node to be Ready."""

    contact: float = 600
    """For a machine's first answer."""

    answer: float = 60
    """For an answer of a host that is up."""

    switch: float = 14400
    """A whole switch, the way back included; what it is made of is fleet/limits.py."""

    copy: float = 3600
    """For building a system and copying it to its host."""

    drain: float = 600
    """For a node's pods to go elsewhere."""

    leave: float = 3600
    """For a host to leave its cluster, the move of its volumes included."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Limits:
        """From NIXFLEET_INSTALL_SECONDS, NIXFLEET_READY_SECONDS and so on, one variable per field."""
        found = {}
        for name in ("install", "ready", "contact", "answer", "drain", "leave"):
            variable = f"NIXFLEET_{name.upper()}_SECONDS"
            text = environment.get(variable, "")
            if text and not (text.isdigit() and int(text)):
                raise Failure(Code.USAGE, "environment", f"{variable} is {text!r}; give whole seconds, 1 or more")
            if text:
                found[name] = float(text)
        return cls(**found)


@dataclass(frozen=True, kw_only=True)
class Task:
    """All that a verb works with."""

    contract: Contract
    secrets: Secrets
    workspace: Workspace
    journal: Journal
    limits: Limits = Limits()
    environment: Mapping[str, str] = field(default_factory=dict)
    held: tuple[int, ...] = ()
    """Descriptors of locks, which tools keep open too."""

    leases: Leases | None = None
    """Leases on the hosts that this call changes; None: it changes none."""

    peers: Mapping[str, str] = field(default_factory=dict)
    """Addresses where hosts answer, by name, as the clouds gave them."""

    @property
    def stack(self) -> str:
        """The stack's name."""
        return self.contract.stack

    @property
    def cluster(self) -> ClusterFacts:
        """What every host of the cluster knows."""
        return self.contract.cluster

    def host(self, name: str) -> HostFacts:
        """The contract's entry of a host; raises Failure for a stranger."""
        if name not in self.contract.hosts:
            known = ", ".join(sorted(self.contract.hosts))
            raise Failure(Code.USAGE, "contract", f"stack {self.stack} has no host {name!r}; its hosts are {known}")
        return self.contract.hosts[name]

    def address(self, name: str) -> str | None:
        """Where SSH of that host answers; None if nobody said."""
        given = self.peers.get(name)
        stated = self.host(name).ssh_address
        return given or (str(stated) if stated else None)

    @property
    def formation(self) -> tuple[str, ...]:
        """Servers in the order in which they form the cluster."""
        return (self.cluster.seed, *sorted(set(self.cluster.servers) - {self.cluster.seed}))


def load_contract(stack: str, environment: Mapping[str, str]) -> Contract:
    """The contract of a stack from the folder NIXFLEET_CONTRACTS; raises Failure."""
    folder = Path(environment.get("NIXFLEET_CONTRACTS") or ROOT / "nix" / "fleet")
    path = folder / f"{stack}.json"
    cure = f"make it with: make contract STACK={stack}"
    try:
        contract = Contract.model_validate_json(path.read_bytes())
    except OSError as error:
        raise Failure(Code.USAGE, "contract", f"cannot read {path} ({error.strerror}); {cure}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "document"
        raise Failure(Code.USAGE, "contract", f"{path} is no contract ({where}: {first['msg']}); {cure}") from None
    if contract.stack != stack:
        raise Failure(Code.USAGE, "contract", f"{path} is the contract of stack {contract.stack!r}; {cure}")
    return contract


def read_peers(environment: Mapping[str, str], host: str | None) -> dict[str, str]:
    """Addresses by host from NIXFLEET_PEERS, and NIXFLEET_ADDRESS for the host of this call."""
    text = environment.get("NIXFLEET_PEERS") or "{}"
    try:
        peers = {name: str(peer["endpoint"]) for name, peer in json.loads(text).items() if peer.get("endpoint")}
    except (ValueError, AttributeError, TypeError):
        law = 'give an object such as {"node-1": {"endpoint": "192.0.2.7"}}'
        raise Failure(Code.USAGE, "environment", f"NIXFLEET_PEERS is no JSON object of peers; {law}") from None
    if host and environment.get("NIXFLEET_ADDRESS"):
        peers[host] = environment["NIXFLEET_ADDRESS"]
    return peers


def search_path() -> str:
    """PATH of this process."""
    return os.environ.get("PATH", os.defpath)

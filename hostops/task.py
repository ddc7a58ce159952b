"""One call: which stack, which host, where it answers. Facts come from the contract, addresses by environment."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from fleet.cluster import Rollout
from fleet.contract.facts import SCHEMA_VERSION, ClusterFacts, Contract, HostFacts
from fleet.durations import ANSWER_SECONDS, CONTACT_SECONDS, verb_seconds
from fleet.version import newer
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

    whole: float
    """The verb from its beginning to its end: every wait and every tool ends with it (process.end_within)."""

    ready: float = Rollout().ready_timeout_seconds
    """For a node to be Ready."""

    contact: float = CONTACT_SECONDS
    """For a machine's first answer."""

    answer: float = ANSWER_SECONDS
    """For an answer of a host that is up."""

    copy: float = Rollout().copy_timeout_seconds
    """For building a system and copying it to its host."""

    drain: float = Rollout().drain_timeout_seconds
    """For a node's pods to go elsewhere."""

    @classmethod
    def read(cls, environment: Mapping[str, str], verb: str, hosts: int) -> Limits:
        """From NIXFLEET_READY_SECONDS and so on, one variable per field, the whole under the verb's own name.

        What nobody said is as in a stack file that says nothing. `hosts`: how many the stack has.
        """
        found: dict[str, float] = {"whole": verb_seconds(Rollout(), hosts)[verb]}
        for name in (one.name for one in fields(cls)):
            variable = verb if name == "whole" else name
            text = environment.get(f"NIXFLEET_{variable.upper()}_SECONDS", "")
            if text and not (text.isdigit() and int(text)):
                said = f"NIXFLEET_{variable.upper()}_SECONDS is {text!r}"
                raise Failure(Code.USAGE, "environment", f"{said}; give whole seconds, 1 or more")
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
    limits: Limits
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
        text = path.read_bytes()
        _refuse_newer(path, text)
        contract = Contract.model_validate_json(text)
    except OSError as error:
        raise Failure(Code.USAGE, "contract", f"cannot read {path} ({error.strerror}); {cure}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "document"
        raise Failure(Code.USAGE, "contract", f"{path} is no contract ({where}: {first['msg']}); {cure}") from None
    if contract.stack != stack:
        raise Failure(Code.USAGE, "contract", f"{path} is the contract of stack {contract.stack!r}; {cure}")
    return contract


def _refuse_newer(path: Path, text: bytes) -> None:
    """A contract of a newer program is not made again by this one, which would misread it."""
    try:
        document = json.loads(text)
    except ValueError:
        return
    found = document.get("schemaVersion") if isinstance(document, dict) else None
    if later := newer("schemaVersion", found, SCHEMA_VERSION):
        raise Failure(Code.USAGE, "contract", f"{path}: {later.path}: {later.value}: {later.law}; {later.cure}")


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

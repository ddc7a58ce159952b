"""What a run works on: the stack's documents, read, held to their laws, and compared with what is committed.

Everything that can be refused is refused here, before the first resource is registered.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pulumi
from pydantic import ValidationError

from components import withheld
from components.clouds import load_clouds
from components.evaluation import closures, contents
from fleet.addons.longhorn import needs_credential
from fleet.contract.facts import contract, require_fresh
from fleet.document import read, read_fleet
from fleet.faults import Fault, FleetError
from fleet.keys.identities import Identities
from fleet.keys.pairs import BACKUP_KEY, BUCKET_KEY, BucketKeys, ClusterKeys, HostKeys, deploy_public, host_identity
from fleet.profiles import load_profiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fleet.contract.facts import Contract
    from fleet.network import Profile
    from fleet.settings import Fleet

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""


KNOWN_MACHINES = "NIXFLEET_KNOWN_MACHINES"
"""Holds, as JSON, the machines on which hosts were installed already."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """All that the program is a function of."""

    stack: str
    fleet: Fleet
    identities: Identities
    profiles: Mapping[str, Profile]
    """Network profiles by name."""

    contract: Contract
    closures: Mapping[str, str]
    """Closure key by host."""

    weights: Mapping[str, str]
    """What of its closure needs more than a restart of units, by host; empty where that is not known."""

    contents: Mapping[str, str]
    """Hash by host of all that its closure is a function of: what a preview without Nix can compare."""

    keys: Mapping[str, HostKeys] = field(repr=False)
    """Private halves by host."""

    cluster_keys: ClusterKeys = field(repr=False)
    bucket_keys: BucketKeys | None = field(repr=False)
    """Credential of the bucket for snapshots; None without a bucket."""

    backup_keys: BucketKeys | None = field(repr=False)
    """Credential of Longhorn's backup target; None where it needs none."""

    machines: Mapping[str, str] = field(default_factory=dict)
    """By host, the machine on which it was installed already, as far as the caller knows the state."""

    public: bool = False
    """Whether the private halves are stand-ins: in a preview that has none at hand."""

    quarter: str
    """The quarter of the year."""

    renewed: str
    """When credentials were last renewed by hand; empty: never."""

    @property
    def renewal(self) -> str:
        """What fetches credentials again when it changes."""
        return "-".join(filter(None, (self.quarter, self.renewed)))


def quarter(now: datetime) -> str:
    """The quarter of a year, for example `2026-q3`."""
    return f"{now.year}-q{(now.month + 2) // 3}"


def contracts_folder() -> Path:
    """Where the contracts are: NIXFLEET_CONTRACTS, else `nix/fleet`."""
    return ROOT / os.environ.get("NIXFLEET_CONTRACTS", "nix/fleet")


def _config(stack: str, config: pulumi.Config, key: str) -> object:
    document = config.get_object(key)
    if document is None:
        cure = f"add nixfleet:{key} to Pulumi.{stack}.yaml"
        if key == "identities":
            cure = f"run `make keys STACK={stack}`"
        fault = Fault(path=f"nixfleet:{key}", value="absent", law="a stack file has it", cure=cure)
        raise FleetError(f"Pulumi.{stack}.yaml", (fault,))
    return document


K = TypeVar("K", HostKeys, ClusterKeys, BucketKeys)


def _private(text: str | None, model: type[K]) -> K | None:
    if text is None:
        return None
    try:
        return model.model_validate_json(text)
    except ValidationError:
        return None  # the error would show the secret


def _key_faults(
    identities: Identities, hosts: Mapping[str, HostKeys | None], cluster: ClusterKeys | None
) -> Iterator[tuple[str, str]]:
    if identities.example:
        yield "identities.example", "true"
    if cluster is None:
        yield "clusterKeys", "absent or unreadable"
    elif deploy_public(cluster) != identities.deploy_key:
        yield "clusterKeys", "of another deploy key than identities.deployKey"
    for name, keys in hosts.items():
        if keys is None:
            yield f"keys-{name}", "absent or unreadable"
        elif host_identity(keys) != identities.hosts.get(name):
            yield f"keys-{name}", f"of other keys than identities.hosts.{name}"


def private_halves(
    stack: str, config: pulumi.Config, fleet: Fleet, identities: Identities
) -> tuple[dict[str, HostKeys], ClusterKeys]:
    """Private halves from the stack's secrets; raises FleetError when one is missing or is of another public half.

    A preview that has none of them gets stand-ins.
    """
    if withheld.absent(config, ("clusterKeys", *(f"keys-{name}" for name in fleet.hosts))):
        return dict.fromkeys(sorted(fleet.hosts), withheld.host_keys()), withheld.cluster_keys()
    hosts = {name: _private(config.get(f"keys-{name}"), HostKeys) for name in sorted(fleet.hosts)}
    cluster = _private(config.get("clusterKeys"), ClusterKeys)
    law = "each public half in the stack file has its private half beside it, as a secret"
    faults = tuple(
        Fault(path=f"nixfleet:{path}", value=value, law=law, cure=f"run `make keys STACK={stack}`")
        for path, value in _key_faults(identities, hosts, cluster)
    )
    if faults or cluster is None:
        raise FleetError(f"Pulumi.{stack}.yaml", faults)
    return {name: keys for name, keys in hosts.items() if keys}, cluster


def place_keys(stack: str, config: pulumi.Config, key: str, law: str) -> BucketKeys:
    """The credential of a place where copies go; raises FleetError where none is given."""
    word = key.partition(":")[2]
    if withheld.absent(config, ("clusterKeys", word)):
        return withheld.bucket_keys()
    keys = _private(config.get(word), BucketKeys)
    if keys is None:
        fault = Fault(
            path=key,
            value="absent or unreadable",
            law=law,
            cure=f"run `pulumi config set --secret {key} -s {stack}` and give it "
            '{"accessKey": "...", "secretKey": "..."}',
        )
        raise FleetError(f"Pulumi.{stack}.yaml", (fault,))
    return keys


def bucket_keys(stack: str, config: pulumi.Config, fleet: Fleet) -> BucketKeys | None:
    """The credential of the bucket for snapshots; None without a bucket."""
    if fleet.cluster.snapshot_bucket is None:
        return None
    return place_keys(stack, config, BUCKET_KEY, "a bucket for snapshots has its credential as a secret of the stack")


def backup_keys(stack: str, config: pulumi.Config, fleet: Fleet) -> BucketKeys | None:
    """The credential of Longhorn's backup target; None where it needs none."""
    if not needs_credential(fleet):
        return None
    return place_keys(stack, config, BACKUP_KEY, "a backup target has its credential as a secret of the stack")


def _load(stack: str, config: pulumi.Config) -> Inputs:
    source = f"Pulumi.{stack}.yaml"
    profiles = load_profiles(ROOT)
    fleet = read_fleet(_config(stack, config, "fleet"), source, profiles)
    identities = read(Identities, _config(stack, config, "identities"), source)
    keys, cluster_keys = private_halves(stack, config, fleet, identities)
    wanted = contract(stack, fleet, identities, profiles)
    require_fresh(contracts_folder() / f"{stack}.json", wanted)
    systems = closures(wanted, ROOT / "nix")
    return Inputs(
        stack=stack,
        fleet=fleet,
        identities=identities,
        profiles=profiles,
        contract=wanted,
        closures={name: system.closure for name, system in systems.items()},
        weights={name: system.weight for name, system in systems.items()},
        contents=contents(wanted, ROOT / "nix"),
        keys=keys,
        cluster_keys=cluster_keys,
        public=cluster_keys == withheld.cluster_keys(),
        bucket_keys=bucket_keys(stack, config, fleet),
        backup_keys=backup_keys(stack, config, fleet),
        machines=json.loads(os.environ.get(KNOWN_MACHINES) or "{}"),
        quarter=quarter(datetime.now(UTC)),
        renewed=config.get("renewed") or "",
    )


def load() -> Inputs:
    """Read the stack that is being run; raises RunError, which the engine shows without a traceback."""
    load_clouds()
    try:
        return _load(pulumi.get_stack(), pulumi.Config("nixfleet"))
    except FleetError as error:
        raise pulumi.RunError(str(error)) from None

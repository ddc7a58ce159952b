"""The stacks of the checkout with keys of their own, changed as a test likes, and what they register."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from components.clouds import load_clouds
from components.inputs import ROOT, Inputs
from components.outputs import export
from components.site import build
from fleet.addons.longhorn import needs_credential
from fleet.contract.facts import contract
from fleet.document import read_fleet
from fleet.keys.identities import Identities
from fleet.keys.pairs import (
    BucketKeys,
    ClusterKeys,
    HostKeys,
    deploy_public,
    host_identity,
    new_cluster_keys,
    new_host_keys,
)
from fleet.profiles import load_profiles
from tests.components.plan import Plan, record

Change = Callable[[dict[str, Any]], object]
Deploy = Callable[..., Plan]

PROFILES = load_profiles(ROOT)
BUCKET = BucketKeys(access_key="access-of-the-bucket", secret_key="secret-of-the-bucket")  # noqa: S106 - of no bucket

BACKUP = BucketKeys(access_key="account-of-backups", secret_key="key-of-backups")  # noqa: S106 - of no target


@cache
def host_keys(name: str) -> HostKeys:
    """Keys of a host, the same in every plan."""
    assert name
    return new_host_keys()


@cache
def cluster_keys() -> ClusterKeys:
    """Keys of every cluster; the deploy key never changes, as resources are named by it."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    return new_cluster_keys().model_copy(update={"deploy_key": pem})


def inputs_of(stack: str, change: Change | None = None) -> Inputs:
    """Inputs of a stack of the checkout, its document changed in place first."""
    document = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]["nixfleet:fleet"]
    if change:
        change(document)
    load_clouds()
    fleet = read_fleet(document, f"Pulumi.{stack}.yaml", PROFILES)
    identities = Identities(
        deploy_key=deploy_public(cluster_keys()),
        hosts={name: host_identity(host_keys(name)) for name in sorted(fleet.hosts)},
    )
    return Inputs(
        stack=stack,
        fleet=fleet,
        identities=identities,
        profiles=PROFILES,
        contract=contract(stack, fleet, identities, PROFILES),
        closures={name: f"content-{name}" for name in fleet.hosts},
        weights=dict.fromkeys(fleet.hosts, ""),
        contents={name: f"content-{name}" for name in fleet.hosts},
        keys={name: host_keys(name) for name in sorted(fleet.hosts)},
        cluster_keys=cluster_keys(),
        bucket_keys=BUCKET if fleet.cluster.snapshot_bucket else None,
        backup_keys=BACKUP if needs_credential(fleet) else None,
        quarter="2026-q3",
        renewed="",
    )


def addon(fleet: dict[str, Any], name: str, **settings: Any) -> None:
    """Set settings of an add-on in a document."""
    fleet.setdefault("addons", {}).setdefault(name, {}).update(settings)


def switched_off(fleet: dict[str, Any], name: str) -> None:
    """Switch an add-on off, and whatever the language does not allow without it."""
    addon(fleet, name, enabled=False)
    if name == "longhorn":
        addon(fleet, "smokeTest", enabled=False)
        for host in fleet["hosts"].values():
            host.pop("storage", None)
            host.pop("volume", None)


@cache
def recorded(stack: str, change: Change | None = None) -> Plan:
    """The plan of a stack; recorded once for each change."""
    inputs = inputs_of(stack, change)
    return record(lambda: export(inputs, build(inputs)), stack)

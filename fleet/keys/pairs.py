"""The fleet's keys: making what is missing, in memory. Encrypting and writing them is keystore.py's matter.

The only module of the package that is not a pure function of its arguments: it draws random numbers.
"""

from __future__ import annotations

import base64
import json
import secrets as random
from typing import TYPE_CHECKING, Annotated, overload

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)
from pydantic import Field

from fleet.keys.age import recipient
from fleet.keys.authority import new_authority
from fleet.keys.identities import HostIdentity, Identities
from fleet.model import Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CLUSTER_KEY = "nixfleet:clusterKeys"
"""Config key of the cluster's private halves."""

HOST_KEY_PREFIX = "nixfleet:keys-"
"""Config key of one host's private halves, before its name."""

BUCKET_KEY = "nixfleet:bucketKeys"
"""Config key of the credential of the bucket for snapshots."""

BACKUP_KEY = "nixfleet:backupKeys"
"""Config key of the credential of Longhorn's backup target."""

_TOKEN_BYTES = 32


class HostKeys(Model):
    """Private halves of one host, as they stand encrypted in the stack file."""

    host_key: str
    """OpenSSH PEM, ed25519."""

    bootstrap_key: str
    """OpenSSH PEM, ed25519."""

    wireguard_key: str
    """Base64, as `wg genkey` prints it."""


class ClusterKeys(Model):
    """Private halves and tokens of the cluster."""

    server_token: str
    agent_token: str
    deploy_key: str
    """OpenSSH PEM, ed25519."""

    former_deploy_key: str = ""
    """The one before it, while it is being replaced: some hosts let in this one, some that one. Empty otherwise."""

    authority: str = ""
    """Certificate of the cluster's own authority, PEM; empty: the stack's keys are of before, and tokens name none."""

    authority_key: str = ""
    """Its private half, PEM."""


class BucketKeys(Model):
    """Credential of a place where copies go: an account's name there, and its key."""

    access_key: Annotated[str, Field(min_length=1)]
    secret_key: Annotated[str, Field(min_length=1)]


def host_config_key(host: str) -> str:
    """Config key of the private halves of `host`."""
    return HOST_KEY_PREFIX + host


def _ssh_private() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def _ssh_public(pem: str) -> str:
    key = load_ssh_private_key(pem.encode(), password=None)
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def _wireguard_private() -> str:
    key = X25519PrivateKey.generate()
    return base64.b64encode(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())).decode()


def _wireguard_public(private: str) -> str:
    public = X25519PrivateKey.from_private_bytes(base64.b64decode(private)).public_key()
    return base64.b64encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def new_host_keys() -> HostKeys:
    """Fresh private halves of a host."""
    return HostKeys(host_key=_ssh_private(), bootstrap_key=_ssh_private(), wireguard_key=_wireguard_private())


def new_cluster_keys() -> ClusterKeys:
    """Fresh tokens, a fresh deploy key and a fresh authority."""
    certificate, key = new_authority()
    return ClusterKeys(
        authority=certificate,
        authority_key=key,
        server_token=random.token_hex(_TOKEN_BYTES),
        agent_token=random.token_hex(_TOKEN_BYTES),
        deploy_key=_ssh_private(),
    )


def another_host_key(own: HostKeys) -> HostKeys:
    """The same with a fresh SSH host key."""
    return own.model_copy(update={"host_key": _ssh_private()})


def another_wireguard_key(own: HostKeys) -> HostKeys:
    """The same with a fresh WireGuard key."""
    return own.model_copy(update={"wireguard_key": _wireguard_private()})


def other_tokens(own: ClusterKeys) -> ClusterKeys:
    """The same with fresh tokens."""
    fresh = {"server_token": random.token_hex(_TOKEN_BYTES), "agent_token": random.token_hex(_TOKEN_BYTES)}
    return own.model_copy(update=fresh)


def another_deploy_key(own: ClusterKeys) -> ClusterKeys:
    """The same with a fresh deploy key; the present one is the former."""
    return own.model_copy(update={"deploy_key": _ssh_private(), "former_deploy_key": own.deploy_key})


def host_identity(keys: HostKeys) -> HostIdentity:
    """Public halves of a host's keys."""
    host_key = _ssh_public(keys.host_key)
    return HostIdentity(
        host_key=host_key,
        bootstrap_key=_ssh_public(keys.bootstrap_key),
        wireguard_key=_wireguard_public(keys.wireguard_key),
        age_recipient=recipient(host_key),
    )


def deploy_public(keys: ClusterKeys) -> str:
    """Public half of the deploy key."""
    return _ssh_public(keys.deploy_key)


def logins(cluster: ClusterKeys) -> dict[str, str]:
    """Private keys that hosts let in, by their names on hostops' stdin."""
    former = {"formerDeployKey": cluster.former_deploy_key} if cluster.former_deploy_key else {}
    return {"deployKey": cluster.deploy_key, **former}


def authority_of(cluster: ClusterKeys) -> dict[str, str]:
    """The cluster's authority, by its names on hostops' stdin; nothing for keys of before."""
    found = {"authority": cluster.authority, "authorityKey": cluster.authority_key}
    return {name: text for name, text in found.items() if text}


def as_secret(keys: HostKeys | ClusterKeys) -> str:
    """The value of the config secret: one line of JSON."""
    # What is not there is no secret.
    return json.dumps(keys.model_dump(mode="json", exclude_defaults=True), sort_keys=True)


@overload
def read_secret(host: None, secrets: Mapping[str, str]) -> ClusterKeys: ...


@overload
def read_secret(host: str, secrets: Mapping[str, str]) -> HostKeys: ...


def read_secret(host: str | None, secrets: Mapping[str, str]) -> HostKeys | ClusterKeys:
    """The private halves of `host` (None: of the cluster) in decrypted config secrets."""
    if host is None:
        return ClusterKeys.model_validate_json(secrets[CLUSTER_KEY])
    return HostKeys.model_validate_json(secrets[host_config_key(host)])


def make_identities(hosts: Iterable[str]) -> tuple[Identities, dict[str, str]]:
    """A whole fresh set for these hosts: public halves, and the config secrets by their keys."""
    cluster = new_cluster_keys()
    private = {name: new_host_keys() for name in sorted(hosts)}
    identities = Identities(
        deploy_key=deploy_public(cluster),
        hosts={name: host_identity(keys) for name, keys in private.items()},
    )
    secrets = {host_config_key(name): as_secret(keys) for name, keys in private.items()}
    return identities, {CLUSTER_KEY: as_secret(cluster), **secrets}

"""A stack's own file with throwaway keys: everything else in it stays as it is. Where it is put is site.py's matter."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fleet import stackfile
from fleet.keys import pairs
from fleet.keys.identities import Identities
from sim.passphrase import Passphrase

PASSPHRASE = "throwaway"  # noqa: S105  no secret, see below
"""It guards nothing: it and the secrets under it live as long as the folder that they are in."""

COPIES = '{"accessKey": "simulated-access", "secretKey": "simulated-secret"}'
CREDENTIALS = {
    "hcloud:token": "0" * 64,
    pairs.BACKUP_KEY: COPIES,
    pairs.BUCKET_KEY: COPIES,
}
"""Credentials that must have a form; the others may be any text."""


ENDPOINTS = ("hcloud:endpoint", "ovh:endpoint")
"""Where the real clouds answer: nothing simulated may ask there."""


@dataclass
class Ring:
    """The keys of one throwaway stack: a host keeps its keys as long as the ring lives, a new one gets new ones."""

    vault: Passphrase = field(default_factory=lambda: Passphrase(PASSPHRASE, os.urandom(8)))
    cluster: pairs.ClusterKeys = field(default_factory=pairs.new_cluster_keys)
    hosts: dict[str, pairs.HostKeys] = field(default_factory=dict)

    def identities(self, names: tuple[str, ...]) -> Identities:
        """Public halves of these hosts, made where they are missing."""
        for name in names:
            if name not in self.hosts:
                self.hosts[name] = pairs.new_host_keys()
        return Identities(
            deploy_key=pairs.deploy_public(self.cluster),
            hosts={name: pairs.host_identity(self.hosts[name]) for name in names},
        )

    def secrets(self, names: tuple[str, ...]) -> dict[str, str]:
        """Private halves by config key."""
        own = {pairs.host_config_key(name): pairs.as_secret(self.hosts[name]) for name in names}
        return {pairs.CLUSTER_KEY: pairs.as_secret(self.cluster), **own}


def _is_secret(value: object) -> bool:
    return isinstance(value, Mapping) and set(value) == {"secure"}


def throwaway(config: Mapping[str, Any], ring: Ring) -> dict[str, Any]:
    """The whole stack document: `config` with the ring's identities and secrets; other secrets become dummies."""
    names = tuple(sorted(config[stackfile.FLEET_KEY]["hosts"]))
    identities = ring.identities(names)
    secrets = {key: CREDENTIALS.get(key, "simulated") for key, value in config.items() if _is_secret(value)}
    # Keys of hosts that the file no longer has must not stay: the engine would try to open them.
    secrets = {key: value for key, value in secrets.items() if not key.startswith(pairs.HOST_KEY_PREFIX)}
    # Where copies go, the stack needs a credential; a file that was never run for real may have none yet.
    secrets |= {pairs.BACKUP_KEY: COPIES, pairs.BUCKET_KEY: COPIES, **ring.secrets(names)}
    clear = {key: value for key, value in config.items() if not _is_secret(value) and key not in ENDPOINTS}
    return {
        "encryptionsalt": ring.vault.encryption_salt,
        "config": {
            **clear,
            stackfile.IDENTITIES_KEY: identities.model_dump(mode="json"),
            **{key: {"secure": ring.vault.encrypt(value)} for key, value in sorted(secrets.items())},
        },
    }

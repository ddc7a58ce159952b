"""New keys for a stack that runs: what the stack file says before, while and after hosts take them.

Each step is one whole write of the stack file, so that a rotation that was killed goes on from what the file says. How
the keys reach the hosts is hostops/rotate.py, the order of it all operate/rotate.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from fleet import stackfile
from fleet.document import read
from fleet.files import read_text, refused, write_whole
from fleet.keys import pairs
from fleet.keys.encryption import PROVIDER_KEYS, Vault
from fleet.keys.identities import Identities
from fleet.keys.keystore import project_name
from fleet.yamltext import set_config, set_scalar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MARK = "nixfleet:rotation"
"""Config key that says which rotation is on its way."""

RENEWED = "nixfleet:renewed"
"""Config key whose change has the administrator's kubeconfig fetched again."""

NEXT = "nixfleet:next-"
"""Config key of private halves that hosts are taking, before the name of those that they replace."""


class What(StrEnum):
    """What can be rotated."""

    HOSTKEY = "hostkey"
    WIREGUARD = "wireguard"
    TOKENS = "tokens"
    DEPLOYKEY = "deploykey"
    KUBECONFIG = "kubeconfig"
    ADMIN = "admin"


OF_A_HOST = (What.HOSTKEY, What.WIREGUARD)


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """One rotation of one stack."""

    stack: str
    root: Path
    """Where the stack file is."""

    environment: Mapping[str, str]
    what: What
    subject: str = ""
    """Host, or user and device; empty where it is the stack's."""

    @property
    def path(self) -> Path:
        """The stack file."""
        return stackfile.path_of(self.stack, self.root)

    def config(self) -> dict[str, Any]:
        """The stack file's configuration as it is now."""
        return stackfile.config_of(self.path, read_text(self.path))

    @property
    def begun(self) -> bool:
        """Whether this rotation is on its way; raises FleetError while another one is."""
        mark = self.config().get(MARK)
        if mark is None:
            return False
        if mark == self._mark():
            return True
        words = " ".join(f"{name}={value}" for name, value in mark.items() if value)
        raise refused(
            self.path.name,
            MARK,
            words,
            "one rotation ends before the next one begins",
            f"finish it first: make rotate {words} STACK={self.stack}",
        )

    def _mark(self) -> dict[str, str]:
        name = "HOST" if self.what in OF_A_HOST else "ADMIN"
        return {"WHAT": self.what.value, **({name: self.subject} if self.subject else {})}

    @property
    def own(self) -> str:
        """Config key of the private halves that it replaces."""
        return pairs.host_config_key(self.subject) if self.what in OF_A_HOST else pairs.CLUSTER_KEY

    @property
    def next(self) -> str:
        """Config key of those that replace them, while hosts take them."""
        return NEXT + self.own.partition(":")[2]

    @property
    def taken(self) -> bool:
        """Whether the hosts have what was to be brought to them."""
        return self.next not in self.config()

    def secret(self, key: str) -> str:
        """A secret of the stack file in clear."""
        with self._vault() as vault:
            return vault.decrypt({key: self.config()[key]["secure"]})[key]

    def cluster_keys(self, key: str = pairs.CLUSTER_KEY) -> pairs.ClusterKeys:
        """Private halves of the cluster."""
        return pairs.ClusterKeys.model_validate_json(self.secret(key))

    def host_keys(self, key: str) -> pairs.HostKeys:
        """Private halves of a host."""
        return pairs.HostKeys.model_validate_json(self.secret(key))

    def begin(
        self, secrets: Mapping[str, str], *, text: str | None = None, identities: Identities | None = None
    ) -> None:
        """Write the first step: the mark, and these secrets; `text` replaces the file's own."""
        text = text if text is not None else read_text(self.path)
        mark = [f"  {name}: {value}" for name, value in self._mark().items()]
        self._write(set_config(text, MARK, mark), secrets, identities)

    def settle(self, secrets: Mapping[str, str], identities: Identities | None = None) -> None:
        """Write that these are the keys from now on, and that none is on its way any more."""
        text = set_config(read_text(self.path), self.next, None)
        self._write(text, secrets, identities)

    def note(self, key: str, value: str) -> None:
        """Write a word that is no secret."""
        write_whole(self.path, set_scalar(read_text(self.path), key, value))

    def end(self) -> None:
        """Write that the rotation is over."""
        write_whole(self.path, set_config(read_text(self.path), MARK, None))

    def identities(self) -> Identities:
        """Public halves as they stand in the stack file."""
        return read(Identities, self.config()[stackfile.IDENTITIES_KEY], self.path.name)

    def _vault(self) -> Vault:
        document = stackfile.document_of(self.path, read_text(self.path))
        known = document if isinstance(document, dict) else {}
        provider = {key: str(known[key]) for key in PROVIDER_KEYS if key in known}
        return Vault(project_name(self.root), self.stack, provider, self.environment)

    def _write(self, text: str, secrets: Mapping[str, str], identities: Identities | None) -> None:
        ciphertexts: dict[str, str] = {}
        if secrets:
            with self._vault() as vault:
                ciphertexts = vault.encrypt(secrets)
        whole = stackfile.replace_identities(text, identities or self.identities(), ciphertexts, {})
        write_whole(self.path, whole)


def with_host(identities: Identities, host: str, own: pairs.HostKeys) -> Identities:
    """The public halves with those of other keys for one host."""
    return identities.model_copy(update={"hosts": {**identities.hosts, host: pairs.host_identity(own)}})


def with_deploy_key(identities: Identities, cluster: pairs.ClusterKeys) -> Identities:
    """The public halves with another deploy key."""
    return identities.model_copy(update={"deploy_key": pairs.deploy_public(cluster)})


def with_admin_key(text: str, old: str, new: str) -> str:
    """The stack file with another public key of a person; every other byte stays."""
    return text.replace(old, new)

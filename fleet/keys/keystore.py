"""`make keys`: creates what is missing in a stack file, never overwrites, and writes all of it in one step.

A set that says `example` has private halves nowhere: it is replaced as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fleet import stackfile
from fleet.document import read
from fleet.faults import Fault, FleetError
from fleet.files import read_text, write_whole
from fleet.keys import pairs
from fleet.keys.encryption import PROVIDER_KEYS, EncryptionError, Vault
from fleet.keys.identities import HostIdentity, Identities
from fleet.profiles import load_profiles

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a stack file lacks."""

    new_hosts: tuple[str, ...]
    """Hosts with neither half: they get fresh keys."""

    restored: tuple[str, ...]
    """Config keys with a private half only: their public halves are derived."""

    new_cluster: bool
    dropped: tuple[str, ...]
    """Hosts of an example set: their public halves belong to nobody."""

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.new_hosts or self.restored or self.new_cluster or self.dropped)

    def lines(self) -> tuple[str, ...]:
        """What is done, for people."""
        return (
            *(["the example keys are replaced"] if self.dropped else []),
            *(["made the cluster's tokens and deploy key"] if self.new_cluster else []),
            *(f"made the keys of {name}" for name in self.new_hosts),
            *(f"derived the public halves of {key}" for key in self.restored),
        )


def plan(hosts: tuple[str, ...], identities: Identities | None, private: frozenset[str], source: str) -> Plan:
    """Compare the public and the private halves; raises FleetError for public halves whose private halves are gone."""
    example = identities is not None and identities.example
    public = set(identities.hosts) if identities and not example else set()
    lost = [name for name in sorted(public) if pairs.host_config_key(name) not in private]
    faults = [_lost(name) for name in lost]
    has_deploy = identities is not None and not example
    if has_deploy and pairs.CLUSTER_KEY not in private:
        faults.append(_lost_cluster())
    if faults:
        raise FleetError(source, tuple(faults))
    missing = [name for name in hosts if name not in public]
    restored = [key for name in missing if (key := pairs.host_config_key(name)) in private]
    if not has_deploy and pairs.CLUSTER_KEY in private:
        restored.append(pairs.CLUSTER_KEY)
    return Plan(
        new_hosts=tuple(name for name in missing if pairs.host_config_key(name) not in private),
        restored=tuple(sorted(restored)),
        new_cluster=pairs.CLUSTER_KEY not in private,
        dropped=tuple(sorted(identities.hosts)) if identities and example else (),
    )


def _lost(host: str) -> Fault:
    return Fault(
        path=pairs.host_config_key(host),
        value="absent",
        law=f"the public half of {host} has its private half beside it",
        cure=f"restore the secret, or remove {stackfile.IDENTITIES_KEY}.hosts.{host} on purpose to get new keys "
        "(the host is then unknown until it is installed again)",
    )


def _lost_cluster() -> Fault:
    return Fault(
        path=pairs.CLUSTER_KEY,
        value="absent",
        law="the public deploy key has its private half and the tokens beside it",
        cure=f"restore the secret, or remove {stackfile.IDENTITIES_KEY} as a whole on purpose to start over",
    )


def _top(path: Path) -> dict[str, Any]:
    document = stackfile.document_of(path, read_text(path))
    return document if isinstance(document, dict) else {}


def project_name(root: Path) -> str:
    """The project's name; it is no part of what is encrypted: any will do."""
    return str(_top(root / "Pulumi.yaml").get("name", "nixfleet"))


def _provider(path: Path, config: dict[str, Any]) -> dict[str, str]:
    document = _top(path)
    provider = {key: str(document[key]) for key in PROVIDER_KEYS if key in document}
    if not provider and stackfile.secret_keys(config):
        raise EncryptionError(
            f"{path.name} has secrets but neither encryptionsalt nor secretsprovider: the Pulumi service encrypts "
            "them; run `pulumi stack change-secrets-provider passphrase` once, then this again"
        )
    return provider


def _merged(
    identities: Identities | None,
    fresh: Mapping[str, pairs.HostKeys],
    cluster: pairs.ClusterKeys | None,
    hosts: tuple[str, ...],
) -> Identities:
    old = identities.hosts if identities and not identities.example else {}
    new: dict[str, HostIdentity] = {name: pairs.host_identity(value) for name, value in fresh.items()}
    deploy = pairs.deploy_public(cluster) if cluster else None
    return Identities(
        deploy_key=deploy or (identities.deploy_key if identities else ""),
        hosts={name: new.get(name) or old[name] for name in sorted({*hosts, *old})},
    )


def complete(stack: str, root: Path, environment: Mapping[str, str]) -> Plan:
    """Create what the stack file lacks and write it in one step; returns what was done."""
    path = stackfile.path_of(stack, root)
    text = read_text(path)
    config = stackfile.config_of(path, text)
    fleet = stackfile.fleet_of(path, config, load_profiles(root))
    hosts = tuple(sorted(fleet.hosts))
    block = config.get(stackfile.IDENTITIES_KEY)
    identities = read(Identities, block, path.name) if block is not None else None
    todo = plan(hosts, identities, stackfile.secret_keys(config), path.name)
    if not todo:
        return todo
    fresh = {name: pairs.new_host_keys() for name in todo.new_hosts}
    cluster = pairs.new_cluster_keys() if todo.new_cluster else None
    secrets = {pairs.host_config_key(name): pairs.as_secret(value) for name, value in fresh.items()}
    if cluster:
        secrets[pairs.CLUSTER_KEY] = pairs.as_secret(cluster)
    with Vault(project_name(root), stack, _provider(path, config), environment) as vault:
        ciphertexts, provider = vault.encrypt(secrets), vault.provider
        clear = vault.decrypt({key: config[key]["secure"] for key in todo.restored}) if todo.restored else {}
    if pairs.CLUSTER_KEY in clear:
        cluster = pairs.read_secret(None, clear)
    for key in sorted(set(clear) - {pairs.CLUSTER_KEY}):
        name = key.removeprefix(pairs.HOST_KEY_PREFIX)
        fresh[name] = pairs.read_secret(name, clear)
    merged = _merged(identities, fresh, cluster, hosts)
    write_whole(path, stackfile.replace_identities(text, merged, ciphertexts, provider))
    return todo

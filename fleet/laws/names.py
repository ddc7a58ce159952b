"""Laws of names: hosts, node labels, taints, reinstall tokens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fleet.faults import Fault
from fleet.laws.law import Profiles, law

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.hosts import Host
    from fleet.settings import Fleet

RESERVED_HOSTS = ("all", "cluster", "localhost", "shared")
"""Words that mean something else where host names stand: in file names, in settings, in resolvers."""

RESERVED_DOMAINS = ("k8s.io", "kubernetes.io", "longhorn.io")
"""Label prefixes that Kubernetes and Longhorn keep for themselves."""

_QUALIFIED_NAME = re.compile(
    r"^((?=.{1,253}/)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"
)
_VALUE = re.compile(r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$")
_TOKEN = re.compile(r"^[^@\s]+@[A-Za-z0-9._:+-]{1,64}$")


def _fault(path: str, value: str, law: str, cure: str) -> Fault:
    return Fault(path=path, value=value, law=law, cure=cure)


@law("hosts")
def host_names_mean_hosts(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """A host's name is no word that means something else, and no number."""
    for name in fleet.hosts:
        if name in RESERVED_HOSTS:
            yield _fault(f"hosts.{name}", name, "this name means something else", "rename the host")
        elif name.isdigit():
            yield _fault(f"hosts.{name}", name, "resolvers take a number for an address", "add a letter")


def _syntax(path: str, key: str, value: str) -> Iterator[Fault]:
    if not _QUALIFIED_NAME.match(key):
        yield _fault(
            path,
            key,
            "Kubernetes takes keys of at most 63 letters, digits, `-`, `_` and `.`, after an optional DNS name and `/`",
            "correct the key",
        )
    if not _VALUE.match(value):
        yield _fault(
            path,
            value,
            "Kubernetes takes values of at most 63 letters, digits, `-`, `_` and `.`, or none",
            "correct the value",
        )


@law("hosts")
def labels_are_the_users_own(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """Node labels are well formed and outside the prefixes that the system sets itself."""
    for name in fleet.hosts:
        for key, value in sorted(fleet.hosts[name].labels.items()):
            path = f"hosts.{name}.labels.{key}"
            yield from _syntax(path, key, value)
            domain = key.partition("/")[0] if "/" in key else ""
            if any(domain == reserved or domain.endswith(f".{reserved}") for reserved in RESERVED_DOMAINS):
                cure = (
                    "use role instead"
                    if key.startswith("node-role.kubernetes.io/")
                    else "use a prefix of your own, as example.net/"
                )
                yield _fault(path, key, f"labels of {domain} are set by the system", cure)


def _taints(name: str, host: Host) -> Iterator[Fault]:
    seen: set[tuple[str, str]] = set()
    for place, taint in enumerate(host.taints):
        path = f"hosts.{name}.taints.{place}"
        yield from _syntax(path, taint.key, taint.value)
        if taint.key.startswith("node.kubernetes.io/"):
            yield _fault(path, taint.key, "Kubernetes sets and removes these taints itself", "use a prefix of your own")
        if (taint.key, taint.effect) in seen:
            yield _fault(
                path, f"{taint.key}:{taint.effect}", "a taint's key and effect stand once", "remove one of the two"
            )
        seen.add((taint.key, taint.effect))


@law("hosts")
def taints_are_whole(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """Taints are well formed, stand once, and are not those of the node controller."""
    for name in fleet.hosts:
        yield from _taints(name, fleet.hosts[name])


@law("hosts")
def reinstall_tokens_name_their_host(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """A token begins with its host's name, so that a copied entry cannot wipe another machine."""
    for name in fleet.hosts:
        token = fleet.hosts[name].reinstall
        if token is not None and not (_TOKEN.match(token) and token.startswith(f"{name}@")):
            yield _fault(
                f"hosts.{name}.reinstall",
                token,
                "a token formats a disk, so it names its host: <host>@<anything new, without spaces>",
                f"write {name}@2 or a date, as {name}@2026-01-31",
            )

"""The base of every document model, and the words all of them share. Laws between several fields live in laws.py."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Network
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError


def camel(name: str) -> str:
    """The key of a field in YAML and JSON: `k3s_version` is `k3sVersion` (pydantic's own rule says `k3SVersion`)."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


class Model(BaseModel):
    """A frozen part of a document: unknown keys are errors, keys are camelCase, docstrings are the schema's."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
    )


class Role(StrEnum):
    """What a node does in the cluster; not how big it is."""

    SERVER = "server"
    """Runs the control plane and a member of etcd."""

    AGENT = "agent"
    """Runs workloads only."""


class Arch(StrEnum):
    """Processor architecture, named as Nix names systems."""

    X86_64 = "x86_64-linux"
    AARCH64 = "aarch64-linux"


class Firmware(StrEnum):
    """How a machine starts its boot loader."""

    BIOS = "bios"
    UEFI = "uefi"
    HYBRID = "hybrid"
    """Either, by server type: the disk must boot under both."""


NAME_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
"""A DNS label: lower case letters, digits and inner hyphens, at most 63 characters."""

SSH_KEY_PATTERN = r"^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+|sk-[a-z0-9@.-]+) [A-Za-z0-9+/=]+( .*)?$"
SshPublicKey = Annotated[str, Field(pattern=SSH_KEY_PATTERN)]
"""One line of an authorized_keys file, without options."""

ED25519_PATTERN = r"^ssh-ed25519 [A-Za-z0-9+/]{68}$"
Ed25519PublicKey = Annotated[str, Field(pattern=ED25519_PATTERN)]
"""An ed25519 public key without a comment. Only this type can be pinned: others make clients fall back to SHA-1."""

DISK_PATTERN = r"^/dev/[A-Za-z0-9/_.:+-]+$"
DiskPath = Annotated[str, Field(pattern=DISK_PATTERN)]
"""A block device."""

MAC_PATTERN = r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$"
MacAddress = Annotated[str, Field(pattern=MAC_PATTERN)]
"""Six lower-case octets."""

NARROWEST_PREFIX = 29
"""Eight addresses: the two edges, a gateway and a few hosts."""


def _with_room(network: IPv4Network) -> IPv4Network:
    if network.prefixlen > NARROWEST_PREFIX:
        raise PydanticCustomError("no_room", "a network has room for a gateway and hosts")
    return network


HostNetwork = Annotated[
    IPv4Network,
    AfterValidator(_with_room),
    WithJsonSchema({"type": "string", "format": "ipv4network", "pattern": r"/(1?[0-9]|2[0-9])$"}),
]
"""A network that hosts are in: a /29 or wider."""

ZONE_PATTERN = r"^[A-Za-z]+(/[A-Za-z0-9_+-]+)*$"
TimeZone = Annotated[str, Field(pattern=ZONE_PATTERN)]
"""A name of the time zone database; which ones there are is the database's matter."""

WORD_PATTERN = r"^[!-~]+$"
Word = Annotated[str, Field(pattern=WORD_PATTERN)]
"""Printable characters without blanks."""

"""The base of every document model, and the words all of them share. Laws between several fields live in laws.py."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


def camel(name: str) -> str:
    """The key of a field in YAML and JSON: `k3s_version` is `k3sVersion` (pydantic's own rule would say `k3SVersion`)."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


class Model(BaseModel):
    """A frozen document part: unknown keys are errors, keys are camelCase in YAML and JSON, docstrings are the schema."""

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


Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
"""A DNS label: lower case letters, digits and inner hyphens, at most 63 characters."""

SshPublicKey = Annotated[str, Field(pattern=r"^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+|sk-[a-z0-9@.-]+) [A-Za-z0-9+/=]+( .*)?$")]
"""One line of an authorized_keys file, without options."""

Ed25519PublicKey = Annotated[str, Field(pattern=r"^ssh-ed25519 [A-Za-z0-9+/]{68}$")]
"""An ed25519 public key without a comment. Only this type can be pinned: others make clients fall back to SHA-1."""

DiskPath = Annotated[str, Field(pattern=r"^/dev/[A-Za-z0-9/_.:+-]+$")]
"""A block device."""

MacAddress = Annotated[str, Field(pattern=r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$")]
"""Six lower-case octets."""

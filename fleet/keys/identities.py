"""Public halves of the fleet's keys, as they stand in clear in the stack file. Making them is keys.py's matter."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fleet.model import Ed25519PublicKey, Model, Name


class HostIdentity(Model):
    """What a host is known by, before the machine exists."""

    host_key: Ed25519PublicKey
    """SSH host key of the installed system."""

    bootstrap_key: Ed25519PublicKey
    """SSH host key of the cloud image or the installer medium: readable from user data, so never the final one."""

    wireguard_key: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$")]
    """WireGuard public key, base64."""

    age_recipient: Annotated[str, Field(pattern=r"^age1[a-z0-9]{58}$")]
    """The host key as an age recipient: what secrets for this host are encrypted to."""


class Identities(Model):
    """All public halves of a stack."""

    example: bool = False
    """These public halves are examples whose private halves exist nowhere; `make keys` replaces them all."""

    deploy_key: Ed25519PublicKey
    """The key that the program itself logs in with."""

    hosts: dict[Name, HostIdentity]

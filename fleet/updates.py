"""Where hosts' systems are built. How they go through the fleet is the rollout, in cluster.py."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fleet.model import Model, SshPublicKey


class Builder(Model):
    """A machine that Nix builds on."""

    uri: Annotated[str, Field(pattern=r"^ssh(-ng)?://[A-Za-z0-9@._-]+(:\d+)?$")]
    """As Nix writes it, for example `ssh-ng://build@arm.example.net`. Nix' daemon connects, with the SSH key of root on
    the operator's machine, whose user must be one of Nix' trusted users there."""

    host_key: SshPublicKey
    """SSH host key of the builder."""


class Updates(Model):
    """How systems come to the hosts."""

    build: Literal["auto", "here", "host", "builder"] = "auto"
    """Where systems are built: `here` on the operator's machine (another architecture needs emulation there), on the
    `host` itself, on the `builder`. `auto`: here for hosts of this machine's architecture, else on the host."""

    builder: Builder | None = None
    """The builder, where `build` is `builder`."""

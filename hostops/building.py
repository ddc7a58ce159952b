"""Where a host's system is built: here, on the host itself, or on a builder: `updates.build` of the stack file."""

from __future__ import annotations

import base64
import platform
from typing import TYPE_CHECKING, Literal

from fleet.model import Arch

if TYPE_CHECKING:
    from hostops.task import Task

Place = Literal["here", "host", "builder"]

_ARCHITECTURES = {"aarch64": Arch.AARCH64, "arm64": Arch.AARCH64, "x86_64": Arch.X86_64}


def here() -> Arch | None:
    """The architecture of this machine; None for one that no host has."""
    return _ARCHITECTURES.get(platform.machine())


def place(task: Task, host: str) -> Place:
    """Where the host's system is built."""
    wanted = task.cluster.updates.build
    if wanted == "auto":
        return "here" if task.host(host).arch is here() else "host"
    return wanted


def builders(task: Task, host: str) -> str:
    """The builder as Nix' option wants it: address, system, key, jobs, speed, features, needs, host key."""
    builder = task.cluster.updates.builder
    assert builder is not None  # noqa: S101 - a law refuses a stack file without it
    key = base64.b64encode(builder.host_key.encode()).decode()
    return f"{builder.uri} {task.host(host).arch.value} - - - - - {key}"


def for_nixos_anywhere(task: Task, host: str) -> list[str]:
    """Words that make nixos-anywhere build there; its own `auto` would try a build here first."""
    where = place(task, host)
    if where == "host":
        return ["--build-on", "remote"]
    return ["--build-on", "local", *(["--option", "builders", builders(task, host)] if where == "builder" else [])]


def for_nixos_rebuild(task: Task, host: str, destination: str) -> list[str]:
    """Words that make nixos-rebuild build there."""
    match place(task, host):
        case "host":
            return ["--build-host", destination]
        case "builder":
            return ["--builders", builders(task, host)]
        case "here":
            return []

"""The files that are functions of the stack files, in one place: their bytes, writing them, refusing stale ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet import stackfile
from fleet.contract.facts import contract, render
from fleet.contract.schema import render_schema
from fleet.faults import Fault, FleetError
from fleet.files import write_whole
from fleet.keys.knownhosts import render_known_hosts
from fleet.keys.recipients import render_sops

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fleet.contract.facts import Contract
    from fleet.stackfile import Stack

CONTRACTS = "nix/fleet"
"""Folder of the contracts, below the project's root, unless NIXFLEET_CONTRACTS names another one."""


def contract_of(stack: Stack) -> Contract:
    """The contract of a stack that was read."""
    return contract(stack.name, stack.fleet, stack.identities, stack.profiles)


def contract_file(stack: Stack, folder: Path) -> dict[Path, str]:
    """The contract, by its path."""
    return {folder / f"{stack.name}.json": render(contract_of(stack))}


def known_hosts_file(stack: Stack, folder: Path) -> dict[Path, str]:
    """The known_hosts lines, by their path."""
    return {folder / f"{stack.name}.known_hosts": render_known_hosts(contract_of(stack))}


def sops_file(root: Path) -> dict[Path, str]:
    """`.sops.yaml` for all stacks of the project, by its path."""
    return {root / ".sops.yaml": render_sops(stackfile.load(name, root) for name in stackfile.names(root))}


def schema_file(root: Path) -> dict[Path, str]:
    """The JSON Schema, by its path."""
    return {root / "fleet/schema.json": render_schema()}


def stale(files: Mapping[Path, str]) -> tuple[Path, ...]:
    """Those of the files that are missing or hold something else."""

    def found(path: Path) -> str | None:
        return path.read_text(encoding="utf-8") if path.is_file() else None

    return tuple(path for path, text in files.items() if found(path) != text)


def require(files: Mapping[Path, str], command: str) -> None:
    """Raise FleetError that names the stale files and the command that writes them."""
    faults = tuple(
        Fault(
            path=str(path),
            value="stale",
            law="the file is what the stack files say now",
            cure=f"run `{command}` and commit the file",
        )
        for path in stale(files)
    )
    if faults:
        raise FleetError("the checkout", faults)


def write(files: Mapping[Path, str]) -> tuple[Path, ...]:
    """Write the stale ones, each in one step; returns their paths."""
    paths = stale(files)
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, files[path])
    return paths

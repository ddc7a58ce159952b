"""Files that a host gets with its installation: identity, keys, tokens, peers. The closure has none of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hostops.failure import Code, Failure
from hostops.formation import MARK
from hostops.keyring import public_half

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hostops.look import Identity
    from hostops.task import Task


def check_keys(task: Task, host: str) -> None:
    """A host that is installed with another key than the pinned one could never be reached again."""
    task.secrets.need("hostKey", "agentToken", *(["serverToken"] if task.host(host).role == "server" else []))
    if task.cluster.mesh:
        task.secrets.need("wireguardKey")
    if public_half(task.secrets.host_key) != task.host(host).host_key:
        cure = f"refresh both with: make keys contract STACK={task.stack}"
        raise Failure(Code.USAGE, "secrets", f"hostKey is not the private half of the contract's key of {host}; {cure}")


def mesh_document(task: Task, host: str, strangers: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """/etc/nixfleet/mesh.json of a host: every other host, with an endpoint where one is known.

    `strangers`: peers that the contract has no more, and that stay.
    """
    peers: dict[str, Mapping[str, str]] = dict(strangers or {})
    port = task.cluster.mesh.port if task.cluster.mesh else 0
    for name, entry in sorted(task.contract.hosts.items()):
        if name == host:
            continue
        endpoint = task.address(name)
        peers[name] = {
            "address": str(entry.address),
            "publicKey": entry.wireguard_key,
            **({"endpoint": f"{endpoint}:{port}"} if endpoint else {}),
        }
    return json.dumps({"peers": peers, "self": host}, indent=2, sort_keys=True)


KEPT: Mapping[str, str] = {"zfs-server": "persist"}
"""Where a layout whose root is empty at every boot keeps files (nix/modules/disks/impermanence.nix)."""


def extra_files(task: Task, host: str, identity: Identity, earlier: Sequence[str], *, forms: bool = False) -> Path:
    """The folder that nixos-anywhere copies to the root of the new system.

    `earlier`: ids of the installations before this one, for a boot partition that is sealed only later. `forms`: it is
    to form the cluster.
    """
    entry, secrets = task.host(host), task.secrets
    root = task.workspace.folder / "root"
    etc = "/".join(("root", *filter(None, [KEPT.get(entry.disk.layout)]), "etc"))

    def write(name: str, text: str, mode: int = 0o600) -> None:
        task.workspace.write(f"{etc}/{name}", text, mode)

    write("ssh/ssh_host_ed25519_key", f"{secrets.host_key.strip()}\n")
    write("ssh/ssh_host_ed25519_key.pub", f"{entry.host_key} {host}\n", 0o644)
    write("nixfleet/identity", identity.render(), 0o644)
    write("nixfleet/installs", f"{' '.join(earlier)}\n", 0o644)
    for name, text in secrets.on_host(entry.role.value).items():
        write(f"nixfleet/secrets/{name}", text, 0o400)
    if forms:
        write(MARK.removeprefix("etc/"), f"{identity.install_id}\n", 0o644)
    if task.cluster.mesh:
        write("nixfleet/mesh.json", f"{mesh_document(task, host)}\n", 0o644)
    # The archive keeps modes, and these folders exist on every system; only the secrets' own is private.
    for folder in (root, *(path for path in root.rglob("*") if path.is_dir() and path.name != "secrets")):
        folder.chmod(0o755)
    return root

"""What cloud-init does with user data, as far as SSH goes. Other modules of cloud-init are refused, not ignored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

HEADER = "#cloud-config"
UNDERSTOOD = {
    # keep-sorted start
    "hostname",
    "manage_etc_hosts",
    "package_update",
    "package_upgrade",
    "preserve_hostname",
    "ssh_authorized_keys",
    "ssh_deletekeys",
    "ssh_genkeytypes",
    "ssh_keys",
    "ssh_pwauth",
    # keep-sorted end
}


@dataclass(frozen=True, kw_only=True)
class UserData:
    """The part of user data that decides how a cloud image can be reached."""

    host_key: str | None = None
    """Private ed25519 host key to use; None: cloud-init makes one."""

    delete_keys: bool = True
    """Whether the image's own host keys go, cloud-init's default."""

    authorized_keys: tuple[str, ...] = ()
    """Further keys of the default user."""


def parse_user_data(text: str | None) -> UserData:
    """Read user data as cloud-init does; raises ValueError for what the simulated cloud-init does not know."""
    if text is None or not text.strip():
        return UserData()
    if text.splitlines()[0].rstrip() != HEADER:
        raise ValueError(f"user data begins with {text.splitlines()[0]!r}: only {HEADER} is simulated; use it")
    document: Any = yaml.safe_load(text) or {}
    unknown = sorted(set(document) - UNDERSTOOD)
    if unknown:
        raise ValueError(f"user data has {', '.join(unknown)}: the simulated cloud-init knows {sorted(UNDERSTOOD)}")
    key = document.get("ssh_keys", {}).get("ed25519_private")
    return UserData(
        host_key=f"{key.rstrip()}\n" if key else None,
        delete_keys=bool(document.get("ssh_deletekeys", True)),
        authorized_keys=tuple(document.get("ssh_authorized_keys", ())),
    )

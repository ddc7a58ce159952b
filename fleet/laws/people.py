"""Laws of people: users with their SSH keys, and other stacks."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from fleet.faults import Fault
from fleet.laws.law import Profiles, law

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.settings import Fleet

RESERVED_USERS = frozenset(
    {
        # keep-sorted start
        "avahi",
        "backup",
        "bin",
        "daemon",
        "deploy",
        "keepalived",
        "lp",
        "mail",
        "messagebus",
        "nobody",
        "nscd",
        "polkituser",
        "root",
        "sshd",
        "sync",
        "sys",
        "wheel",
        # keep-sorted end
    }
)
"""Accounts and groups that NixOS, its services or this project have themselves."""

_LONGEST_USER = 32
_LEAST_RSA_BITS = 2048
_ED25519_BYTES = 32


def _fields(blob: bytes) -> list[bytes]:
    """The length-prefixed fields of a key's blob; raises ValueError where a length lies."""
    fields = []
    while blob:
        length = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + length:
            raise ValueError("cut off")
        fields.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    return fields


def _weakness(line: str) -> str | None:
    """What is wrong with a public key, or None."""
    kind, encoded = line.split()[:2]
    try:
        fields = _fields(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError):
        return "it is damaged: its length does not fit its content"
    if not fields or fields[0].decode(errors="replace") != kind:
        return f"it is damaged: the content is not of type {kind}"
    if kind == "ssh-ed25519" and [len(field) for field in fields[1:]] != [_ED25519_BYTES]:
        return "it is damaged: an ed25519 key has 32 bytes"
    if kind == "ssh-rsa" and int.from_bytes(fields[-1], "big").bit_length() < _LEAST_RSA_BITS:
        return f"an RSA key of less than {_LEAST_RSA_BITS} bits can be broken"
    return None


@law("users")
def users_are_people(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """A user's name is free on a host, and short enough."""
    for name in fleet.users:
        if name in RESERVED_USERS or name.startswith(("nixbld", "systemd-")):
            yield Fault(
                path=f"users.{name}",
                value=name,
                law="the system has an account or a group of this name",
                cure="choose another name",
            )
        elif not name[0].isalpha() or len(name) > _LONGEST_USER:
            yield Fault(
                path=f"users.{name}",
                value=name,
                law=f"an account's name begins with a letter and has at most {_LONGEST_USER} characters",
                cure="choose another name",
            )


@law("consumers")
def who_is_admitted_is_kept_out_otherwise(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """Namespaces are let in to pods that are isolated; to others everybody gets anyway."""
    if fleet.consumers.admit and not fleet.consumers.isolated:
        yield Fault(
            path="consumers.admit",
            value=", ".join(fleet.consumers.admit),
            law="without consumers.isolated every namespace reaches the pods of other stacks, and this says nothing",
            cure="set consumers.isolated: true, or remove it",
        )


@law("users")
def keys_are_sound(fleet: Fleet, _: Profiles) -> Iterator[Fault]:
    """Every key is whole and strong, and one person's on one device."""
    seen: dict[str, str] = {}
    for name in sorted(fleet.users):
        for device, line in sorted(fleet.users[name].keys.items()):
            path = f"users.{name}.keys.{device}"
            shown = " ".join(line.split()[:2])
            if weakness := _weakness(line):
                yield Fault(
                    path=path,
                    value=_short(shown),
                    law=weakness,
                    cure="paste the line of the .pub file again, or make a new key: ssh-keygen -t ed25519",
                )
            if seen.setdefault(shown, path) != path:
                yield Fault(
                    path=path,
                    value=_short(shown),
                    law=f"it is {seen[shown]} already, and clouds refuse a key twice",
                    cure="remove one of the two",
                )


def _short(key: str) -> str:
    most = 40
    return key if len(key) <= most else f"{key[: most - 12]}...{key[-8:]}"

"""Whether two hosts reach each other's cluster address. Packets, tunnels and firewalls are not simulated."""

from __future__ import annotations

import base64
import json
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from sim.machines.service import PEERS, WIREGUARD_KEY, file_stamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sim.machines.service import Service
    from sim.world import Json


Stamp: TypeAlias = "tuple[int, int] | None"


def connected(one: Service, other: Service) -> bool:
    """Whether `one` reaches `other`: always on a LAN; in a mesh each must know the other's address and real key."""
    if one is other or not one.closure.cluster.get("mesh"):
        return True
    return _knows(one, other) and _knows(other, one)


def _knows(one: Service, other: Service) -> bool:
    key, address = _public_key(other), other.closure.entry["address"]
    path = one.root / PEERS
    return any(key in values and address in values for values in _peers(path, file_stamp(path)))


@lru_cache(maxsize=4096)
def _peers(path: Path, stamp: Stamp) -> tuple[frozenset[str], ...]:
    """The texts of every record in a document, whatever its shape; kept until the file has another stamp."""
    return tuple(_records(json.loads(path.read_text()))) if stamp else ()


def _records(document: Json) -> Iterator[frozenset[str]]:
    if isinstance(document, dict):
        # A prefix length is no part of the address.
        yield frozenset(text.split("/32")[0] for value in document.values() for text in _texts(value))
    children = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    for child in children:
        yield from _records(child)


def _texts(value: Json) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str)]


def _public_key(service: Service) -> str:
    path = service.root / WIREGUARD_KEY
    return _public_half(path, file_stamp(path))


@lru_cache(maxsize=4096)
def _public_half(path: Path, stamp: Stamp) -> str:
    if not stamp:
        return ""
    private = X25519PrivateKey.from_private_bytes(base64.b64decode(path.read_text().strip()))
    raw = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return base64.b64encode(raw).decode()

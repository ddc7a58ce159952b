"""An ed25519 SSH key as an age recipient or identity: one key serves SSH and secrets. Encrypting is sops' matter.

The conversion is the one of ssh-to-age: the key's Montgomery form, in Bech32 (BIP 173) with the prefix `age`; of a
private key, the first half of the hash of its seed (RFC 8032), with the prefix of an identity.
"""

from __future__ import annotations

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

_P = 2**255 - 19
_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def _polymod(values: list[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATOR):
            if top >> bit & 1:
                checksum ^= generator
    return checksum


def _five_bits(data: bytes) -> list[int]:
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    return [int(bits[start : start + 5], 2) for start in range(0, len(bits), 5)]


def bech32(prefix: str, data: bytes) -> str:
    """Bytes in Bech32, without its limit of 90 characters (age does without it too)."""
    words = _five_bits(data)
    expanded = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    checksum = _polymod([*expanded, *words, 0, 0, 0, 0, 0, 0]) ^ 1
    words += [checksum >> 5 * (5 - place) & 31 for place in range(6)]
    return f"{prefix}1" + "".join(_ALPHABET[word] for word in words)


def montgomery(ed25519: bytes) -> bytes:
    """The X25519 public key that belongs to an ed25519 one: u = (1 + y) / (1 - y) modulo 2^255 - 19."""
    y = int.from_bytes(ed25519, "little") & ((1 << 255) - 1)
    return ((1 + y) * pow(1 - y, -1, _P) % _P).to_bytes(32, "little")


def recipient(public_key: str) -> str:
    """The age recipient of an `ssh-ed25519 ...` line."""
    blob = base64.b64decode(public_key.split()[1])
    return bech32("age", montgomery(blob[-32:]))


def identity(private_key: str) -> str:
    """The age identity of a private ed25519 key (OpenSSH PEM): it reads what was encrypted to recipient()."""
    key = load_ssh_private_key(private_key.encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("only ed25519 keys have an age form")
    return bech32("age-secret-key-", hashlib.sha512(key.private_bytes_raw()).digest()[:32]).upper()

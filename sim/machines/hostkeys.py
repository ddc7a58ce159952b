"""SSH keys of machines: making them and reading them. Where a machine takes which key from is in systems.py."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def new_key() -> str:
    """A random ed25519 private key in OpenSSH's PEM form."""
    return (
        Ed25519PrivateKey.generate()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
        .decode()
    )


def public_half(private_key: str) -> str:
    """The public key line of a private key; raises ValueError for what is no OpenSSH private key."""
    key = serialization.load_ssh_private_key(private_key.encode(), password=None)
    line = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return line.decode()


def same_key(one: str, other: str) -> bool:
    """Whether two public key lines are the same key, whatever their comments."""
    return one.split()[:2] == other.split()[:2]

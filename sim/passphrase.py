"""Secrets of a throwaway stack, encrypted as the engine's passphrase provider does, without starting the engine for it.

AES-256-GCM under PBKDF2-SHA-256; the form of both texts is the engine's (`v1`), and every run proves it, because the
engine reads them.
Real stacks' secrets are fleet/keys/keystore.py's matter.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ITERATIONS = 1_000_000
PROBE = "pulumi"
"""What the salt's own ciphertext holds, so that a wrong passphrase is noticed."""


class WrongPassphraseError(Exception):
    """The passphrase is not the one that the secrets were encrypted with."""


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


@functools.lru_cache(maxsize=8)
def _key(passphrase: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, ITERATIONS, 32)


class Passphrase:
    """A passphrase with its salt."""

    def __init__(self, passphrase: str, salt: bytes) -> None:
        """Derive the key; takes some tenths of a second, once per salt."""
        self._salt = salt
        self._cipher = AESGCM(_key(passphrase, salt))

    @classmethod
    def of_stack(cls, passphrase: str, encryption_salt: str) -> Passphrase:
        """That of a stack file's `encryptionsalt`; raises WrongPassphraseError."""
        _, salt, probe = encryption_salt.split(":", maxsplit=2)
        made = cls(passphrase, base64.b64decode(salt))
        made.decrypt(probe)
        return made

    def encrypt(self, clear: str) -> str:
        """The value of a stack file's `secure`."""
        nonce = os.urandom(12)
        return f"v1:{_text(nonce)}:{_text(self._cipher.encrypt(nonce, clear.encode(), None))}"

    def decrypt(self, secure: str) -> str:
        """What `secure` holds; raises WrongPassphraseError."""
        _, nonce, sealed = secure.split(":")
        try:
            return self._cipher.decrypt(base64.b64decode(nonce), base64.b64decode(sealed), None).decode()
        except InvalidTag:
            raise WrongPassphraseError("wrong passphrase") from None

    @property
    def encryption_salt(self) -> str:
        """The stack file's `encryptionsalt`."""
        return f"v1:{_text(self._salt)}:{self.encrypt(PROBE)}"

"""The authority that signs what a cluster's servers show, and the tokens that name it. Who lays it down is hostops'.

A token in k3s' long form makes a node check that authority before it says the password (pkg/clientaccess of k3s).
"""

from __future__ import annotations

import datetime as dt
import hashlib

BEGIN = "-----BEGIN CERTIFICATE-----"
DAYS = 3650
"""How long it lives: as long as one that k3s makes itself."""


def new_authority() -> tuple[str, str]:
    """A fresh authority: certificate and private key, both PEM, of the kind that k3s makes."""
    # Only who makes keys pays for loading it.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"k3s-server-ca@{int(now.timestamp())}")])
    usage = x509.KeyUsage(
        digital_signature=True,
        key_encipherment=True,
        key_cert_sign=True,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A host's clock may be behind at its first boot.
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=DAYS))
        .add_extension(usage, critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def authority_hash(certificate: str) -> str:
    """What a token says of an authority: the hash of its file, byte for byte, where that is one certificate.

    Raises ValueError for a chain of them: of such a one k3s hashes the root alone.
    """
    if certificate.count(BEGIN) != 1:
        raise ValueError("the authority is no single certificate")
    return hashlib.sha256(f"{certificate.strip()}\n".encode()).hexdigest()


def join_token(certificate: str, user: str, password: str) -> str:
    """A token as a node keeps it; without an authority the bare password, which checks nobody.

    Args:
        certificate: the authority, PEM; empty where the stack does not know it.
        user: `server` or `node`, as k3s calls who joins.
        password: the secret.
    """
    return f"K10{authority_hash(certificate)}::{user}:{password}" if certificate and password else password

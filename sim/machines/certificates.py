"""A cluster's authority and its admin kubeconfig: real certificates, with an issuer and an expiry to be read."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CLIENT_DAYS = 365
"""k3s' client certificates live this long."""

AUTHORITY_DAYS = 3650


def _name(common: str, organization: str | None = None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if organization:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=1))
        .not_valid_after(now + dt.timedelta(days=days))
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


def new_authority() -> dict[str, str]:
    """A new cluster's own authority: certificate and key, both PEM."""
    key, name = ec.generate_private_key(ec.SECP256R1()), _name("k3s-server-ca")
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    certificate = (
        _builder(name, name, key, AUTHORITY_DAYS).add_extension(constraints, critical=True).sign(key, hashes.SHA256())
    )
    return {"certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(), "key": _pem(key)}


def password(token: str | None, user: str) -> str | None:
    """The password in a token, as k3s takes it for this user; one that names another user is a password as it is."""
    found = re.fullmatch(rf"K10(?:[0-9a-f]{{64}})?::{user}:(.+)", token or "")
    return found[1] if found else token


def mistrusted(token: str, certificate: str) -> str:
    """What a node says of a cluster whose authority its token does not name; empty when it goes on."""
    found = re.match(r"K10([0-9a-f]{64})::", token)
    there = hashlib.sha256(certificate.encode()).hexdigest()
    if found is None or found[1] == there:
        return ""
    return f"token CA hash does not match the Cluster CA certificate hash: {found[1]} != {there}"


def refused_by(certificate: str, ahead: int) -> str:
    """What a program says of a certificate when its clock is so many seconds ahead; empty when it takes it."""
    now = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=ahead)
    found = x509.load_pem_x509_certificate(certificate.encode())
    what = "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time"
    for bound, wrong in (("before", now < found.not_valid_before_utc), ("after", now > found.not_valid_after_utc)):
        if wrong:
            limit = found.not_valid_before_utc if bound == "before" else found.not_valid_after_utc
            return f"{what} {_go_time(now)} is {bound} {_go_time(limit)}"
    return ""


def _go_time(when: dt.datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def kubeconfig(authority: dict[str, str]) -> str:
    """An admin's kubeconfig as k3s writes it: for use on the server itself."""
    signer = serialization.load_pem_private_key(authority["key"].encode(), password=None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)  # noqa: S101 - for the type checker: new_authority made it
    issuer = x509.load_pem_x509_certificate(authority["certificate"].encode()).subject
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _builder(_name("system:admin", "system:masters"), issuer, key, CLIENT_DAYS).sign(
        signer, hashes.SHA256()
    )
    user = {
        "client-certificate-data": _encode(certificate.public_bytes(serialization.Encoding.PEM).decode()),
        "client-key-data": _encode(_pem(key)),
    }
    cluster = {"certificate-authority-data": _encode(authority["certificate"]), "server": "https://127.0.0.1:6443"}
    document = {
        "apiVersion": "v1",
        "clusters": [{"cluster": cluster, "name": "default"}],
        "contexts": [{"context": {"cluster": "default", "user": "default"}, "name": "default"}],
        "current-context": "default",
        "kind": "Config",
        "preferences": {},
        "users": [{"name": "default", "user": user}],
    }
    text: str = yaml.safe_dump(document, sort_keys=False)
    return text


def issued_by(text: str, certificate: str) -> bool:
    """Whether a kubeconfig names this authority."""
    document: Any = yaml.safe_load(text)
    return any(
        entry["cluster"].get("certificate-authority-data") == _encode(certificate) for entry in document["clusters"]
    )


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()

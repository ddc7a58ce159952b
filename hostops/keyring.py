"""The secrets of one call: one JSON object on stdin. They go on in files and over SSH, never in an argument."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from dataclasses import dataclass, fields

from fleet.keys.authority import join_token
from hostops.failure import Code, Failure

_NAMES = {
    "deployKey": "deploy_key",
    "formerDeployKey": "former_deploy_key",
    "hostKey": "host_key",
    "wireguardKey": "wireguard_key",
    "serverToken": "server_token",
    "agentToken": "agent_token",
    "formerServerToken": "former_server_token",
    "authority": "authority",
    "authorityKey": "authority_key",
    "bucketAccessKey": "bucket_access_key",
    "bucketSecretKey": "bucket_secret_key",
    "late": "late",
}
_MAGIC = b"openssh-key-v1\0"


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """What may come by stdin; empty where a verb or a role needs none."""

    deploy_key: str = ""
    """Private half of the key that this program logs in with, OpenSSH PEM."""

    former_deploy_key: str = ""
    """The one before it, while some host may not know the new one yet."""

    host_key: str = ""
    """Private SSH host key of the installed system, OpenSSH PEM."""

    wireguard_key: str = ""
    server_token: str = ""
    agent_token: str = ""
    former_server_token: str = ""
    """The one that the cluster has until it is rotated."""

    authority: str = ""
    """Certificate of the cluster's authority, PEM: what tokens name; empty: they name none."""

    authority_key: str = ""
    """Its private half, for who may form the cluster."""

    bucket_access_key: str = ""
    """The credential of the bucket that snapshots go to."""

    bucket_secret_key: str = ""
    late: str = ""
    """What the switches of hosts that were left out need, as JSON by host."""

    def __repr__(self) -> str:
        """Nothing: a representation ends in tracebacks and logs."""
        return "Secrets(...)"

    @classmethod
    def read(cls, text: str) -> Secrets:
        """From the JSON object on stdin; raises Failure without repeating any of it."""
        try:
            document = json.loads(text)
        except ValueError:
            raise _wrong("stdin is no JSON") from None
        if not isinstance(document, dict) or not all(isinstance(value, str) for value in document.values()):
            raise _wrong("stdin is no JSON object of strings")
        unknown = sorted(set(document) - set(_NAMES))
        if unknown:
            raise _wrong(f"stdin has the unknown key {unknown[0]!r}")
        return cls(**{_NAMES[name]: value for name, value in document.items()})

    def values(self) -> tuple[str, ...]:
        """All that must never be seen."""
        return tuple(value for field in fields(self) if (value := getattr(self, field.name)))

    def need(self, *names: str) -> None:
        """Raise Failure if one of these (as on stdin) is absent."""
        absent = [name for name in names if not getattr(self, _NAMES[name])]
        if absent:
            raise _wrong(f"stdin lacks {', '.join(absent)}")

    def on_host(self, role: str) -> dict[str, str]:
        """Files of /etc/nixfleet/secrets that a host of that role has."""
        agent, server = (
            join_token(self.authority, user, password.strip())
            for user, password in (("node", self.agent_token), ("server", self.server_token))
        )
        files = {"agent-token": agent, "wireguard-key": self.wireguard_key}
        if role == "server":
            files["server-token"] = server
            if self.authority and self.authority_key:
                files |= {"server-ca": self.authority, "server-ca-key": self.authority_key}
        return {name: f"{value.strip()}\n" for name, value in sorted(files.items()) if value}


def _wrong(what: str) -> Failure:
    cure = f'give one object with the keys {", ".join(_NAMES)} as needed, for example {{"deployKey": "-----BEGIN ..."}}'
    return Failure(Code.USAGE, "secrets", f"{what}; {cure}")


def public_half(private: str) -> str:
    """The public key, `ssh-ed25519 AAAA...`, that stands in clear in an OpenSSH private key; empty if there is none."""
    body = "".join(line.strip() for line in private.splitlines() if not line.startswith("-----"))
    try:
        blob = base64.b64decode(body, validate=True)
        if not blob.startswith(_MAGIC):
            return ""
        offset = len(_MAGIC)
        for _ in range(3):
            offset += 4 + struct.unpack_from(">I", blob, offset)[0]
        offset += 4
        (length,) = struct.unpack_from(">I", blob, offset)
        public = blob[offset + 4 : offset + 4 + length]
    except (ValueError, struct.error):
        return ""
    return f"ssh-ed25519 {base64.b64encode(public).decode()}"


def fingerprint(public: str) -> str:
    """A public key's fingerprint as OpenSSH writes it, `SHA256:...`."""
    digest = hashlib.sha256(base64.b64decode(public.split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"

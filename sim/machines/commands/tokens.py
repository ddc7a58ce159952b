"""`kubectl create token`: a token of a service account that ends by itself, or with the object that it is bound to."""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
from typing import TYPE_CHECKING, Any

from sim.machines.commands.call import Reply
from sim.machines.objects import Kind

if TYPE_CHECKING:
    from sim.machines.objects import Object

ACCOUNT = Kind(group="", kind="ServiceAccount", plural="serviceaccounts")
SECRET = Kind(group="", kind="Secret", plural="secrets")
LEAST_SECONDS = 600
"""What the API server grants at least."""

_UNITS = {"h": 3600, "m": 60, "s": 1}


def create(document: Object, words: list[str], options: dict[str, str]) -> Reply:
    """Give a token of this account."""
    namespace, name = options.get("n", "default"), words[0] if words else ""
    account = ACCOUNT.get(document, namespace, name)
    if account is None:
        return Reply(1, err=f'error: failed to create token: serviceaccounts "{name}" not found\n')
    claims: dict[str, Any] = {"serviceaccount": {"name": name, "uid": account["metadata"]["uid"]}}
    if anchor := options.get("bound-object-name", ""):
        if options.get("bound-object-kind") != "Secret":
            return Reply(1, err="error: supported --bound-object-kind values are Node, Pod, Secret\n")
        secret = SECRET.get(document, namespace, anchor)
        if secret is None:
            return Reply(1, err=f'error: failed to create token: secrets "{anchor}" not found\n')
        claims["secret"] = {"name": anchor, "uid": secret["metadata"]["uid"]}
    seconds = _seconds(options.get("duration", "1h"))
    if seconds < LEAST_SECONDS:
        law = "spec.expirationSeconds: Invalid value: may not specify a duration less than 10 minutes"
        return Reply(1, err=f"error: failed to create token: TokenRequest.authentication.k8s.io is invalid: {law}\n")
    body = {"exp": int(time.time()) + seconds, "kubernetes.io": {"namespace": namespace, **claims}}
    signature = secrets.token_urlsafe(32)
    return Reply(out=f"{_part({'alg': 'RS256'})}.{_part(body)}.{signature}\n")


def _seconds(duration: str) -> int:
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([hms])", duration))


def _part(claims: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")

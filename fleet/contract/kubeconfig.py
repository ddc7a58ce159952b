"""Kubeconfigs as text. Where the parts come from is components/credential.py's matter."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import yaml

from fleet.faults import Fault, FleetError

MALFORMED = Fault(
    path="clusters.0.cluster",
    value="absent",
    law="a kubeconfig holds its cluster's certificate authority",
    cure="look at what `k3s kubectl config view --raw` prints on the seed",
)


def certificate_authority(kubeconfig: str) -> str:
    """The cluster's certificate authority, base64, out of a kubeconfig; never shows the rest of it."""
    try:
        document: Any = yaml.safe_load(kubeconfig)
        return str(document["clusters"][0]["cluster"]["certificate-authority-data"])
    except (yaml.YAMLError, LookupError, TypeError):
        raise FleetError("kubeconfig", (MALFORMED,)) from None


@dataclass(frozen=True, kw_only=True)
class Api:
    """Where a cluster's API answers, and how it is known."""

    cluster: str
    """Name of the cluster."""

    server: str
    """URL, by address."""

    name: str
    """DNS name, which its certificate carries."""

    authority: str
    """Certificate authority, base64."""


def token_kubeconfig(api: Api, *, token: str, user: str, namespace: str) -> str:
    """A kubeconfig that logs in by token.

    Args:
        api: the cluster's API.
        token: the secret.
        user: name of the account.
        namespace: where commands go that name no namespace.
    """
    cluster = {"server": api.server, "tls-server-name": api.name, "certificate-authority-data": api.authority}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": api.cluster, "cluster": cluster}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": api.cluster, "context": {"cluster": api.cluster, "user": user, "namespace": namespace}}],
        "current-context": api.cluster,
    }
    # JSON is YAML, and its one spelling of a document keeps the text the same everywhere.
    return json.dumps(document, indent=2, sort_keys=True) + "\n"

"""Kubeconfigs as text. Where the parts come from is components/credential.py's matter."""

from __future__ import annotations

import json
from typing import Any

import yaml

from fleet.faults import Fault, FleetError


def certificate_authority(kubeconfig: str) -> str:
    """The cluster's certificate authority, base64, out of a kubeconfig; never shows the rest of it."""
    try:
        document: Any = yaml.safe_load(kubeconfig)
        return str(document["clusters"][0]["cluster"]["certificate-authority-data"])
    except (yaml.YAMLError, LookupError, TypeError):
        raise FleetError("kubeconfig", (MALFORMED,)) from None


MALFORMED = Fault(
    path="clusters.0.cluster",
    value="absent",
    law="a kubeconfig holds its cluster's certificate authority",
    cure="look at what `k3s kubectl config view --raw` prints on the seed",
)


def token_kubeconfig(*, cluster: str, server: str, name: str, authority: str, token: str, user: str, namespace: str) -> str:
    """A kubeconfig that logs in by token.

    Args:
        cluster: name of the cluster.
        server: URL of the API, by address.
        name: DNS name of the API, which its certificate carries.
        authority: certificate authority, base64.
        token: the secret.
        user: name of the account.
        namespace: where commands go that name no namespace.
    """
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": cluster,
                "cluster": {"server": server, "tls-server-name": name, "certificate-authority-data": authority},
            }
        ],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": user, "namespace": namespace}}],
        "current-context": cluster,
    }
    # JSON is YAML, and its one spelling of a document keeps the text the same everywhere.
    return json.dumps(document, indent=2, sort_keys=True) + "\n"

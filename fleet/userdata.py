"""What a cloud image is told at its first boot. Never the final host key: any process on the machine can read this."""

from __future__ import annotations

import json


def user_data(*, bootstrap_private: str, bootstrap_public: str, deploy_key: str) -> str:
    """Cloud-init's document that gives an image the pinned bootstrap host key, and no other one.

    Args:
        bootstrap_private: OpenSSH PEM, ed25519.
        bootstrap_public: its public half.
        deploy_key: public key that may log in as the image's own user.
    """
    document = {
        "ssh_deletekeys": True,
        "ssh_genkeytypes": ["ed25519"],
        "ssh_keys": {"ed25519_private": bootstrap_private, "ed25519_public": bootstrap_public},
        "ssh_authorized_keys": [deploy_key],
    }
    # JSON is YAML, and its one spelling of a document keeps the text the same everywhere.
    return "#cloud-config\n" + json.dumps(document, indent=2, sort_keys=True) + "\n"

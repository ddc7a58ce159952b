"""Longhorn's kinds of objects, with the fields of `longhorn.io/v1beta2`, and the one setting that matters here."""

from __future__ import annotations

from typing import Any

from sim.machines.objects import DEFINITION, Kind, Object

NAMESPACE = "longhorn-system"
DATA_PATH = "/var/lib/longhorn/"
NODE = Kind(group="longhorn.io", kind="Node", plural="nodes", short=("lhn",), version="v1beta2")
VOLUME = Kind(group="longhorn.io", kind="Volume", plural="volumes", short=("lhv",), version="v1beta2")
REPLICA = Kind(group="longhorn.io", kind="Replica", plural="replicas", short=("lhr",), version="v1beta2")
KINDS = (NODE, VOLUME, REPLICA)


def installed(document: Object) -> bool:
    """Whether the cluster has Longhorn."""
    return all(DEFINITION.get(document, "", kind.full) for kind in KINDS)


def drain_policy(document: Object) -> str:
    """The setting `node-drain-policy`, from the release's values; its default is the chart's."""
    release: dict[str, Any] = document.get("releases", {}).get(f"{NAMESPACE}/longhorn", {})
    settings = release.get("values", {}).get("defaultSettings") or {}
    return str(settings.get("nodeDrainPolicy", "block-if-contains-last-replica"))

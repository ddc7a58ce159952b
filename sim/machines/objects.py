"""Objects of a simulated cluster's API as its document keeps them: `objects`, by `GROUP/KIND/NAMESPACE/NAME`.

The same ones that the double of the Kubernetes plugin makes. Nodes are kept apart: they are kube.py's.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Object: TypeAlias = dict[str, Any]
"""A Kubernetes object, as JSON."""

NOW = "2026-01-01T00:00:00Z"
"""Every object's age: a fixed one, so that two runs are equal."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of object, as kubectl names it."""

    group: str
    kind: str
    plural: str
    short: tuple[str, ...] = ()
    version: str = "v1"
    namespaced: bool = True

    @property
    def full(self) -> str:
        """Its plural with its group: the name of its definition."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def singular(self) -> str:
        """How kubectl begins the name of one: `pod`, `node.longhorn.io`."""
        return f"{self.kind.lower()}.{self.group}" if self.group else self.kind.lower()

    def key(self, namespace: str, name: str) -> str:
        """Where such an object is in the document."""
        return f"{self.group}/{self.kind}/{namespace if self.namespaced else ''}/{name}"

    def all(self, document: Object) -> Iterator[Object]:
        """Every object of this kind."""
        start = f"{self.group}/{self.kind}/"
        for key, found in list(document["objects"].items()):
            if key.startswith(start):
                yield found

    def add(self, document: Object, namespace: str, name: str, **fields: Any) -> Object:  # noqa: ANN401 - JSON
        """Make an object; one that is there already is an error."""
        key = self.key(namespace, name)
        if key in document["objects"]:
            raise ValueError(f'{self.full} "{name}" already exists')
        made = new(self, namespace, name, **fields)
        document["objects"][key] = made
        return made

    def get(self, document: Object, namespace: str, name: str) -> Object | None:
        """One object; None without it."""
        found: Object | None = document["objects"].get(self.key(namespace, name))
        return found

    def remove(self, document: Object, found: Object) -> None:
        """Delete an object."""
        metadata = found["metadata"]
        document["objects"].pop(self.key(metadata.get("namespace", ""), metadata["name"]), None)


def new(kind: Kind, namespace: str, name: str, **fields: Any) -> Object:  # noqa: ANN401 - JSON
    """An object that is in no document yet."""
    metadata = {"name": name, "uid": str(uuid.uuid4()), "creationTimestamp": NOW, "labels": {}, "annotations": {}}
    if kind.namespaced:
        metadata["namespace"] = namespace
    version = f"{kind.group}/{kind.version}" if kind.group else kind.version
    return {
        "apiVersion": version,
        "kind": kind.kind,
        "metadata": metadata | fields.pop("metadata", {}),
        "spec": {},
        "status": {},
        **fields,
    }


def condition(found: Object, name: str) -> str:
    """Status of a condition; empty without it."""
    conditions = found.get("status", {}).get("conditions") or []
    return next((entry["status"] for entry in conditions if entry["type"] == name), "")


POD = Kind(group="", kind="Pod", plural="pods", short=("pod", "po"))
BUDGET = Kind(
    group="policy", kind="PodDisruptionBudget", plural="poddisruptionbudgets", short=("poddisruptionbudget", "pdb")
)
DEFINITION = Kind(
    group="apiextensions.k8s.io",
    kind="CustomResourceDefinition",
    plural="customresourcedefinitions",
    short=("customresourcedefinition", "crd", "crds"),
    namespaced=False,
)

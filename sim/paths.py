"""How many nodes the engine visits when it collects what a failed deletion depends on, counted from a stored state.

`markAsDependency` in pkg/resource/graph/dependency_graph.go (3.259) calls itself for the provider, for every entry of
`dependencies`, of each list of `propertyDependencies`, of `replaceWith` and for `deletedWith`, marked or not: one visit
per path. Parents are walked to once only. The count is computed from the leaves, as walking it could take for ever.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def stored_state(base: Path, stack: str) -> Path:
    """The file in which a stage's backend keeps a stack."""
    (found,) = (base / "state/.pulumi/stacks").rglob(f"{stack}.json")
    return found


def resources_of(path: Path) -> list[dict[str, Any]]:
    """Resources of a stored state, in its order: what a resource depends on comes before it."""
    found: list[dict[str, Any]] = json.loads(path.read_text())["checkpoint"]["latest"]["resources"]
    return found


def edges(resource: dict[str, Any]) -> Iterator[str]:
    """URNs that the engine goes on to, as often as it does."""
    if resource.get("provider"):
        yield resource["provider"].rsplit("::", 1)[0]
    yield from resource.get("dependencies") or []
    for urns in (resource.get("propertyDependencies") or {}).values():
        yield from urns or []
    yield from resource.get("replaceWith") or []
    if resource.get("deletedWith"):
        yield resource["deletedWith"]


def visits(resources: list[dict[str, Any]]) -> dict[str, int]:
    """By URN: how many nodes are visited from it, itself included."""
    found: dict[str, int] = {}
    for resource in resources:
        found[resource["urn"]] = 1 + sum(found[urn] for urn in edges(resource))
    return found

"""Patch resources: some fields of an object that someone else owns, by server-side apply."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from sim.plugins.kubernetes.objects import INPUTS, ObjectKind, apply_fields, laid, plain
from sim.plugins.server import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sim.plugins.kind import Resource
    from sim.plugins.kubernetes.api import Document, Object, Reference
    from sim.plugins.table import Failure
    from sim.plugins.values import Properties, Value

FORCE = "pulumi.com/patchForce"
IDENTITY = {"apiVersion", "kind"}


class PatchKind(ObjectKind):
    """Fields of an existing object; deleting the patch takes its fields away again."""

    def check(
        self, resource: Resource, olds: Properties, news: Properties, seed: bytes
    ) -> tuple[Properties, list[Failure]]:
        """Demand the name of the object that is patched; a part of an object has no schema of its own."""
        if plain(news).get("metadata", {}).get("name") is None:
            return news, [
                ("metadata", f"{resource.name}: metadata.name is required, as a patch names an existing object")
            ]
        return news, []

    async def create(self, resource: Resource, inputs: Properties) -> tuple[str, Properties]:
        """Lay the fields over the object."""
        return await self._patched("create", {}, inputs)

    async def update(self, resource: Resource, resource_id: str, state: Properties, news: Properties) -> Properties:
        """Lay new fields over it and take dropped ones away."""
        return (await self._patched("update", _fields(state[INPUTS]), news))[1]

    async def delete(self, resource: Resource, resource_id: str, state: Properties) -> None:
        """Take the fields away; an object that is gone has none."""
        ref = self.reference(plain(state))
        with self.reach().edit(f"unpatch {ref.kind} {ref.id}") as document:
            live = document.get(ref)
            if live is not None:
                _withdraw(live, _fields(state[INPUTS]))

    async def _patched(self, verb: str, old: Object, inputs: Properties) -> tuple[str, Properties]:
        ref, fields = self.reference(plain(inputs)), _fields(inputs)
        with self.reach().edit(f"{verb} {ref.kind}Patch {ref.id}") as document:
            live = self._target(document, ref)
            if FORCE not in plain(inputs)["metadata"].get("annotations", {}):
                for path in _conflicts(live, old, fields, ""):
                    law = "Server-Side Apply field conflict detected"
                    raise Refused(f'{law}: conflict with "k3s": {path}; set the annotation {FORCE}')
            apply_fields(live, old, fields)
            state = laid(copy.deepcopy(live), inputs) | {INPUTS: inputs}
        return ref.id, state

    def _target(self, document: Document, ref: Reference) -> Object:
        live = document.get(ref)
        if live is None:
            raise Refused(f'{ref.plural} "{ref.name}" not found: a patch needs an object that exists')
        return live


def _fields(inputs: Properties) -> Object:
    """Return the fields that a patch owns: neither what names the object, nor notes to the plugin."""
    content = {key: item for key, item in plain(inputs).items() if key not in IDENTITY}
    metadata = dict(content.get("metadata", {}))
    metadata = {key: item for key, item in metadata.items() if key not in ("name", "namespace")}
    notes = {key: item for key, item in metadata.pop("annotations", {}).items() if not key.startswith("pulumi.com/")}
    content["metadata"] = metadata | ({"annotations": notes} if notes else {})
    return content


def _conflicts(live: Value, old: Value, new: Value, path: str) -> Iterator[str]:
    """Yield paths that have another value and were not ours."""
    if isinstance(live, dict) and isinstance(new, dict):
        before = old if isinstance(old, dict) else {}
        for key, item in new.items():
            if key in live:
                yield from _conflicts(live[key], before.get(key), item, f"{path}.{key}")
    elif live not in (new, old):
        yield path


def _withdraw(live: Object, fields: Object) -> None:
    """Remove the leaves that a patch had set."""
    for key, item in fields.items():
        if isinstance(item, dict) and isinstance(live.get(key), dict):
            _withdraw(live[key], item)
        else:
            live.pop(key, None)

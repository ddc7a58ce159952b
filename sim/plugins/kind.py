"""One resource type of a double, and the parts that all bridged Terraform resources share."""

from __future__ import annotations

import abc
import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.plugins.changes import Changes, compare, preview_of, top
from sim.plugins.server import Refused
from sim.plugins.table import Failure, Table, check
from sim.plugins.values import UNKNOWN, Properties, Secret, Value, has_unknown, reveal

if TYPE_CHECKING:
    from pulumi.provider.experimental.provider import PropertyDiffKind


@dataclass(frozen=True, kw_only=True)
class Resource:
    """Which resource of a program a call is about."""

    urn: str
    type: str
    """The token, without the types of its parents."""

    name: str
    """The name in the program."""


class Kind(abc.ABC):
    """What a resource type does; properties go in and out as plain Python, secrets wrapped."""

    @abc.abstractmethod
    def check(
        self, resource: Resource, olds: Properties, news: Properties, seed: bytes
    ) -> tuple[Properties, list[Failure]]:
        """Check and complete inputs."""

    @abc.abstractmethod
    def diff(self, resource: Resource, state: Properties, news: Properties) -> Changes:
        """Compare a state with checked inputs."""

    @abc.abstractmethod
    def foresee(self, resource: Resource, inputs: Properties) -> Properties:
        """Foretell the state of a new resource, without touching anything."""

    @abc.abstractmethod
    def foresee_update(self, resource: Resource, state: Properties, news: Properties) -> Properties:
        """Foretell the state after an update, without touching anything."""

    @abc.abstractmethod
    async def create(self, resource: Resource, inputs: Properties) -> tuple[str, Properties]:
        """Make it; return id and state."""

    @abc.abstractmethod
    async def read(self, resource: Resource, resource_id: str, state: Properties) -> Properties | None:
        """Look at it; None when it is gone."""

    async def take(self, resource: Resource, resource_id: str) -> tuple[str, Properties, Properties] | None:
        """Look at it by an id alone, to import it: id, inputs and state; None when it is not there."""
        raise Refused(f"{resource.type}: importing is not simulated (id {resource_id})")

    @abc.abstractmethod
    async def update(self, resource: Resource, resource_id: str, state: Properties, news: Properties) -> Properties:
        """Change it in place; return the new state."""

    @abc.abstractmethod
    async def delete(self, resource: Resource, resource_id: str, state: Properties) -> None:
        """Remove it; one that is gone is no error."""


def digest(text: str) -> str:
    """Return the digest a state keeps in place of a long text (base64 of SHA-1, as the Terraform provider does)."""
    return base64.b64encode(hashlib.sha1(text.encode(), usedforsecurity=False).digest()).decode()


class TableKind(Kind):
    """A bridged Terraform resource: check, diff and previews come from its table."""

    table: Table

    def check(
        self, resource: Resource, olds: Properties, news: Properties, seed: bytes
    ) -> tuple[Properties, list[Failure]]:
        """Check by the table; where the program gives no name, the one it had is kept."""
        checked, failures = check(self.table, resource.name, news, seed)
        if "name" in checked.get("__defaults", []) and "name" in olds:
            checked["name"] = olds["name"]
        return checked, failures

    def diff(self, resource: Resource, state: Properties, news: Properties) -> Changes:
        """Compare by the table."""
        olds, new = reveal(state), reveal(self.stored(news))
        for name in self.table.names:
            olds[name], new[name] = self._aligned(name, olds.get(name), new.get(name))
        changes = compare(olds, new, self.table.names, replaces=self._replaces, kept=self.table.kept)
        changes.delete_first = self.table.deletes_first(news)
        return changes

    def foresee(self, resource: Resource, inputs: Properties) -> Properties:
        """Foretell the inputs, and what the cloud fills as unknown."""
        return preview_of((*self.table.outputs, *sorted(self.table.kept)), self.stored(inputs))

    def foresee_update(self, resource: Resource, state: Properties, news: Properties) -> Properties:
        """Foretell new inputs over what the cloud had filled."""
        return self.merged(state, news)

    def stored(self, inputs: Properties) -> Properties:
        """Return what the state keeps of inputs."""
        return {
            key: self._hashed(item) if key in self.table.hashed else item
            for key, item in inputs.items()
            if key != "__defaults"
        }

    def merged(self, state: Properties, news: Properties) -> Properties:
        """Put new inputs over a state; inputs left out go, unless the cloud fills them."""
        gone = {name for name in self.table.names if name not in news and name not in self.table.kept}
        return {key: item for key, item in state.items() if key not in gone} | self.stored(news)

    def _replaces(self, path: str, kind: PropertyDiffKind) -> bool:
        return top(path) in self.table.replaces or any(
            path.startswith(prefix) for prefix in self.table.replaces if "." in prefix
        )

    def _hashed(self, item: Value) -> Value:
        if isinstance(item, Secret):
            return Secret(self._hashed(item.value))
        return UNKNOWN if has_unknown(item) else digest(item)

    def _aligned(self, name: str, old: Value, new: Value) -> tuple[Value, Value]:
        """Make two values comparable: empty is absent, order may mean nothing, the cloud's parts are taken over."""
        if new is None and old in ([], {}):
            return None, None
        if not isinstance(old, list) or not isinstance(new, list):
            return old, new
        if name in self.table.unordered:
            old, new = sorted(old, key=repr), sorted(new, key=repr)
        parts = self.table.parts_kept.get(name, frozenset())
        if not parts or len(old) != len(new):
            return old, new
        return old, [
            {part: before[part] for part in parts if part in before} | after
            for before, after in zip(old, new, strict=True)
        ]

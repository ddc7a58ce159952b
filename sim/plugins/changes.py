"""What differs between a state and new inputs, path by path, in the form an engine asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pulumi.provider.experimental.provider import DiffResponse, PropertyDiff, PropertyDiffKind

from sim.plugins.values import UNKNOWN, Properties, Value, reveal, same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ADD, DELETE, UPDATE = PropertyDiffKind.ADD, PropertyDiffKind.DELETE, PropertyDiffKind.UPDATE
REPLACING = {
    ADD: PropertyDiffKind.ADD_REPLACE,
    DELETE: PropertyDiffKind.DELETE_REPLACE,
    UPDATE: PropertyDiffKind.UPDATE_REPLACE,
}


@dataclass
class Changes:
    """The answer to a diff: every changed path with its kind, and the order of a replacement."""

    paths: dict[str, PropertyDiffKind] = field(default_factory=dict)
    """`labels.role` or `triggers[0]` to what happens to it."""

    delete_first: bool = False
    """A replacement deletes the old one before the new one is made."""

    @property
    def replaces(self) -> list[str]:
        """Paths that cannot be changed in place."""
        return sorted(path for path, kind in self.paths.items() if kind in REPLACING.values())

    def answer(self) -> DiffResponse:
        """Put it on the wire."""
        return DiffResponse(
            changes=bool(self.paths),
            replaces=[top(path) for path in self.replaces],
            diffs=sorted({top(path) for path in self.paths}),
            delete_before_replace=self.delete_first and bool(self.replaces),
            detailed_diff={path: PropertyDiff(kind, input_diff=True) for path, kind in self.paths.items()},
        )


def top(path: str) -> str:
    """Name the property a path starts with."""
    return path.partition(".")[0].partition("[")[0]


def differences(path: str, old: Value, new: Value) -> Iterator[tuple[str, PropertyDiffKind]]:
    """Yield every changed path below `path`; where one side of a map or list is missing, that entry came or went."""
    old, new = reveal(old), reveal(new)
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(set(old) | set(new)):
            yield from _entry(f"{path}.{key}", old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            yield from _entry(
                f"{path}[{index}]",
                old[index] if index < len(old) else None,
                new[index] if index < len(new) else None,
            )
    elif not same(old, new):
        yield path, UPDATE


def _entry(path: str, old: Value, new: Value) -> Iterator[tuple[str, PropertyDiffKind]]:
    if old is None and new is None:
        return
    if old is None:
        yield path, ADD
    elif new is None:
        yield path, DELETE
    else:
        yield from differences(path, old, new)


def compare(
    olds: Properties,
    news: Properties,
    names: tuple[str, ...],
    *,
    replaces: Callable[[str, PropertyDiffKind], bool],
    kept: frozenset[str] = frozenset(),
) -> Changes:
    """Compare the named properties.

    Args:
        olds: the state.
        news: checked inputs.
        names: the properties that count.
        replaces: says whether a change at a path needs a replacement.
        kept: properties that stay as they are when an input leaves them out.
    """
    changes = Changes()
    for name in names:
        old, new = olds.get(name), news.get(name)
        if new is None and name in kept:
            continue
        for path, kind in _entry(name, old, new):
            changes.paths[path] = REPLACING[kind] if replaces(path, kind) else kind
    return changes


def preview_of(outputs: tuple[str, ...], inputs: Properties) -> Properties:
    """Foretell a new resource: its inputs, and every other output unknown."""
    return dict.fromkeys(outputs, UNKNOWN) | inputs

"""Words that a command takes beside its stack, as NAME=VALUE: what `make` hands over of its own command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operate.messages import OperateError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def read_words(verb: str, given: Sequence[str], takes: Mapping[str, str]) -> dict[str, str]:
    """The words by name; raises OperateError for one that the command does not take."""
    found = {}
    for word in given:
        name, equal, value = word.partition("=")
        if not equal or name not in takes:
            known = "; ".join(f"{one}={meaning}" for one, meaning in takes.items()) or "none"
            raise OperateError(f"make {verb} does not take {word!r}; it takes: {known}")
        found[name] = value
    return found

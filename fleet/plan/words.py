"""What a setting means, in the words of its field's docstring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from fleet.model import Model, camel

if TYPE_CHECKING:
    from collections.abc import Iterator


def _models(annotation: Any) -> Iterator[type[Model]]:  # noqa: ANN401 - an annotation may be anything
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def meaning(path: str, model: type[Model]) -> str:
    """The first sentence of the docstring of the field at a dotted path below `model`; empty where it has none.

    Where the last part of a path has none, that of the part around it is told: `firewall.adminRanges.0` is one of them.
    """
    first, _, rest = path.partition(".")
    for name, field in model.model_fields.items():
        if camel(name) != first:
            continue
        inner = next((said for one in _models(field.annotation) if rest and (said := meaning(rest, one))), "")
        return inner or _sentence(field.description or "")
    return ""


def _sentence(text: str) -> str:
    flat = " ".join(text.split())
    return flat.partition(". ")[0].partition("; ")[0].rstrip(".:")

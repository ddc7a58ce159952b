"""Custom resource definitions as data, for the few that come with no chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleet.addons.values import Values


def definition(  # noqa: PLR0913 - a definition has that many parts
    group: str,
    kind: str,
    plural: str,
    *,
    version: str,
    spec: Values,
    short_names: Sequence[str] = (),
) -> Values:
    """A namespaced definition with one version and the schema of its `spec`."""
    names: Values = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": plural.removesuffix("s")}
    if short_names:
        names["shortNames"] = list(short_names)
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    return {
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": names,
            "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
        },
    }

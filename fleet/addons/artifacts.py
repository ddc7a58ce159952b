"""What of the add-ons comes from registries, and which content each name had when `make lock` last asked.

A tag or a version is a name that its owner can give to another content. Where the lock has a digest, a node takes that
content or none. Where it has none, nobody has asked yet from a machine that reaches the registry.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fleet.addons import kyverno, longhorn, multus, smoke_test, storage_network
from fleet.catalog import VERSIONS
from fleet.model import Model

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class Artifacts(Model):
    """The lock: digests by name; None where none is known yet."""

    images: dict[str, Digest | None]
    """By reference with its tag; of the index of all architectures."""

    charts: dict[str, Digest | None]
    """Of a chart's archive, by `REPOSITORY NAME VERSION`."""


def names() -> Artifacts:
    """All that the program may ask a registry for, without digests."""
    images = (
        *(multus.image(version) for version in VERSIONS.multus),
        smoke_test.IMAGE,
        storage_network.IMAGE,
    )
    charts = (
        *(f"{kyverno.REPOSITORY} {kyverno.CHART} {version}" for version in VERSIONS.kyverno),
        *(f"{kyverno.REPOSITORY} {kyverno.POLICIES_CHART} {version}" for version in VERSIONS.kyverno),
        *(f"{longhorn.REPOSITORY} {longhorn.CHART} {version}" for version in VERSIONS.longhorn),
    )
    return Artifacts(images=dict.fromkeys(sorted(images)), charts=dict.fromkeys(sorted(charts)))

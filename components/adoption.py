"""Objects that are in a cloud already: they are taken into the state instead of being made (operate/adoption.py)."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi

if TYPE_CHECKING:
    from collections.abc import Mapping

ADOPTED = "NIXFLEET_ADOPTED"
"""Names a file of JSON: ids by type token and name of the resource."""


def adopt() -> None:
    """Import what the file names; without one every resource is made as usual."""
    file = os.environ.get(ADOPTED)
    if file:
        taken = json.loads(Path(file).read_text(encoding="utf-8"))
        pulumi.runtime.register_stack_transformation(partial(_taken, taken))


def _taken(
    taken: Mapping[str, Mapping[str, str]], args: pulumi.ResourceTransformationArgs
) -> pulumi.ResourceTransformationResult | None:
    ident = taken.get(args.type_, {}).get(args.name)
    if ident is None:
        return None
    return pulumi.ResourceTransformationResult(
        props=args.props, opts=pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(import_=ident))
    )

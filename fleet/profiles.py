"""The network profiles on disk, `nix/network/profiles/<name>.json`. What they must hold is laws/profiles.py's matter."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fleet.document import read
from fleet.faults import Fault, FleetError
from fleet.network import Profile

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "nix/network/profiles"


def _plain(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FleetError(
            str(path), (Fault(path="document", value=str(error), law="a profile is a readable JSON file", cure="correct it"),)
        ) from None


def load_profiles(root: Path) -> dict[str, Profile]:
    """All profiles of the project at `root` by name; raises FleetError when one cannot be read."""
    return {path.stem: read(Profile, _plain(path), str(path)) for path in sorted((root / FOLDER).glob("*.json"))}

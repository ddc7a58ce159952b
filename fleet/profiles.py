"""The network profiles on disk, `nix/network/profiles/<name>.json`. What they must hold: laws/profiles.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.document import read
from fleet.files import read_json, refused
from fleet.network import Profile

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "nix/network/profiles"


def load_profiles(root: Path) -> dict[str, Profile]:
    """All profiles of the project at `root` by name; raises FleetError when one cannot be read."""
    profiles = {path: read(Profile, read_json(path), str(path)) for path in sorted((root / FOLDER).glob("*.json"))}
    for path, profile in profiles.items():
        if profile.name != path.stem:
            raise refused(
                str(path),
                "name",
                profile.name,
                "a profile's name is its file's",
                f"write {path.stem}, or rename the file",
            )
    return {profile.name: profile for profile in profiles.values()}

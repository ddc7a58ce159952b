"""Names of packages: each is in a list with its place in nixpkgs, as far as its source could be read.

The locked revision itself was not at hand: places are of versions near it (the file under pkgs/by-name exists, or
top-level/all-packages.nix has the name). Null was not read. What a name builds is for `nix flake check` to say.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tests.nix import toolbox

if TYPE_CHECKING:
    from collections.abc import Callable

PLACES: dict[str, str | None] = json.loads((toolbox.HERE / "packages.json").read_text())
BUILDERS = {
    # keep-sorted start
    "extend",
    "fetchFromGitHub",
    "formats.json",
    "formats.yaml",
    "lib",
    "linkFarm",
    "mkShell",
    "runCommand",
    "runtimeShell",
    "stdenv.hostPlatform",
    "testers.runNixOSTest",
    "writeShellApplication",
    "writeShellScript",
    "writeText",
    # keep-sorted end
}
"""Functions and values of the package set, which are no packages."""

ARGUMENT = re.compile(r"^  ([\w-]+),$", re.MULTILINE)


def used() -> set[str]:
    """Names that the tree takes from the package set: after `pkgs.`, and as arguments of its own packages."""
    names: set[str] = set()
    for path in toolbox.TREE.rglob("*.nix"):
        text = re.sub(r"(?m)(^|\s)#.*$", "", path.read_text())
        names.update(found[1].strip(".") for found in toolbox.PACKAGE.finditer(text))
        if path.name == "package.nix":
            names.update(ARGUMENT.findall(text))
    return {name for name in names if not name.startswith("lib.")} - BUILDERS


def test_every_package_is_in_the_list_and_nothing_else() -> None:
    assert used() == set(PLACES)


def test_places_are_where_nixpkgs_keeps_packages(record_values: Callable[[str], None]) -> None:
    for name, place in PLACES.items():
        assert place is None or re.fullmatch(r"pkgs/(by-name|top-level|applications)/[\w/.-]+\.nix", place), name
        if place and place.startswith("pkgs/by-name/"):
            assert place == f"pkgs/by-name/{name[:2]}/{name}/package.nix"
    unread = sorted(name for name, place in PLACES.items() if place is None)
    known = len(PLACES) - len(unread)
    record_values(f"{known} of {len(PLACES)} packages have a known place in nixpkgs; not read: {', '.join(unread)}")

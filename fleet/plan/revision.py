"""A stack as it stands in the work tree, or as it stood at a revision of git. The work tree is never touched."""

from __future__ import annotations

import os
import subprocess
import tarfile
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from fleet import stackfile
from fleet.contract.difference import Side
from fleet.contract.facts import contract
from fleet.document import read
from fleet.files import read_text, refused
from fleet.keys.identities import Identities
from fleet.profiles import load_profiles
from fleet.settings import Fleet

if TYPE_CHECKING:
    from collections.abc import Iterator

NIX = "nix"


@dataclass(frozen=True, kw_only=True)
class Revision:
    """One of the two stacks that are compared, with the files that its systems are made of."""

    label: str
    """How it is called: a revision's short name, or empty for the work tree."""

    fleet: Fleet
    side: Side
    nix: Path
    """The folder that has its modules."""


def work_tree(stack: str, root: Path) -> Revision:
    """The stack as it stands here, held to every law; raises FleetError with all faults."""
    found = stackfile.load(stack, root)
    side = Side(contract=contract(found.name, found.fleet, found.identities, found.profiles), fleet=found.fleet)
    return Revision(label="", fleet=found.fleet, side=side, nix=root / NIX)


def _git(root: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    # A hook or a rebase that runs this has named its own repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(["git", "-C", str(root), *words], capture_output=True, check=False, env=environment)


def _name_of(root: Path, revision: str) -> str | None:
    """A revision's short name; None where there is no such one, or no git."""
    try:
        answer = _git(root, "rev-parse", "--verify", "--quiet", "--short", "--end-of-options", f"{revision}^{{commit}}")
    except FileNotFoundError:
        return None
    return answer.stdout.decode().strip() or None


def _unpacked(root: Path, name: str, stack: str, folder: Path) -> bool:
    """Write what a stack is made of at a revision into `folder`; False where it has no such stack."""
    file = f"Pulumi.{stack}.yaml"
    if not _git(root, "ls-tree", "--name-only", name, "--", file).stdout:
        return False
    paths = [path for path in (file, NIX) if _git(root, "ls-tree", name, "--", path).stdout]
    archive = _git(root, "archive", "--format=tar", name, "--", *paths)
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as tar:
        for member in tar:
            content = tar.extractfile(member)  # None for a folder
            if content:
                path = folder / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())
    return True


@contextmanager
def at_revision(stack: str, root: Path, revision: str) -> Iterator[Revision | None]:
    """The stack as it stood at `revision`; None where it was not there yet.

    Only its types are checked: it was lawful by the laws of its own time. Raises FleetError where there is no such
    revision, or where this program cannot read the stack file of that time.
    """
    name = _name_of(root, revision)
    if name is None:
        raise refused(
            "the base of the plan",
            "--base",
            revision,
            "a base is a revision that git knows here",
            "name a commit, a branch or a tag; a shallow clone has to fetch it first",
        )
    with tempfile.TemporaryDirectory(prefix="nixfleet-plan-") as place:
        folder = Path(place)
        yield _read(stack, folder, name) if _unpacked(root, name, stack, folder) else None


def _read(stack: str, folder: Path, name: str) -> Revision:
    path = stackfile.path_of(stack, folder)
    config = stackfile.config_of(path, read_text(path))
    source = f"{path.name} at {name}"
    for key in (stackfile.FLEET_KEY, stackfile.IDENTITIES_KEY):
        if key not in config:
            raise refused(source, key, "absent", "a stack file has it", "take a later revision as the base")
    fleet = read(Fleet, config[stackfile.FLEET_KEY], source)
    identities = read(Identities, config[stackfile.IDENTITIES_KEY], source)
    profiles = load_profiles(folder)
    side = Side(contract=contract(stack, fleet, identities, profiles), fleet=fleet)
    return Revision(label=name, fleet=fleet, side=side, nix=folder / NIX)


def default_base(root: Path) -> str | None:
    """What a plan is compared with unless something is named: the last commit; None where there is none."""
    return "HEAD" if _name_of(root, "HEAD") else None

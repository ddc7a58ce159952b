"""What is refused before the engine starts: a step that breaks a law, and the end of a stack that is protected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from fleet import stackfile
from fleet.document import read_fleet
from fleet.faults import FleetError
from fleet.profiles import load_profiles
from fleet.transition import broken_laws, precedent
from operate.messages import OperateError

if TYPE_CHECKING:
    from pathlib import Path

    from fleet.settings import Fleet
    from fleet.transition import Precedent
    from operate.past import Past


def hold(verb: str, stack: str, file: Path, root: Path, known: Past) -> None:
    """Raise OperateError where a run must not begin."""
    if verb == "destroy":
        _hold_end(stack, known)
    elif verb in {"up", "preview"} and known.precedent is not None:
        wanted = wanted_fleet(file, root)
        if wanted is not None:
            _hold_step(stack, known.precedent, precedent(wanted))


def _hold_end(stack: str, known: Past) -> None:
    if not known.protected:
        return
    raise OperateError(
        f"stack {stack} is protected, and nothing was deleted: {', '.join(known.protected)}; if its end is meant, set "
        f"`protection: false` in Pulumi.{stack}.yaml, run `make up STACK={stack}`, then run this command again"
    )


def _hold_step(stack: str, before: Precedent, after: Precedent) -> None:
    faults = broken_laws(before, after)
    if faults:
        refused = FleetError(f"the change of stack {stack}", faults)
        raise OperateError(f"nothing was begun: {refused}")


def wanted_fleet(file: Path, root: Path) -> Fleet | None:
    """The fleet that the file describes; None where the program will say what is wrong with it."""
    try:
        document: Any = yaml.safe_load(file.read_bytes())
        return read_fleet(document["config"][stackfile.FLEET_KEY], file.name, load_profiles(root))
    except (FleetError, KeyError, TypeError, OSError, yaml.YAMLError):
        return None

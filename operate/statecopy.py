"""A copy of a stack's state on this computer, for the day when the backend has lost it.

Secrets in it are encrypted as they are in the backend. Only its owner may read it.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pulumi import automation as auto

from fleet.plan.times import folder_of
from operate.engine import Workspace, environment, select, translated
from operate.kubeconfig import write_private
from operate.messages import OperateError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operate.engine import Place

NAME = "state.json"

RECALL_WORDS = {
    "FILE": "where the copy is; that of the last run on this computer",
    "OVER": "yes, also over a state that has resources",
}


def _own(place: Place) -> Path:
    return folder_of(place.stack, place.environment) / NAME


def _resources(state: dict[str, Any]) -> int:
    return len((state.get("deployment") or {}).get("resources") or [])


def keep(place: Place) -> None:
    """Copy the state as it is now; a stack that has ended has no copy either. Raises OperateError."""
    with environment(place.variables()):
        text = cast("Workspace", select(place).workspace).state
    if _resources(json.loads(text)):
        write_private(_own(place), text)
    else:
        _own(place).unlink(missing_ok=True)


def recall(place: Place, words: Mapping[str, str]) -> int:
    """Give the backend the copy; raises OperateError where there is none, or where the backend has a state."""
    path = Path(words["FILE"]).expanduser() if words.get("FILE") else _own(place)
    try:
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        made = time.strftime("%F %T UTC", time.gmtime(path.stat().st_mtime))
    except FileNotFoundError:
        raise OperateError(
            f"there is no copy of the state at {path}: the computer of the last run has one; FILE=... names it"
        ) from None
    except ValueError:
        raise OperateError(f"{path} is no copy of a state: name another one with FILE=...") from None
    with environment(place.variables()):
        stack = select(place)
        there = _resources(json.loads(cast("Workspace", stack.workspace).state))
        if there and words.get("OVER") != "yes":
            raise OperateError(
                f"the backend has a state of stack {place.stack} with {there} resources; nothing was changed; if the "
                f"copy of {made} is meant to replace it: OVER=yes"
            )
        wanted = auto.Deployment(version=state["version"], deployment=state["deployment"])
        translated(place, lambda: stack.import_stack(wanted))
    suffix = "" if place.stack == "sim" else f" STACK={place.stack}"
    print(
        f"the state of {place.stack} is that of {made}: {_resources(state)} resources\n\n"
        f"Next:  make refresh{suffix}, which sees what has gone since, then make up{suffix}"
    )
    return 0

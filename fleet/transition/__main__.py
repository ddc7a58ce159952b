"""`python -m fleet.transition`: hold a run to the laws of a step. What `components/transition.py` runs first of all.

NIXFLEET_PRECEDENT has the wanted fleet, PULUMI_COMMAND_STDOUT what this printed last. It prints the wanted fleet, to be
remembered. Exit codes: 0 the step may be taken; 1 a law is broken.
"""

from __future__ import annotations

import os
import sys

from pydantic import ValidationError

from fleet.faults import FleetError
from fleet.transition import Precedent, broken_laws


def main() -> int:
    """Compare, and print what is to be remembered."""
    text = os.environ["NIXFLEET_PRECEDENT"]
    after = Precedent.model_validate_json(text)
    try:
        before = Precedent.model_validate_json(os.environ.get("PULUMI_COMMAND_STDOUT", ""))
    except ValidationError:
        before = None  # nothing is remembered yet, or in a form that this program does not know
    faults = broken_laws(before, after) if before else ()
    if faults:
        print(FleetError("the change", faults), file=sys.stderr)
        return 1
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

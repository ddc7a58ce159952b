"""What may change from one run to the next: laws between the fleet that was and the fleet that is wanted.

The laws of `fleet/laws` judge one document; these judge a step. `precedent.py` holds what is remembered of a fleet,
and each other module the laws of one subject. To add a law, write a function `(Step) -> Iterator[Fault]` in one of them
and mark it `@law`; a new module is imported here. What it needs to know of the past becomes a field of `HostPrecedent`
or `Precedent` with a default, so that a state which an older program wrote can still be read.

`operate/` holds every run to the laws before the engine starts, and `components/transition.py` does the same as the
first resource of all, for those who run the engine by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

# Importing a subject registers its laws.
from fleet.transition import disks, installation, members, protection, storage, versions
from fleet.transition.law import Step, laws
from fleet.transition.precedent import HostPrecedent, Installed, Precedent, precedent

if TYPE_CHECKING:
    from fleet.faults import Fault

__all__ = [
    # keep-sorted start
    "HostPrecedent",
    "Installed",
    "Precedent",
    "Step",
    "broken_laws",
    "disks",
    "installation",
    "members",
    "precedent",
    "protection",
    "storage",
    "versions",
    # keep-sorted end
]


def broken_laws(before: Precedent, after: Precedent) -> tuple[Fault, ...]:
    """Every fault of the step from `before` to `after`, sorted."""
    step = Step(before=before, after=after)
    return tuple(sorted({fault for law in laws() for fault in law(step)}))

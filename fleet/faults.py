"""What is wrong with a document, as data: where, which value, which law it breaks, and the cure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, order=True)
class Fault:
    """One broken law."""

    path: str
    """Where in the document, dotted: `hosts.n100-1.address`."""

    value: str
    """What stands there."""

    law: str
    """What must hold."""

    cure: str
    """What to write instead."""

    def __str__(self) -> str:
        """One line: path, value, law, cure."""
        return f"{self.path}: {self.value}: {self.law}; {self.cure}"


class FleetError(Exception):
    """A document that breaks laws; `faults` holds all of them, sorted by path."""

    def __init__(self, source: str, faults: tuple[Fault, ...]) -> None:
        """Gather the faults of the document called `source`."""
        self.source = source
        self.faults = tuple(sorted(set(faults)))
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        super().__init__(f"{source} has {count}:\n{lines}")

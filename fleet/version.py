"""Which version this program is, and which versions of its documents it reads."""

from __future__ import annotations

from pathlib import Path

from fleet.faults import Fault

LANGUAGE = 1
"""Version of the stack file's language: another one only where a document of before would mean something else."""

PROGRAM = (Path(__file__).resolve().parent.parent / "VERSION").read_text(encoding="utf-8").strip()
"""Version of the program, as CHANGELOG.md has it."""


def newer(path: str, found: object, known: int) -> Fault | None:
    """What is wrong with a document of this version; None where this program can read it."""
    if not isinstance(found, int) or isinstance(found, bool) or found <= known:
        return None
    return Fault(
        path=path,
        value=str(found),
        law=f"this program reads version {known}, and a newer one may mean something else by the same words",
        cure="use the program that it was written for, or a newer one: CHANGELOG.md says what changed",
    )

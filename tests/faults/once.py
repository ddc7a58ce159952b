"""`python -m tests.faults.once`: one run of the engine as a process that can be killed; the place comes by stdin."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from operate.engine import Place, run

if TYPE_CHECKING:
    from operate.engine import Verb


def main() -> int:
    """Run it; the answer is one line of JSON, and 0 only if it went well."""
    asked = json.load(sys.stdin)
    place = Place(stack=asked["stack"], folder=Path(asked["folder"]), environment=asked["environment"])
    verb: Verb = asked["verb"]
    done = run(verb, place)
    answer = {"ok": done.ok, "errors": done.errors, "shown": [done.stdout, done.stderr]}
    sys.stdout.write(f"{json.dumps(answer)}\n")
    return 0 if done.ok else 1


if __name__ == "__main__":
    sys.exit(main())

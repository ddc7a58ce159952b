"""`make soak`: kills engine, program, plugins and commands at seeded random moments, again and again.

Every round is judged by the laws of tests/faults. The seed is printed; `make soak ARGS='--seed N'` plays it again.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.faults.soak import Soak, drawn  # noqa: E402  the checkout is no installed package


def main(words: list[str]) -> int:
    """Soak; 1 when a law was broken."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50, help="kills (default: 50)")
    parser.add_argument("--seed", type=int, default=None, help="play the soak with this seed again")
    options = parser.parse_args(words)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    print(f"soak: {options.rounds} rounds, seed {seed} (make soak ARGS='--seed {seed}' plays them again)", flush=True)
    broken = 0
    with tempfile.TemporaryDirectory(prefix="nf-soak-") as folder:
        soak = Soak(Path(folder))
        for number in range(options.rounds):
            chosen, began = drawn(chance, number), time.monotonic()
            faults = soak.round(chosen)
            broken += bool(faults)
            word = "BROKEN" if faults else "ok"
            print(f"{number + 1:3} {chosen}: {word} ({time.monotonic() - began:.0f} s)")
            for fault in faults:
                print(f"    {fault}")
            sys.stdout.flush()
    print(f"soak: {options.rounds - broken} of {options.rounds} rounds kept every law (seed {seed})")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m operate VERB --stack STACK`: what `pulumi up` does, with a report, and messages that say what to do.

It knows nothing of the simulated fleet: sim/ calls it with another place.
"""

from __future__ import annotations

import argparse
import sys

from operate.commands import VERBS, act
from operate.engine import Place
from operate.failures import exit_code


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line; exits with code 2 and a usage message when it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m operate", description="Run a stack on the real engine.")
    parser.add_argument("verb", choices=sorted(VERBS))
    parser.add_argument("--stack", required=True, help="name of the stack: Pulumi.<stack>.yaml describes it")
    parser.add_argument("words", nargs="*", metavar="NAME=VALUE", help="what some commands take beside the stack")
    return parser.parse_intermixed_args(arguments)


def main(arguments: list[str]) -> int:
    """Do the verb; the exit code is 0 only when it was done."""
    options = parse(arguments)
    return exit_code(lambda: act(options.verb, Place(stack=options.stack), options.words))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m operate VERB --stack STACK`: the same runs as `pulumi up`, with a readable report and messages that say what to do.

It knows nothing of the simulated fleet: sim/ calls it with another place.
"""

from __future__ import annotations

import argparse
import sys

from operate.actions import ACTIONS
from operate.engine import Place
from operate.messages import OperateError


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line; exits with code 2 and a usage message when it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m operate", description="Run a stack on the real engine.")
    parser.add_argument("verb", choices=sorted(ACTIONS))
    parser.add_argument("--stack", required=True, help="name of the stack: Pulumi.<stack>.yaml describes it")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Do the verb; the exit code is 0 only when it was done."""
    options = parse(arguments)
    try:
        return ACTIONS[options.verb](Place(stack=options.stack))
    except OperateError as error:
        print(f"error: {error}", file=sys.stderr)
    except OSError as error:
        # A full disk or a folder without permission, met by ourselves rather than by the engine.
        print(f"error: {error.strerror}: {error.filename or 'no file named'}: free space or permission is missing there; then run the same command again", file=sys.stderr)
    except KeyboardInterrupt:
        print("stopped before the engine began: nothing was changed", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

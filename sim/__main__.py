"""`python -m sim VERB`: drives a stack on the simulated fleet. The runs themselves are operate's, unchanged."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from operate.actions import ACTIONS
from operate.commands import VERBS, act
from operate.engine import ROOT
from operate.failures import exit_code
from operate.messages import OperateError
from sim.session import alone
from sim.site import Site
from sim.stage import Stage

WORLD = ROOT / ".sim"
"""The world of stack sim: kept between commands, ignored by git."""


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line; exits with code 2 and a usage message when it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m sim", description="Run a stack on the simulated fleet.")
    parser.add_argument("verb", choices=(*VERBS, "rehearse", "reset"))
    parser.add_argument("--stack", default="sim", help="name of the stack (default: sim)")
    parser.add_argument(
        "--world", type=Path, default=WORLD, help=f"folder of the simulated world (default: {WORLD.name})"
    )
    parser.add_argument("words", nargs="*", metavar="NAME=VALUE", help="what some commands take beside the stack")
    return parser.parse_intermixed_args(arguments)


def reset(base: Path) -> int:
    """Forget the simulated fleet: machines, clouds and state."""
    with alone(base):
        for path in base.iterdir():
            if path.name != "lock":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    print(f"the simulated fleet in {base} is gone; `make up` makes a new one")
    return 0


def drive(stack: str, base: Path, verb: str, words: list[str]) -> int:
    """Run one verb on the stack of this checkout."""
    passphrase = os.environ.get("PULUMI_CONFIG_PASSPHRASE")
    if passphrase is None:
        raise OperateError(
            f"no passphrase: run `make {verb}`, which knows that of the simulated stack, or set "
            "PULUMI_CONFIG_PASSPHRASE"
        )
    stage = Stage(stack=stack, base=base, folder=ROOT, contracts=ROOT / "nix" / "fleet", passphrase=passphrase)
    with stage.powered():
        return act(verb, stage.place, words)


def rehearse(stack: str) -> int:
    """Bring a stack's own file up on a simulated fleet of its own, with throwaway keys and state."""
    with tempfile.TemporaryDirectory(prefix=f"nixfleet-{stack}-") as folder:
        site = Site.of_stack(Path(folder), stack)
        with site.powered():
            for verb in ("preview", "up", "preview"):
                print(f"\nrehearsal of {stack}: {verb}", file=sys.stderr)
                if code := ACTIONS[verb](site.stage.place):
                    return code
    print(f"\nThe rehearsal of {stack} went well; nothing of it is left, and no real machine was touched.")
    return 0


def main(arguments: list[str]) -> int:
    """Do the verb; the exit code is 0 only when it was done."""
    options = parse(arguments)
    base = options.world.absolute()
    if options.verb == "reset":
        return exit_code(lambda: reset(base))
    if options.verb == "rehearse":
        return exit_code(lambda: rehearse(options.stack))
    return exit_code(lambda: drive(options.stack, base, options.verb, options.words))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

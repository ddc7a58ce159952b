"""`python -m fleet`: check, contract, keys."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from fleet import stackfile
from fleet.contract import contract, render
from fleet.encryption import EncryptionError, environment
from fleet.faults import FleetError
from fleet.keystore import complete


def _contracts(root: Path) -> Path:
    return Path(os.environ.get("NIXFLEET_CONTRACTS") or root / "nix/fleet")


def _contract(arguments: argparse.Namespace) -> int:
    stack = stackfile.load(arguments.stack, arguments.root)
    text = render(contract(stack.name, stack.fleet, stack.identities, stack.profiles))
    path = _contracts(arguments.root) / f"{stack.name}.json"
    if arguments.check:
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            print(f"{path} is stale; run `make contract STACK={stack.name}`", file=sys.stderr)
            return 1
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    stackfile.write_whole(path, text)
    return 0


def _keys(arguments: argparse.Namespace) -> int:
    complete(arguments.stack, arguments.root, environment())
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fleet")
    parser.add_argument("--root", type=Path, default=stackfile.ROOT)
    verbs = parser.add_subparsers(required=True)
    for name, run in (("contract", _contract), ("keys", _keys)):
        verb = verbs.add_parser(name)
        verb.add_argument("--stack", required=True)
        verb.set_defaults(run=run)
        if name == "contract":
            verb.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    try:
        return int(arguments.run(arguments))
    except (FleetError, EncryptionError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

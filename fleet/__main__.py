"""`python -m fleet`: init, check, contract, schema, keys, sops, known-hosts, diff, plan, topology.

Exit codes: 0 done; 1 a fault in a document, a stale file, a plan that is refused, or a step that failed; 2 the command
line is wrong; 130 stopped.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fleet import stackfile
from fleet.contract import generated
from fleet.contract.difference import Impact, Side, changes, render_changes
from fleet.contract.evaluation import impacts, told
from fleet.contract.facts import Contract
from fleet.document import read
from fleet.faults import FleetError
from fleet.files import read_json
from fleet.initial import GONE, Question, begin
from fleet.keys.encryption import EncryptionError, environment
from fleet.keys.keystore import complete
from fleet.plan.command import add_arguments, add_picture, run_picture, run_plan
from fleet.version import LANGUAGE, PROGRAM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def _folder(root: Path) -> Path:
    return root / environment().get("NIXFLEET_CONTRACTS", generated.CONTRACTS)


def _stacks(arguments: argparse.Namespace) -> tuple[str, ...]:
    return (arguments.stack,) if arguments.stack else stackfile.names(arguments.root)


def _settle(arguments: argparse.Namespace, files: Mapping[Path, str], command: str) -> None:
    """Write generated files, or with --check refuse stale ones."""
    if arguments.check:
        generated.require(files, command)
        return
    for path in generated.write(files):
        print(f"wrote {path}")


def _check(arguments: argparse.Namespace) -> None:
    paths = (
        [arguments.file] if arguments.file else [stackfile.path_of(name, arguments.root) for name in _stacks(arguments)]
    )
    errors = []
    for path in paths:
        try:
            stack = stackfile.load_file(_stack_of(path), path, arguments.root)
        except FleetError as error:
            errors.append(str(error))
        else:
            note = "; its keys are examples" if stack.identities.example else ""
            print(f"{path.name}: {len(stack.fleet.hosts)} hosts, no fault{note}")
    if errors:
        raise _Several("\n".join(errors))


class _Several(Exception):  # noqa: N818 - it carries errors that have names of their own
    """Faults of several files."""


def _stack_of(path: Path) -> str:
    return path.name.removeprefix("Pulumi.").removesuffix(".yaml").removesuffix(".yml")


def _contract(arguments: argparse.Namespace) -> None:
    for name in _stacks(arguments):
        stack = stackfile.load(name, arguments.root)
        folder = _folder(arguments.root)
        files = {**generated.contract_file(stack, folder), **generated.known_hosts_file(stack, folder)}
        _settle(arguments, files, f"make contract STACK={name}")


def _known_hosts(arguments: argparse.Namespace) -> None:
    for name in _stacks(arguments):
        stack = stackfile.load(name, arguments.root)
        files = generated.known_hosts_file(stack, _folder(arguments.root))
        _settle(arguments, files, f"python -m fleet known-hosts --stack {name}")


def _sops(arguments: argparse.Namespace) -> None:
    _settle(arguments, generated.sops_file(arguments.root), "python -m fleet sops")


def _schema(arguments: argparse.Namespace) -> None:
    _settle(arguments, generated.schema_file(arguments.root), "python -m fleet schema")


def _ask(question: Question) -> str:
    what = "name" if question.renames else "value"
    leave = f", {GONE} leaves it out" if question.renames else ""
    return input(f"{question.word}: {what}{leave} [{question.shown}] ")


def _init(arguments: argparse.Namespace) -> None:
    answers = dict(word.split("=", 1) for word in arguments.answers if "=" in word)
    if len(answers) != len(arguments.answers):
        raise _Several("an answer is PATH=VALUE, each path once, for example hosts.n100-1.address=10.0.1.21")
    ask = None if arguments.defaults or not sys.stdin.isatty() else _ask
    if ask:
        print("Enter keeps what stands in brackets.")
    path = begin(arguments.stack, arguments.source, arguments.root, answers, ask)
    suffix = f"STACK={arguments.stack}"
    print(f"wrote {path}\n\nNext:  make keys {suffix}       keys of its own, and its contract")
    print(f"       make rehearse {suffix}   runs it on a simulated fleet")


def _keys(arguments: argparse.Namespace) -> None:
    done = complete(arguments.stack, arguments.root, environment())
    for line in done.lines() or ("nothing is missing",):
        print(f"{arguments.stack}: {line}")
    stack, folder = stackfile.load(arguments.stack, arguments.root), _folder(arguments.root)
    # Their content follows from the public halves, so a run that was cut off here is made good by the next one.
    files = {
        **generated.contract_file(stack, folder),
        **generated.known_hosts_file(stack, folder),
        **generated.sops_file(arguments.root),
    }
    for path in generated.write(files):
        print(f"wrote {path}")


def _side(word: str, root: Path) -> Side:
    """A contract or a stack file by its path, or a stack by its name."""
    path = Path(word)
    if path.suffix == ".json":
        return Side(contract=read(Contract, read_json(path), str(path)), fleet=None)
    stack = (
        stackfile.load_file(_stack_of(path), path, root)
        if path.suffix in (".yaml", ".yml")
        else stackfile.load(word, root)
    )
    return Side(contract=generated.contract_of(stack), fleet=stack.fleet)


def _diff(arguments: argparse.Namespace) -> None:
    old, new = (_side(word, arguments.root) for word in (arguments.old, arguments.new))
    found = changes(old, new)
    print(render_changes(found), end="")
    tree = arguments.root / "nix"
    if not (tree / "flake.nix").is_file():
        return
    if shutil.which("nix") is None:
        print("no nix on PATH, which could say whether units or k3s restart, or the host reboots", file=sys.stderr)
        return
    graver = {change.subject: GRAVER[change.impact] for change in found if change.impact in GRAVER}
    try:
        print(told(impacts(old.contract, new.contract, tree), graver), end="")
    except FleetError as error:
        # The difference itself is known.
        print(f"what happens to each host is not known: {error}", file=sys.stderr)


GRAVER = {
    Impact.RESTART: "reboot: its cloud changes its machine",
    Impact.INSTALL: "installation",
}
"""What an evaluation does not know of."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fleet", description="The fleet's language: stack files and what follows from them."
    )
    parser.add_argument(
        "--root", type=Path, default=stackfile.ROOT, help="the checkout (default: the one this package is in)"
    )
    parser.add_argument("--version", action="version", version=f"nixfleet {PROGRAM}, language {LANGUAGE}")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    check = verbs.add_parser("check", help="hold stack files to every law")
    which = check.add_mutually_exclusive_group()
    which.add_argument("file", nargs="?", type=Path, help="a stack file")
    which.add_argument("--stack", help="one stack (default: all)")
    check.set_defaults(run=_check)
    for name, run, text in (
        ("contract", _contract, "write nix/fleet/<stack>.json and <stack>.known_hosts"),
        ("known-hosts", _known_hosts, "write nix/fleet/<stack>.known_hosts"),
        ("sops", _sops, "write .sops.yaml"),
        ("schema", _schema, "write fleet/schema.json"),
    ):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("--check", action="store_true", help="write nothing; fail where a file is stale")
        if name in ("contract", "known-hosts"):
            verb.add_argument("--stack", help="one stack (default: all)")
        verb.set_defaults(run=run)
    init = verbs.add_parser("init", help="begin a stack of one's own from an existing one")
    init.add_argument("--stack", required=True, help="name of the new stack")
    init.add_argument("--from", dest="source", default="lab", help="the stack to begin from (default: lab)")
    init.add_argument("--defaults", action="store_true", help="ask nothing: what is not answered stays as it is there")
    init.add_argument("answers", nargs="*", metavar="PATH=VALUE", help="answers to what would be asked")
    init.set_defaults(run=_init)
    keys = verbs.add_parser("keys", help="make the keys that a stack lacks; never overwrites one")
    keys.add_argument("--stack", required=True)
    keys.set_defaults(run=_keys)
    diff = verbs.add_parser("diff", help="which hosts change from OLD to NEW, and how hard")
    diff.add_argument("old", metavar="OLD", help="a stack, a stack file or a contract")
    diff.add_argument("new", metavar="NEW", help="a stack, a stack file or a contract")
    diff.set_defaults(run=_diff)
    plan = verbs.add_parser("plan", help="what a change would do to which host, in which order, for how much money")
    add_arguments(plan)
    plan.set_defaults(run=run_plan)
    topology = verbs.add_parser("topology", help="draw the picture of a stack alone")
    add_picture(topology)
    topology.set_defaults(run=run_picture)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; every foreseeable error is one message on stderr."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments) or 0)
    except (FleetError, EncryptionError, _Several) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; every file is as it was or whole", file=sys.stderr)
        return 130
    except OSError as error:
        print(
            f"{error.filename}: {error.strerror}; check that it is there and that you may read and write it",
            file=sys.stderr,
        )
        return 1


if __name__ == "__main__":
    sys.exit(main())

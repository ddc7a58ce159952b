"""The verbs plan and topology of `python -m fleet`."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from fleet.files import write_whole
from fleet.keys.encryption import environment
from fleet.plan.comparison import compare
from fleet.plan.picture.drawing import render_picture
from fleet.plan.renderings import RENDERINGS
from fleet.plan.revision import at_revision, default_base, work_tree
from fleet.plan.systems import evaluate_both
from fleet.plan.text import render_text
from fleet.plan.times import FILE, folder_of, read_times

if TYPE_CHECKING:
    import argparse

    from fleet.plan.model import Plan

BASE_HELP = "revision to compare with (default: the last commit); `-` for nothing, as before a first run"


def make_plan(stack: str, root: Path, base: str | None, *, evaluate: bool = False) -> Plan:
    """The plan of a stack of the checkout at `root` against a revision (None: the last commit), by Nix if asked for."""
    after = work_tree(stack, root)
    named = default_base(root) if base is None else base
    times = read_times(folder_of(stack, environment()) / FILE)
    with nullcontext() if named in {None, "-"} else at_revision(stack, root, named or "") as before:
        return compare(before, after, times, evaluate_both(before, after) if evaluate else None)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the verb plan takes."""
    parser.add_argument("--stack", required=True)
    parser.add_argument("--base", metavar="REV", help=BASE_HELP)
    parser.add_argument(
        "--evaluate", action="store_true", help="let Nix say which systems differ, how hard, and by which packages"
    )
    for name, rendering in RENDERINGS.items():
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=rendering.help)


def add_picture(parser: argparse.ArgumentParser) -> None:
    """What the verb topology takes."""
    parser.add_argument("--stack", required=True)
    parser.add_argument("--base", metavar="REV", help=BASE_HELP)
    parser.add_argument("--svg", type=Path, metavar="FILE", help="where it goes (default: topology-STACK.svg)")


def run_picture(arguments: argparse.Namespace) -> None:
    """Write the picture."""
    path = arguments.svg or Path(f"topology-{arguments.stack}.svg")
    write_whole(path, render_picture(make_plan(arguments.stack, arguments.root, arguments.base)))
    print(f"wrote {path}")  # noqa: T201 - a command speaks by print


def run_plan(arguments: argparse.Namespace) -> int:
    """Print the plan, or write the renderings that are asked for; 1 where the change would be refused."""
    plan = make_plan(arguments.stack, arguments.root, arguments.base, evaluate=arguments.evaluate)
    wanted = {name: path for name in RENDERINGS if (path := getattr(arguments, name))}
    for name, path in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, RENDERINGS[name].render(plan))
        print(f"wrote {path}")  # noqa: T201 - a command speaks by print
    if not wanted:
        print(render_text(plan), end="")  # noqa: T201 - a command speaks by print
    return 1 if plan.refusals else 0

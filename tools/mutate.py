"""The tests' teeth: puts small faults into the sources, one at a time, and counts how many the tests notice.

`.venv/bin/python tools/mutate.py --places 100 --seed 1`. It works in a copy, so the checkout stays as it is; only tests
that import the changed module, or the nearest that lead to it, are run, and none on the engine. It is no part of
`make test`: a hundred faults take the better part of an hour.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("fleet", "components", "hostops")
SLOW = ("tests/engine/", "tests/faults/", "tests/machines/", "tests/nix/")
"""Tests on the engine, under QEMU, or of what is no Python."""

MOST_FILES = 4
"""Test files for one fault: the nearest ones."""

LIMIT_SECONDS = 900
LEAST_SHARE = 85

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """One small fault."""

    path: str
    """The file, below the checkout."""

    line: int
    number: int
    """Which of the file's places."""

    was: str
    now: str

    def __str__(self) -> str:
        """As a compiler would name it."""
        return f"{self.path}:{self.line}: `{self.was}` became `{self.now}`"


def _is_text_only(node: ast.AST) -> bool:
    """What no test can notice: docstrings, and what only type checkers read."""
    return (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) or (
        isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    )


class _Faults(ast.NodeVisitor):
    """All faults that can be put into a module, in the order of the text; `chosen` is put in."""

    def __init__(self, chosen: int = -1) -> None:
        self.found: list[tuple[int, str, str]] = []
        self._chosen = chosen

    def visit(self, node: ast.AST) -> None:
        if not _is_text_only(node) and not isinstance(node, ast.AnnAssign):
            super().visit(node)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            super().visit(node.value)

    def _fault(self, node: ast.expr | ast.stmt, apply: object, undo: object) -> None:
        was = ast.unparse(node)
        apply()  # type: ignore[operator]  # closures below
        now = ast.unparse(node)
        if len(self.found) != self._chosen:
            undo()  # type: ignore[operator]  # as above
        self.found.append((node.lineno, was, now))

    def _set(self, node: ast.expr | ast.stmt, owner: ast.AST, field: str, value: object) -> None:
        before = getattr(owner, field)
        self._fault(node, lambda: setattr(owner, field, value), lambda: setattr(owner, field, before))

    def visit_Compare(self, node: ast.Compare) -> None:
        swap = SWAPS.get(type(node.ops[0]))
        if swap:
            self._set(node, node, "ops", [swap(), *node.ops[1:]])
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        swap = SWAPS.get(type(node.op))
        if swap and not any(isinstance(side, ast.JoinedStr) for side in (node.left, node.right)):
            self._set(node, node, "op", swap())
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        self._set(node, node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        self._negated(node, node.test)
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._negated(node, node.test)
        self.generic_visit(node)

    def _negated(self, node: ast.If | ast.IfExp, test: ast.expr) -> None:
        # A comparison is turned where it is itself visited.
        if isinstance(test, ast.Compare):
            return
        turned = test.operand if isinstance(test, ast.UnaryOp) else ast.UnaryOp(op=ast.Not(), operand=test)
        before = node.test
        self.found.append((test.lineno, ast.unparse(test), ast.unparse(turned)))
        node.test = turned if len(self.found) - 1 == self._chosen else before

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._set(node, node, "value", not node.value)
        elif isinstance(node.value, int):
            self._set(node, node, "value", node.value + 1)

    def visit_Return(self, node: ast.Return) -> None:
        if isinstance(node.value, (ast.Call, ast.Name, ast.Attribute)):
            self._set(node, node, "value", ast.Constant(None))
        self.generic_visit(node)


def places(path: str, text: str) -> list[Place]:
    """Every fault that can be put into a file."""
    faults = _Faults()
    faults.visit(ast.parse(text))
    return [
        Place(path=path, line=line, number=number, was=was.splitlines()[0], now=now.splitlines()[0])
        for number, (line, was, now) in enumerate(faults.found)
    ]


def with_fault(text: str, place: Place) -> str:
    """The file's text with that fault; comments and layout are lost."""
    tree = ast.parse(text)
    _Faults(place.number).visit(tree)
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def module_of(path: Path) -> str:
    """How a file is imported."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


@cache
def imports(path: Path, root: Path) -> frozenset[str]:
    """Modules of the checkout that a file names in its imports, also in functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((root / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def nearest_tests(module: str, root: Path) -> tuple[str, ...]:
    """Test files by the number of imports between them and the module, nearest first; at most MOST_FILES.

    A module that no test leads to is run as a command: then the tests of its folder are taken.
    """
    files = {module_of(path.relative_to(root)): path.relative_to(root) for path in root.rglob("*.py")}
    reached, front = {module}, {module}
    found: list[str] = []
    while front and len(found) < MOST_FILES:
        importers = {name for name, path in files.items() if name not in reached and imports(path, root) & front}
        reached |= importers
        front = importers
        found += sorted(_tests(str(files[name]) for name in importers))
    if not found:
        folder = f"tests/{module.split('.', maxsplit=1)[0]}/"
        found = sorted(_tests(str(path) for path in files.values() if str(path).startswith(folder)))
    return tuple(found[:MOST_FILES])


def _tests(paths: Iterator[str]) -> list[str]:
    return [path for path in paths if Path(path).name.startswith("test_") and not path.startswith(SLOW)]


def chosen_places(root: Path, count: int, seed: int, only: str) -> list[Place]:
    """A sample of all places, the same for the same seed."""
    all_places = [
        place
        for folder in SOURCES
        for path in sorted((root / folder).rglob("*.py"))
        if only in str(path.relative_to(root))
        for place in places(str(path.relative_to(root)), path.read_text(encoding="utf-8"))
    ]
    return random.Random(seed).sample(all_places, min(count, len(all_places)))  # noqa: S311 - no secret


def copied(base: Path) -> Path:
    """The checkout's files in a folder of their own; the virtual environment is a link."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    copy = base / "checkout"
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    (copy / ".venv").symlink_to((ROOT / ".venv").resolve())
    return copy


def passes(copy: Path, tests: tuple[str, ...]) -> bool:
    """Whether these tests pass in the copy; one that does not end has noticed as well."""
    argv = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(
            argv,
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            check=False,
            timeout=LIMIT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def main(arguments: list[str]) -> int:
    """Put the faults in, one by one; 1 when too few were noticed."""
    parser = argparse.ArgumentParser(prog="tools/mutate.py", description="Count the small faults that tests notice.")
    parser.add_argument("--places", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="only files whose path has this in it")
    parser.add_argument("--list", action="store_true", help="say which places and tests, and run nothing")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="nixfleet-mutate-") as base:
        copy = copied(Path(base))
        survivors, sound = [], {}
        taken = chosen_places(copy, options.places, options.seed, options.only)
        for place in taken:
            tests = nearest_tests(module_of(Path(place.path)), copy)
            if options.list:
                print(place, "|", " ".join(tests))
                continue
            if tests not in sound:
                sound[tests] = passes(copy, tests)
            if not sound[tests]:
                print(f"these tests fail without any fault: {' '.join(tests)}", file=sys.stderr)
                return 2
            file = copy / place.path
            text = file.read_text(encoding="utf-8")
            file.write_text(with_fault(text, place), encoding="utf-8")
            noticed = not passes(copy, tests)
            file.write_text(text, encoding="utf-8")
            print("noticed " if noticed else "SURVIVED", place, flush=True)
            survivors += [] if noticed else [place]
    if options.list:
        return 0
    share = 100 * (len(taken) - len(survivors)) / max(len(taken), 1)
    print(f"\n{len(taken) - len(survivors)} of {len(taken)} noticed: {share:.0f} %")
    return 0 if share >= LEAST_SHARE else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

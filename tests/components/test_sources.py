"""What no source of a component may contain, whatever it does."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted([ROOT / "__main__.py", *(ROOT / "components").rglob("*.py"), *(ROOT / "examples").rglob("*.py")])
PROVIDERS = {
    "apiextensions",
    "apps",
    "batch",
    "command",
    "core",
    "hcloud",
    "helm",
    "kubernetes",
    "local",
    "ovh",
    "rbac",
    "storage",
}
OUTPUTS = {"address", "id", "ipv4", "ipv4_address", "kubeconfig", "outputs", "stdout", "subnet_id"}


def root_of(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def constructions(node: ast.AST) -> Iterator[ast.Call]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name[:1].isupper() and (root_of(call.func) in PROVIDERS or any(k.arg == "opts" for k in call.keywords)):
                yield call


def faults(tree: ast.Module) -> Iterator[str]:
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "apply":
                bodies: list[ast.AST] = [functions.get(getattr(arg, "id", ""), arg) for arg in node.args]
                yield from (f"line {call.lineno}: made in apply" for body in bodies for call in constructions(body))
            if node.func.attr == "merge" and [getattr(arg, "id", "") for arg in node.args] == ["opts"]:
                yield f"line {node.lineno}: the caller's options reach a child"
        if isinstance(node, ast.FormattedValue) and getattr(node.value, "attr", "") in OUTPUTS:
            yield f"line {node.value.lineno}: an output in an f-string"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_made_in_apply_and_no_output_is_formatted(source: Path) -> None:
    assert list(faults(ast.parse(source.read_text()))) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("x.apply(lambda y: hcloud.Server('a'))", "line 1: made in apply"),
        ("def f(y):\n    return Host('a', y, opts=o)\nx.apply(f)", "line 2: made in apply"),
        ("child.merge(opts)", "line 1: the caller's options reach a child"),
        ("f'https://{server.ipv4_address}'", "line 1: an output in an f-string"),
    ],
)
def test_the_search_finds_what_it_looks_for(text: str, fault: str) -> None:
    assert list(faults(ast.parse(text))) == [fault]


def test_the_program_is_a_table_of_contents() -> None:
    lines = (ROOT / "__main__.py").read_text().splitlines()
    tree = ast.parse("\n".join(lines))
    assert len(lines) <= 40
    assert not [node for node in ast.walk(tree) if isinstance(node, (ast.If, ast.For, ast.While, ast.Try))]

"""With any Nix: the tree parses, and the pure functions keep their laws."""

from __future__ import annotations

import json

import pytest

from tests.nix import toolbox

FILES = sorted((*toolbox.TREE.rglob("*.nix"), *toolbox.HERE.rglob("*.nix")))
FAILED = """
let
  tests = import {path};
  broken = builtins.filter (name: tests.${{name}}.expr != tests.${{name}}.expected) (builtins.attrNames tests);
  shown = name: {{ inherit name; value = {{ inherit (tests.${{name}}) expected expr; }}; }};
in
{{ count = builtins.length (builtins.attrNames tests); failed = builtins.listToAttrs (map shown broken); }}
"""


def test_every_file_parses(nix_command: list[str]) -> None:
    done = toolbox.run([*nix_command, "--parse", *(str(toolbox.seen(path)) for path in FILES)])
    assert done.returncode == 0, toolbox.errors(done.stderr)
    assert len(done.stdout.splitlines()) == len(FILES)


def test_pure_functions_keep_their_laws(nix_command: list[str]) -> None:
    expression = FAILED.format(path=toolbox.seen(toolbox.TREE / "lib" / "tests"))
    done = toolbox.run([*nix_command, "--eval", "--strict", "--json", "--expr", expression])
    assert done.returncode == 0, toolbox.errors(done.stderr)
    result = json.loads(done.stdout)
    assert result["failed"] == {}
    assert result["count"] >= 30


def test_a_broken_law_is_found(nix_command: list[str]) -> None:
    """The comparison above can fail."""
    broken = '{ "one is two" = { expr = 1; expected = 2; }; }'
    expression = FAILED.format(path="X").replace("import X", broken)
    done = toolbox.run([*nix_command, "--eval", "--strict", "--json", "--expr", expression])
    assert json.loads(done.stdout)["failed"] == {"one is two": {"expected": 2, "expr": 1}}


@pytest.mark.parametrize("text", ["{ a = 1;", "let in", "{ a = 1; a = 2; }"])
def test_a_file_that_does_not_parse_is_found(nix_command: list[str], text: str) -> None:
    assert toolbox.run([*nix_command, "--parse", "--expr", text]).returncode != 0

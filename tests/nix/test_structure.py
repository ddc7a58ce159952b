"""The tree's own rules: small files, names with a source, options that somebody reads, pinned inputs."""

from __future__ import annotations

import json
import re
import shutil
import statistics
import sys
from typing import TYPE_CHECKING

import pytest

from tests.nix import toolbox

if TYPE_CHECKING:
    from pathlib import Path

FILES = sorted(toolbox.TREE.rglob("*.nix"))
MODULES = sorted((toolbox.TREE / "modules").rglob("*.nix"))
CONTRACT = toolbox.TREE / "modules" / "contract"
MEDIAN_LINES, MOST_LINES, FLAKE_LINES = 36, 200, 50
OPTION = re.compile(r"(?ms)^( *)(?:options\.nixfleet\.)?([\w.]+) = (?:lib\.)?mkOption \{(.*?)^\1\};")
FACT = re.compile(r"^\s+(\w+) = fact .*?\"[^\"]+\";", re.MULTILINE | re.DOTALL)


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def code(path: Path) -> str:
    """The file without comments and strings' contents."""
    return re.sub(r"(?m)(^|\s)#.*$", "", path.read_text())


def test_files_are_small() -> None:
    sizes = {path.relative_to(toolbox.TREE).as_posix(): lines(path) for path in FILES}
    sources = {name: size for name, size in sizes.items() if not name.startswith("lib/tests/")}
    assert statistics.median(sources.values()) <= MEDIAN_LINES
    assert {name: size for name, size in sources.items() if size > MOST_LINES} == {}
    assert sizes["flake.nix"] <= FLAKE_LINES


@pytest.mark.parametrize(
    "bad", [r"(?m)^with ", r"\brec\s*\{", r"<nixpkgs>", r"\bwith\s+(?:lib|pkgs|import)\b", r"specialArgs"]
)
def test_names_say_where_they_come_from(bad: str) -> None:
    assert [path.name for path in FILES if re.search(bad, code(path))] == []


def test_every_file_says_what_it_is() -> None:
    assert [path.name for path in FILES if path.name != "flake.nix" and not path.read_text().startswith("# ")] == []


def test_a_force_has_a_reason() -> None:
    """In a comment on the line, or on one of the two above it; what must fail is forced to."""
    found = []
    for path in (path for path in FILES if path.parent.name != "refused"):
        text = path.read_text().splitlines()
        for number, line in enumerate(text):
            if re.search(r"\bmk(Force|Override)\b", line) and "#" not in "".join(text[max(0, number - 2) : number + 1]):
                found.append(f"{path.name}:{number + 1}: {line.strip()}")
    assert found == []


def options() -> dict[str, str]:
    """Options of the tree's own namespace: name to text of the declaration."""
    return {found[2].rpartition(".")[2]: found[3] for path in MODULES for found in OPTION.finditer(path.read_text())}


def test_every_option_has_type_and_description() -> None:
    declared = options()
    assert len(declared) > 40
    for name, text in declared.items():
        assert re.search(r"\btype\b", text), name
        assert re.search(r"\bdescription\b", text), name


def test_every_option_has_a_reader() -> None:
    """An option that nobody reads looks like a feature and does nothing."""
    everything = "\n".join(path.read_text() for path in FILES)
    for name, text in options().items():
        rest = everything.replace(text, "")
        uses = len(re.findall(rf"(?<![\w\"-]){re.escape(name)}(?![\w-])", rest))
        assert uses >= 2, f"{name}: declared, and read nowhere"


def test_every_fact_of_the_contract_has_a_reader() -> None:
    """In the tree, or in the half that works on hosts from outside."""
    nix = "\n".join(path.read_text() for path in FILES if path.parent != CONTRACT or path.name == "apply.nix")
    python = "\n".join(
        path.read_text() for folder in ("hostops", "fleet") for path in (toolbox.ROOT / folder).rglob("*.py")
    )
    for path in CONTRACT.glob("*.nix"):
        for name in FACT.findall(path.read_text()):
            snake = re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", name)
            read = re.search(rf"\b{name}\b", nix) or re.search(rf"\.{snake}\b", python)
            assert read, f"{path.name}: {name} is read nowhere"


def test_the_contract_s_options_are_the_contract_s_keys() -> None:
    """The typed option accepts what Python writes: every key, and no more."""
    declared = {
        path.stem: set(FACT.findall(path.read_text().partition("  options = {")[2])) for path in CONTRACT.glob("*.nix")
    }
    for path in sorted((toolbox.TREE / "fleet").glob("*.json")):
        document = json.loads(path.read_text())
        assert set(document) == {"schemaVersion", "stack", "cluster", "hosts"}
        assert set(document["cluster"]) == declared["cluster"]
        for host in document["hosts"].values():
            assert set(host) == declared["host"]
            if host["profile"]:
                assert set(host["profile"]) == declared["profile"]


def test_inputs_are_pinned_and_follow_one_nixpkgs() -> None:
    text = (toolbox.TREE / "flake.nix").read_text()
    lock = json.loads((toolbox.TREE / "flake.lock").read_text())
    declared = set(re.findall(r"^    ([\w-]+)\.url = ", text, re.MULTILINE))
    root = lock["nodes"]["root"]["inputs"]
    assert set(root) == declared
    for name, node in lock["nodes"].items():
        if name == "root":
            continue
        assert re.fullmatch(r"[0-9a-f]{40}", node["locked"]["rev"]), name
        assert node["locked"]["narHash"].startswith("sha256-"), name
        for own, target in node.get("inputs", {}).items():
            # A list is a path from the root: nothing brings a version of its own.
            assert isinstance(target, list), (name, own)
            if own in {"nixpkgs", "nixpkgs-lib"}:
                assert target == ["nixpkgs"], (name, own)
        for owner_repo in [f"{node['original']['owner']}/{node['original']['repo']}"]:
            assert f"github:{owner_repo}" in text, name
    assert lock["nodes"]["nixpkgs"]["original"]["ref"] == "nixos-26.05"


def test_nixfmt_changes_nothing(nixfmt: str) -> None:
    done = toolbox.run([nixfmt, "--check", *map(str, FILES)])
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(toolbox.TREE).as_posix())
def test_format(path: Path) -> None:
    """What any formatter of the tree keeps; `nix fmt` does the rest."""
    text = path.read_text()
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "\t" not in text
    for number, line in enumerate(text.splitlines(), start=1):
        assert line == line.rstrip(), f"{path}:{number}: space at the end"
        indent = len(line) - len(line.lstrip())
        assert indent % 2 == 0, f"{path}:{number}: indented by {indent}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(toolbox.TREE).as_posix())
def test_sorted_lists_are_sorted(path: Path) -> None:
    for block in re.findall(r"# keep-sorted start\n(.*?)# keep-sorted end", path.read_text(), re.DOTALL):
        indent = min(len(line) - len(line.lstrip()) for line in block.splitlines() if line.strip())
        names = re.findall(rf"(?m)^ {{{indent}}}([\w-]+)(?:\.| =)", block)
        assert names == sorted(names), path.name


def test_no_secret_in_the_tree() -> None:
    private = re.compile(r"PRIVATE KEY|AGE-SECRET-KEY|\$[56y]\$\w+\$")
    found = [
        path for path in toolbox.TREE.rglob("*") if path.is_file() and private.search(path.read_text(errors="replace"))
    ]
    assert found == []


def test_the_flake_s_formatter_finds_python_as_it_is(tmp_path: Path) -> None:
    """It sees nix/ alone, without the project's own settings."""
    alone = tmp_path / "nix"
    shutil.copytree(toolbox.TREE, alone)
    for argv in (["check"], ["format", "--check"]):
        done = toolbox.run([sys.executable, "-m", "ruff", *argv, "--no-cache", str(alone)])
        assert done.returncode == 0, done.stdout


def test_the_shell_for_operators_has_every_tool_that_hostops_calls() -> None:
    packages = {"nix": "nix", "nixos-anywhere": "nixos-anywhere", "nixos-rebuild": "nixos-rebuild-ng", "ssh": "openssh"}
    sources = "\n".join(path.read_text() for path in (toolbox.ROOT / "hostops").glob("*.py"))
    called = set(re.findall(r'_found\("([\w-]+)"', sources)) | {"ssh"}
    assert called == set(packages)
    shell = (toolbox.TREE / "shells" / "infra.nix").read_text()
    assert [name for name in packages.values() if f"pkgs.{name}\n" not in shell] == []
    # The overlay brings the version that hostops' phases need, where nixpkgs has an older one.
    assert 'version = "1.13.0"' in (toolbox.TREE / "overlays" / "backports.nix").read_text()

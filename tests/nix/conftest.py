"""What Nix makes of the tree, evaluated once per run; and what cannot run here, said and counted instead of skipped."""

from __future__ import annotations

import json
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.nix import toolbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NEEDS_NIX = "nix_command"
NEEDS_INPUTS = "inputs"
# Parts of the others, and one whose every attribute is an error.
HOST_DRVS = "hostDrvs"
UNCALLED = {"thrown"}
WITHOUT_JQ = "no jq, which the hosts' scripts use: install it (Debian: apt-get install jq)"
WITHOUT_SYSTEMD = "no systemd-analyze, which judges units: a Linux with systemd has it"
WITHOUT_NIXFMT = "no nixfmt: `nix develop ./nix#nix` has it"
WITHOUT_NIX = "no Nix: install one (Debian: apt-get install nix-bin)"
WITHOUT_INPUTS = f"no flake inputs: see tests/nix/README.md, or name a folder in {toolbox.VARIABLE}"
WITHOUT_KVM = (
    "tests that boot machines were evaluated, not run: they need /dev/kvm, a real nixpkgs, and `nix flake check ./nix`"
)

EVALUATIONS = tuple(
    sorted(path.stem for path in (toolbox.HERE / "evaluate").glob("*.nix") if path.stem not in UNCALLED)
)

_left_out: dict[str, int] = {}
_wanted: set[str] = set()
_timings: list[str] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out what cannot run on this machine; the summary says how much and why."""
    reasons = {}
    if toolbox.nix_instantiate() is None:
        reasons[NEEDS_NIX] = WITHOUT_NIX
    if shutil.which("jq") is None:
        reasons["jq"] = WITHOUT_JQ
    if shutil.which("systemd-analyze") is None:
        reasons["systemd_analyze"] = WITHOUT_SYSTEMD
    if shutil.which("nixfmt") is None:
        reasons["nixfmt"] = WITHOUT_NIXFMT
    if toolbox.inputs_root() is None:
        reasons[NEEDS_INPUTS] = WITHOUT_INPUTS
    kept, out = [], []
    for item in items:
        used = getattr(item, "fixturenames", ())
        why = next((reason for fixture, reason in reasons.items() if fixture in used), None)
        if why is None:
            kept.append(item)
        else:
            out.append(item)
            _left_out[why] = _left_out.get(why, 0) + 1
    for item in kept:
        source = item.path.read_text()
        _wanted.update(name for name in (*EVALUATIONS, HOST_DRVS) if f'evaluated("{name}")' in source)
        _wanted.update({"hosts"} & set(getattr(item, "fixturenames", ())))
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = kept


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was evaluated and how long it took, and what did not run."""
    for line in _timings:
        terminalreporter.write_line(f"nix: {line}")
    for reason, count in _left_out.items():
        terminalreporter.write_line(f"nix: {count} tests NOT RUN: {reason}", yellow=True)
    if _timings and not os.environ.get("PYTEST_XDIST_WORKER"):
        terminalreporter.write_line(f"nix: {WITHOUT_KVM}")


@pytest.fixture(scope="session")
def jq() -> str:
    """Where jq is."""
    found = shutil.which("jq")
    assert found is not None
    return found


@pytest.fixture(scope="session")
def systemd_analyze() -> str:
    """Where systemd-analyze is."""
    found = shutil.which("systemd-analyze")
    assert found is not None
    return found


@pytest.fixture(scope="session")
def nixfmt() -> str:
    """Where nixfmt is."""
    found = shutil.which("nixfmt")
    assert found is not None
    return found


@pytest.fixture(scope="session")
def nix_command() -> list[str]:
    """The nix-instantiate of whatever Nix there is."""
    command = toolbox.nix_instantiate()
    assert command is not None
    return command


@pytest.fixture(scope="session")
def inputs() -> toolbox.Inputs:
    """Where the whole flake can be evaluated."""
    root = toolbox.inputs_root()
    assert root is not None
    return toolbox.Inputs(root=root)


@pytest.fixture(scope="session")
def evaluated(inputs: toolbox.Inputs) -> Iterator[Callable[[str], Any]]:
    """JSON of a file of tests/nix/evaluate; what this run needs is evaluated once, two at a time."""

    def evaluate(file: str) -> Any:
        start = time.monotonic()
        done = inputs.output(file) if file == HOST_DRVS else inputs.evaluate(file)
        assert done.returncode == 0, f"{file}: {toolbox.errors(done.stderr)}"
        _timings.append(f"{file} evaluated in {time.monotonic() - start:.0f} s")
        return json.loads(done.stdout)

    with ThreadPoolExecutor(max_workers=2) as pool:
        running = {file: pool.submit(evaluate, file) for file in sorted(_wanted)}
        yield lambda file: running[file].result()


@pytest.fixture(scope="session")
def record_values() -> Callable[[str], None]:
    """Says a figure in the summary."""
    return _timings.append


@pytest.fixture(scope="session")
def hosts(evaluated: Callable[[str], Any]) -> dict[tuple[str, str], Any]:
    """Facts of every host of every stack, by (stack, host)."""
    return {(stack, name): facts for stack, found in evaluated("hosts").items() for name, facts in found.items()}


@pytest.fixture(scope="session")
def contracts() -> dict[str, Any]:
    """The contracts as they stand in the tree, by stack: Python's reading."""
    found = (json.loads(path.read_text()) for path in sorted((toolbox.TREE / "fleet").glob("*.json")))
    return {document["stack"]: document for document in found}

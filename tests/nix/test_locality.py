"""A change to one host's entry changes that host and no other; a host that joins changes nobody."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.nix import toolbox

if TYPE_CHECKING:
    from collections.abc import Callable


def test_changes_stay_where_they_are_made(evaluated: Callable[[str], Any], hosts: dict[tuple[str, str], Any]) -> None:
    found = evaluated("locality")
    before = found["before"]
    assert before == {name: facts["drvPath"] for (stack, name), facts in hosts.items() if stack == "lab"}
    changed = {name for name, drv in found["entry"].items() if drv != before[name]}
    assert changed == {"jetson-2"}
    # Labels are the cluster's: it is told of them, and no system is.
    for kind in ("joined", "labelled", "rollout"):
        assert {name: before[name] for name in found[kind]} == found[kind], kind


def test_the_program_reads_the_same_drv_paths(
    evaluated: Callable[[str], Any], hosts: dict[tuple[str, str], Any]
) -> None:
    """`hostDrvs` is what closure keys come from: all hosts of all stacks in one evaluation."""
    found = evaluated("hostDrvs")
    assert found == {
        stack: {name: facts["drvPath"] for (of, name), facts in hosts.items() if of == stack} for stack in found
    }
    assert {stack for stack, _ in hosts} == set(found)


def test_committed_contracts_are_fresh() -> None:
    """A contract that is not what its stack file says would bring hosts to yesterday's facts."""
    command = [sys.executable, "-m", "fleet", "contract", "--check"]
    done = subprocess.run(command, cwd=toolbox.ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr

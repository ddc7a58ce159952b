"""What hostops asks a real Nix: the answer has the form that it is read in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hostops.tools import BOTH_PATHS
from tests.nix import toolbox

if TYPE_CHECKING:
    from collections.abc import Sequence


def test_both_paths_of_a_system_come_as_json(nix_command: Sequence[str]) -> None:
    system = 'derivation { name = "one"; system = "x86_64-linux"; builder = "/bin/sh"; }'
    done = toolbox.run([*nix_command, "--eval", "--strict", "--json", "--expr", f"({BOTH_PATHS}) ({system})"])
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["output"].endswith("-one")
    assert found["derivation"].endswith("-one.drv")

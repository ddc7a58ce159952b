"""What all tests share: the switch that rewrites stored texts, and which tests stay together on one worker."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

# An Output in an f-string is an error, here as in a run.
os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "true"

WHOLE_FILES = (
    "tests/engine/",
    "tests/faults/test_soak.py",
    "tests/fleet/test_keys.py",
    "tests/hostops/test_drain.py",
    "tests/hostops/test_parts.py",
    "tests/hostops/test_replicas.py",
    "tests/machines/",
)
"""Files with a site or a bench of their own, made once: such a file stays on one worker."""

SLOW = ("tests/sim/test_main.py", "tests/sim/plugins/test_engine.py", "tests/hostops/")
"""Begun before the others that stay with nobody, so that no worker ends long after the last one else."""

GROUP = re.compile(r"@([a-z-]+)\]$")
"""End of the id of a parametrized test that stays with the others of its group."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite stored texts instead of comparing with them")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(SLOW))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 - a run in one process has no xdist

    class ByPlace(LoadScopeScheduling):  # type: ignore[misc]  # published without type information
        """xdist's own groups are marks, which are lost on their way from the workers of pytest 9."""

        def _split_scope(self, nodeid: str) -> str:
            file, group = nodeid.partition("::")[0], GROUP.search(nodeid)
            if file.startswith(WHOLE_FILES):
                return file
            # Whatever file they are in: the site is the worker's.
            return f"@{group[1]}" if group else nodeid

    return ByPlace(config, log)

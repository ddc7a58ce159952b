"""What all tests share: the switch that rewrites stored texts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

# An Output in an f-string is an error, here as in a run.
os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "true"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite stored texts instead of comparing with them")

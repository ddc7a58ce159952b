"""The fixture of all plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.components.stacks import recorded

if TYPE_CHECKING:
    from tests.components.plan import Plan
    from tests.components.stacks import Change, Deploy


@pytest.fixture
def deploy() -> Deploy:
    """The plan of a stack of the checkout: `deploy("lab", change=edit)`."""

    def run(stack: str = "sim", change: Change | None = None) -> Plan:
        return recorded(stack, change)

    return run

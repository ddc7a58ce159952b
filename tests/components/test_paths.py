"""The graph that the program registers is nearly a tree, also for a fleet that nobody would bring up for a test.

tests/engine/test_graph.py counts in a state that an `up` wrote; `make bench` does it for a hundred hosts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from components import host
from components.outputs import export
from components.site import build
from sim.crowd import many
from sim.paths import visits
from tests.components.plan import record
from tests.components.stacks import inputs_of, recorded

if TYPE_CHECKING:
    from tests.components.plan import Plan
    from tests.components.stacks import Change


def of_size(count: int) -> Change:
    def change(fleet: dict[str, Any]) -> None:
        fleet.update(many(count)["nixfleet:fleet"])

    return change


def registered(plan: Plan) -> list[dict[str, Any]]:
    """What the engine would keep of each resource's edges."""
    return [
        {
            "urn": plan.urns[item.type, item.name],
            "provider": item.options.provider,
            "dependencies": list(item.options.dependencies),
            "propertyDependencies": {key: list(found.urns) for key, found in item.options.propertyDependencies.items()},
            "deletedWith": item.options.deletedWith,
        }
        for item in plan.resources
    ]


@pytest.mark.parametrize(
    ("stack", "change", "most"),
    [("sim", None, 1e5), ("cloud", None, 1e5), ("lab", None, 1e5), ("sim", of_size(100), 1e7)],
    ids=["sim", "cloud", "lab", "100 hosts"],
)
def test_the_paths_from_any_resource_are_few(stack: str, change: Change | None, most: float) -> None:
    found = visits(registered(recorded(stack, change)))
    worst = max(found, key=found.__getitem__)
    assert found[worst] <= most, worst


def test_an_edge_more_in_the_chain_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """An output in an input of each host of the chain doubles the paths with each host."""
    monkeypatch.setattr(host, "unlinked", lambda value: value)
    inputs = inputs_of("sim", of_size(100))
    found = visits(registered(record(lambda: export(inputs, build(inputs)))))
    assert max(found.values()) > 1e7

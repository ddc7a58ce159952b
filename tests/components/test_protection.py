"""What a protected stack keeps: the engine has to begin with something that it refuses."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.components.plans import VARIANTS
from tests.components.stacks import addon, recorded, switched_off

if TYPE_CHECKING:
    from tests.components.plan import Plan
    from tests.components.stacks import Change, Deploy


def protected(fleet: dict[str, Any]) -> None:
    fleet["protection"] = True


def bare(fleet: dict[str, Any]) -> None:
    for name in ("multus", "longhorn", "kyverno"):
        switched_off(fleet, name)


def no_smoke_test(fleet: dict[str, Any]) -> None:
    addon(fleet, "smokeTest", enabled=False)


def below(plan: Plan, urn: str) -> set[str]:
    """Everything that a resource depends on, and what that depends on."""
    options = {plan.urns[item.type, item.name]: item.options for item in plan.resources}
    found: set[str] = set()
    following = [urn]
    while following:
        request = options.get(following.pop())
        if request is None:
            continue
        provider = request.provider.rsplit("::", 1)[0]
        for other in (*request.dependencies, *filter(None, (provider, request.deletedWith))):
            if other not in found:
                found.add(other)
                following.append(other)
    return found


OFF: list[Change] = [partial(switched_off, name=name) for name in ("multus", "longhorn", "kyverno")]
CASES = [*VARIANTS.values(), *(("sim", change) for change in (*OFF, bare, no_smoke_test))]


@pytest.mark.parametrize(("stack", "change"), CASES)
def test_the_last_resource_depends_on_all_others(stack: str, change: Change | None) -> None:
    """The engine goes on with what a refused resource does not depend on, so nothing may be left out."""
    plan = recorded(stack, change)
    reached = below(plan, plan.urns["nixfleet:index:Protection", "fleet"])
    real = {plan.urns[item.type, item.name] for item in plan.resources if not item.is_component}
    assert {urn.rsplit("::", 1)[-1] for urn in real - reached} == set()


@pytest.mark.parametrize("wanted", [False, True])
def test_protection_covers_what_goes_first(deploy: Deploy, wanted: bool) -> None:  # noqa: FBT001 - a parameter
    plan = deploy(change=protected if wanted else None)
    (last,) = [item for item in plan.resources if item.type == "nixfleet:index:Protection"]
    first = ["nodes-hcloud-3", "nodes-n100-1", "hcloud-3-volume-attachment"]
    assert {item.options.protect for item in (last, *map(plan.one, first))} == {wanted}


def test_what_a_token_a_role_or_a_version_replaces_is_not_protected(deploy: Deploy) -> None:
    plan = deploy(change=protected)
    replaced = ("hcloud-1-install", "hcloud-1-membership", "hetzner-api-target-hcloud-1", "smoke-test-read")
    assert {plan.one(name).options.protect for name in replaced} == {False}

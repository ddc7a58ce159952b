"""Every component keeps the conventions that make components predictable."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from typing import TYPE_CHECKING

import pulumi
import pytest

import components
from tests.components.plans import VARIANTS, plan

if TYPE_CHECKING:
    from collections.abc import Iterator


def component_classes() -> Iterator[type[pulumi.ComponentResource]]:
    for module in pkgutil.walk_packages(components.__path__, "components."):
        for _, item in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(item, pulumi.ComponentResource) and item.__module__ == module.name:
                yield item


CLASSES = sorted(component_classes(), key=lambda item: item.__name__)


@pytest.mark.parametrize("component", CLASSES, ids=lambda item: item.__name__)
class TestComponent:
    def test_its_signature_is_name_args_opts(self, component: type[pulumi.ComponentResource]) -> None:
        parameters = inspect.signature(component).parameters
        assert list(parameters) == ["name", "args", "opts"]
        assert parameters["opts"].default is None

    def test_its_args_are_frozen_and_named(self, component: type[pulumi.ComponentResource]) -> None:
        name = str(inspect.signature(component).parameters["args"].annotation)
        args = getattr(inspect.getmodule(component), name)
        assert name.endswith("Args")
        assert dataclasses.is_dataclass(args)
        assert vars(args)["__dataclass_params__"].frozen
        assert all(field.kw_only for field in dataclasses.fields(args))

    def test_a_stack_uses_it_under_its_token_and_finishes_it(self, component: type[pulumi.ComponentResource]) -> None:
        token = f"nixfleet:index:{component.__name__}"
        found = [
            (recorded, resource)
            for recorded in map(plan, VARIANTS)
            for resource in recorded.resources
            if resource.type == token
        ]
        assert found
        for recorded, resource in found:
            assert recorded.urns[token, resource.name] in recorded.finished

    def test_its_resources_carry_its_name(self, component: type[pulumi.ComponentResource]) -> None:
        token = f"nixfleet:index:{component.__name__}"
        for recorded in map(plan, VARIANTS):
            own = {urn: name for (kind, name), urn in recorded.urns.items() if kind == token}
            for resource in recorded.resources:
                if resource.options.parent in own and not resource.is_component:
                    assert resource.name.startswith(f"{own[resource.options.parent]}-")


@pytest.mark.parametrize("variant", sorted(VARIANTS))
class TestPlan:
    def test_only_components_and_providers_have_no_component_above_them(self, variant: str) -> None:
        roots = [resource for resource in plan(variant).resources if not resource.parent]
        assert {resource.type.split(":")[0] for resource in roots} == {"nixfleet", "pulumi"}

    def test_every_resource_has_an_explicit_provider(self, variant: str) -> None:
        for resource in plan(variant).resources:
            if resource.type.split(":")[0] in {"hcloud", "ovh", "command", "kubernetes"}:
                assert "pulumi:providers:" in resource.options.provider, resource.name

    def test_no_input_holds_a_path_of_this_machine(self, variant: str) -> None:
        here = str(components.__path__[0]).removesuffix("/components")
        for resource in plan(variant).resources:
            assert here not in str(resource.inputs), resource.name

"""A third cloud's kind of host is added from its own file, and reading, laws, contract and schema know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import jsonschema
import pytest

from fleet import hosts
from fleet.contract.facts import contract
from fleet.contract.schema import schema
from fleet.document import read_fleet, read_whole
from fleet.keys.pairs import make_identities
from fleet.settings import Fleet
from tests.fleet.documents import PROFILES, base

if TYPE_CHECKING:
    from collections.abc import Iterator


class MoonHost(hosts.Host):
    """A machine of a provider that does not exist."""

    created = True
    hardware_choices = ("qemu",)
    kind: Literal["moon"]
    crater: str
    """Where it stands."""


@pytest.fixture
def moon() -> Iterator[None]:
    hosts.register_kind(MoonHost)
    yield
    del hosts.HOST_KINDS["moon"]


def _document() -> Any:
    document = base("mesh")
    document["hosts"]["m1"] = {
        "kind": "moon",
        "role": "agent",
        "hardware": "qemu",
        "address": "10.90.0.51",
        "crater": "Tycho",
        "disk": {"device": "/dev/disk/by-id/virtio-M1", "layout": "vm-test", "sizeGib": 20},
    }
    return document


@pytest.mark.usefixtures("moon")
def test_a_registered_kind_is_read_and_has_a_contract() -> None:
    fleet = read_fleet(_document(), "moon", PROFILES)
    assert isinstance(fleet.hosts["m1"], MoonHost)
    entry = contract("moon", fleet, make_identities(fleet.hosts)[0], PROFILES).hosts["m1"]
    assert (entry.kind, entry.ssh_address) == ("moon", None)


@pytest.mark.usefixtures("moon")
def test_a_registered_kind_keeps_the_laws() -> None:
    document = _document()
    document["hosts"]["m1"]["hardware"] = "n100"
    assert [str(fault) for fault in read_whole(document, PROFILES)[1]] == [
        "hosts.m1.hardware: n100: a host of kind moon is not this hardware; use qemu, or another kind"
    ]


@pytest.mark.usefixtures("moon")
def test_the_schema_knows_a_registered_kind() -> None:
    validator = jsonschema.Draft202012Validator(schema())
    assert validator.is_valid({"config": {"nixfleet:fleet": _document()}})


def test_nobody_knows_a_kind_that_was_not_registered() -> None:
    assert [str(fault) for fault in read_whole(_document(), PROFILES)[1]] == [
        (
            'hosts.m1.kind: "moon": a host\'s kind is one of bare-metal, hcloud, ovh-dedicated, ovh-instance; '
            "name one of them"
        )
    ]
    assert not jsonschema.Draft202012Validator(schema()).is_valid({"config": {"nixfleet:fleet": _document()}})


def test_a_fleet_can_be_made_of_hosts_that_are_models_already() -> None:
    fleet = read_fleet(base("mesh"), "mesh", PROFILES)
    again = Fleet.model_validate({name: getattr(fleet, name) for name in Fleet.model_fields})
    assert again == fleet

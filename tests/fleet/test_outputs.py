"""Outputs are an interface: a reader refuses a version that it does not know before it looks at anything else."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.contract.outputs import ClusterOutputs, StackOutputs, read_outputs
from fleet.faults import FleetError

OUTPUTS = StackOutputs(
    cluster=ClusterOutputs(name="c", endpoint="https://api:6443", endpoint_address="192.0.2.1", k3s_version="v1"),
    hosts={},
    addons={},
    known_hosts=(),
)


def test_what_is_exported_is_what_is_read() -> None:
    assert read_outputs(OUTPUTS.model_dump(mode="json")) == OUTPUTS


@pytest.mark.parametrize(
    ("document", "value"),
    [
        ({"version": 2, "unheardOf": {}}, "2"),
        ({"version": 2.0}, "2"),
        ({"version": "1"}, "'1'"),
        ({}, "None"),
        ("text", "None"),
    ],
)
def test_an_unknown_version_is_refused(document: Any, value: str) -> None:
    with pytest.raises(FleetError) as refused:
        read_outputs(document)
    assert str(refused.value) == (
        "the export of the fleet has 1 fault:\n"
        f"  fleet.version: {value}: this program knows version 1 of a fleet's outputs; "
        "use the fleet/contract/outputs.py of the fleet's own release"
    )


def test_a_known_version_with_another_shape_is_refused_with_its_path() -> None:
    document = OUTPUTS.model_dump(mode="json")
    del document["cluster"]["endpoint"]
    with pytest.raises(FleetError, match=r"cluster\.endpoint: absent"):
        read_outputs(document)

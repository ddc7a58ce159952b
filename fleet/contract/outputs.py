"""What a stack exports: a versioned interface that other stacks read. Exporting it is components/outputs' matter."""

from __future__ import annotations

from typing import Final, Literal

from fleet.document import read
from fleet.faults import Fault, FleetError
from fleet.model import Model, Name, Role

OUTPUTS_VERSION: Final = 1


class ClusterOutputs(Model):
    """The cluster, as its users see it."""

    name: Name
    endpoint: str
    """URL of the Kubernetes API."""

    endpoint_address: str
    """Address that the endpoint's DNS name must have."""

    k3s_version: str


class HostOutputs(Model):
    """One host, as other stacks see it."""

    kind: str
    role: Role
    address: str
    """On the cluster network."""

    ssh_address: str
    closure: str
    """Closure key of the generation that the host was brought to."""


class StackOutputs(Model):
    """Everything but the credential, which is a secret output of its own (`kubeconfig`)."""

    version: Literal[1] = OUTPUTS_VERSION
    cluster: ClusterOutputs
    hosts: dict[Name, HostOutputs]
    addons: dict[str, str]
    """Versions of the add-ons that are switched on."""

    known_hosts: tuple[str, ...]
    """Lines for a known_hosts file, by host name."""


def read_outputs(document: object) -> StackOutputs:
    """What another stack exported, as the model; raises FleetError, first for a version that is unknown here."""
    version = document.get("version") if isinstance(document, dict) else None
    if isinstance(version, float) and version.is_integer():
        version = int(version)  # numbers travel between stacks as floating point
    if version != OUTPUTS_VERSION:
        fault = Fault(
            path="fleet.version",
            value=repr(version),
            law=f"this program knows version {OUTPUTS_VERSION} of a fleet's outputs",
            cure="use the fleet/contract/outputs.py of the fleet's own release",
        )
        raise FleetError("the export of the fleet", (fault,))
    return read(StackOutputs, document, "the export of the fleet")

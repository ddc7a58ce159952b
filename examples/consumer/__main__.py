"""A program that uses a fleet: reads its exported model, refuses a version that it does not know, and uses the cluster.

It needs no admin credential: the fleet's scoped one may change the namespace `workloads` and nothing else.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

# A program in a repository of its own brings the fleet package of the release that it was written for.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from fleet.contract.outputs import StackOutputs, read_outputs
from fleet.faults import FleetError

NAMESPACE = "workloads"


def fleet_of(document: object) -> StackOutputs:
    """The fleet's model; raises RunError, which the engine shows without a traceback."""
    try:
        return read_outputs(document)
    except FleetError as error:
        raise pulumi.RunError(str(error)) from None


def agents(fleet: StackOutputs) -> str:
    """Names of the agents, as one line."""
    return " ".join(sorted(name for name, host in fleet.hosts.items() if host.role == "agent"))


reference = pulumi.StackReference(pulumi.Config("consumer").require("fleet"))
fleet = reference.require_output("fleet").apply(fleet_of)
cluster = kubernetes.Provider(
    "fleet",
    # Waits for the model, so that nothing is done to a fleet of an unknown version.
    kubeconfig=pulumi.Output.all(fleet, reference.require_output("kubeconfig")).apply(lambda parts: str(parts[1])),
    cluster_identifier=fleet.apply(lambda found: found.cluster.name),
)
kubernetes.core.v1.ConfigMap(
    "agents",
    metadata={"name": "agents", "namespace": NAMESPACE},
    data={"agents": fleet.apply(agents), "endpoint": fleet.apply(lambda found: found.cluster.endpoint)},
    opts=pulumi.ResourceOptions(provider=cluster),
)
pulumi.export("endpoint", fleet.apply(lambda found: found.cluster.endpoint))

"""All hosts in their order: the mesh where there is one, servers one by one, agents in a window. One is host.py's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from components.commands import deploy_secret, install_secret, switch_secret
from components.edges import Gate, gate, unlinked
from components.host import Host, HostArgs
from components.mesh import Mesh, MeshArgs
from fleet.contract.formation import turns
from fleet.hosts import Tuning
from fleet.network import MeshNetwork

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from components.clouds.registry import Machine
    from components.inputs import Inputs
    from fleet.contract.facts import HostFacts


def peers(inputs: Inputs, machines: Mapping[str, Machine], names: Iterable[str]) -> pulumi.Output[str]:
    """Hosts as others know them, as JSON by name: what makes a host another peer, and nothing else."""
    hosts = inputs.contract.hosts
    # Whoever takes them waits for the machines elsewhere.
    return unlinked(
        pulumi.Output.json_dumps(
            {
                name: {
                    "address": str(hosts[name].address),
                    "endpoint": machines[name].address,
                    "publicKey": hosts[name].wireguard_key,
                }
                for name in sorted(names)
            },
            sort_keys=True,
        )
    )


def make_mesh(
    inputs: Inputs, machines: Mapping[str, Machine], lawful: pulumi.Resource, opts: pulumi.ResourceOptions
) -> Mesh | None:
    """The mesh, where the cluster network is one: every host knows a new one before that begins."""
    if not isinstance(inputs.fleet.network, MeshNetwork):
        return None
    args = MeshArgs(
        stack=inputs.stack,
        fleet=inputs.fleet,
        hosts=tuple(sorted(machines)),
        peers=peers(inputs, machines, machines),
        stack_wide=lawful,
        deploy_secret=deploy_secret(inputs.cluster_keys),
        # Machines are waited for by their addresses: an edge to each would be one more path to all from every host.
        after=(lawful,),
    )
    return Mesh("fleet", args, opts)


def member_facts(entry: HostFacts) -> str:
    """A host's entry of the contract as JSON, without what leaving never asks for: a label is no other membership."""
    kept = entry.model_copy(update={"labels": {}, "taints": (), "tuning": Tuning(), "profile": None})
    return json.dumps(kept.model_dump(mode="json"), sort_keys=True)


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What all hosts have in common."""

    inputs: Inputs
    lawful: pulumi.Resource
    servers: pulumi.Output[str]
    """Servers as JSON."""

    pruned: tuple[pulumi.Resource, ...]
    """What is done when a host has left a mesh."""

    known: pulumi.Output[str]
    """Whom a host has to know when it is installed, as JSON: the servers, or all of a mesh."""

    def args(self, name: str, machine: Machine, after: pulumi.Resource | None, turn: Gate | None) -> HostArgs:
        """What one host needs to know."""
        inputs, keys = self.inputs, self.inputs.cluster_keys
        host = inputs.fleet.hosts[name]
        return HostArgs(
            stack=inputs.stack,
            fleet=inputs.fleet,
            machine=machine,
            role=host.role,
            facts=member_facts(inputs.contract.hosts[name]),
            stack_wide=self.lawful,
            pruned=self.pruned,
            closure=inputs.closures[name],
            weight=inputs.weights[name],
            install_secret=install_secret(keys, inputs.keys[name], host.role),
            switch_secret=switch_secret(keys, inputs.keys[name], host.role),
            deploy_secret=deploy_secret(keys),
            peers=self.known,
            servers=self.servers,
            reinstall=host.reinstall or "",
            installed_on=inputs.machines.get(name, ""),
            after=after,
            turn=turn,
        )


def make_hosts(
    inputs: Inputs,
    machines: Mapping[str, Machine],
    lawful: pulumi.Resource,
    mesh: Mesh | None,
    opts: pulumi.ResourceOptions,
) -> dict[str, Host]:
    """All hosts: each waits for the one whose end opens its turn, and the first for the mesh."""
    servers = peers(inputs, machines, inputs.fleet.formation)
    shared = Shared(
        inputs=inputs,
        lawful=lawful,
        servers=servers,
        pruned=(mesh.pruned,) if mesh else (),
        known=mesh.endpoints if mesh else servers,
    )
    hosts: dict[str, Host] = {}
    gates: dict[str, Gate] = {}
    last: Gate | None = None
    for name, before in turns(inputs.fleet).items():
        after = hosts[before].system if before else mesh.command if mesh else None
        turn = gates[before] if before else None
        hosts[name] = Host(name, shared.args(name, machines[name], after, turn), opts)
        gates[name] = last = gate([hosts[name].system], last)
    return hosts

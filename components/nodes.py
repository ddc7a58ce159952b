"""What Kubernetes knows of hosts beyond what they say of themselves: role, storage, the users' labels and taints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_command import local
from pulumi_kubernetes import core

from components.commands import Work
from fleet.model import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.hosts import Host
    from fleet.settings import Fleet

STORAGE_LABEL = "node.longhorn.io/create-default-disk"
"""Longhorn makes a disk on nodes that carry it."""

AGENT_LABEL = "node-role.kubernetes.io/agent"
"""A kubelet may not give itself a role, so agents would show none; servers get theirs from k3s."""


INSTALLATION = "nixfleet/installation"
"""Annotation: which installation and membership of the host the node is of."""


def node_metadata(name: str, host: Host, node: pulumi.Input[str]) -> Any:  # noqa: ANN401 - JSON of the API
    """The part of the node's metadata that is ours."""
    annotations = {
        # A host that comes back comes as another node, which has nothing of this: it has to be patched again.
        INSTALLATION: node,
        # The node is the kubelet's object: without force its fields stay its own.
        "pulumi.com/patchForce": "true",
    }
    return {"name": name, "labels": node_labels(host), "annotations": annotations}


def node_labels(host: Host) -> dict[str, str]:
    """The host's labels as a node."""
    labels = dict(host.labels)
    if host.role is Role.AGENT:
        labels[AGENT_LABEL] = "true"
    if host.storage:
        labels[STORAGE_LABEL] = "true"
    return dict(sorted(labels.items()))


def node_taints(host: Host) -> str:
    """The host's taints as kubectl takes them, by blanks."""
    return " ".join(
        f"{taint.key}={taint.value}:{taint.effect}" if taint.value else f"{taint.key}:{taint.effect}"
        for taint in host.taints
    )


@dataclass(frozen=True, kw_only=True)
class NodesArgs:
    """What the nodes need to know."""

    hosts: Mapping[str, Host]
    """All hosts, sorted by name."""

    nodes: Mapping[str, pulumi.Input[str]]
    """By host: changes exactly when it comes back as another node."""

    after: Mapping[str, tuple[pulumi.Resource, ...]]
    """By host: what has to be done before its node is there."""

    members: Mapping[str, pulumi.Resource]
    """By host: its membership, with which the node goes."""

    stack: str
    fleet: Fleet
    servers: pulumi.Input[str]
    """Servers of the cluster, as JSON: one of them changes a node's taints."""

    deploy_secret: pulumi.Input[str] = field(repr=False)
    """The key to log in with as JSON, a secret."""

    protection: bool
    """Refuse that a host goes: its node's labels are what the engine deletes first of it."""


class Nodes(pulumi.ComponentResource):
    """Labels and taints of all nodes."""

    patches: tuple[pulumi.Resource, ...]
    """One per node."""

    def __init__(self, name: str, args: NodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Label and taint the nodes."""
        super().__init__("nixfleet:index:Nodes", name, None, opts)
        self.patches = tuple(
            core.v1.NodePatch(
                f"{name}-{label}",
                metadata=node_metadata(label, host, args.nodes[label]),
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.after[label]), protect=args.protection),
            )
            for label, host in args.hosts.items()
        )
        self.patches = (*self.patches, *self._taints(name, args))
        self.register_outputs({})

    def _taints(self, name: str, args: NodesArgs) -> tuple[pulumi.Resource, ...]:
        """Taints, one by one: applied as a part of the node, they would take Kubernetes' own away."""
        patches = dict(zip(args.hosts, self.patches, strict=True))
        return tuple(
            self._taint(f"{name}-{label}-taints", args, label, patches[label])
            for label, host in args.hosts.items()
            if host.taints
        )

    def _taint(self, name: str, args: NodesArgs, host: str, patch: pulumi.Resource) -> pulumi.Resource:
        given = Work(verb="taint", stack=args.stack, fleet=args.fleet, host=host)
        taken = Work(verb="untaint", stack=args.stack, fleet=args.fleet, host=host)
        limit = f"{given.engine_seconds}s"
        made: pulumi.Resource = local.Command(
            name,
            create=given.text,
            update=given.text,
            delete=taken.text,
            environment={
                "NIXFLEET_TAINTS": node_taints(args.hosts[host]),
                "NIXFLEET_INSTALLATION": args.nodes[host],
                "NIXFLEET_PEERS": args.servers,
                **given.limits,
            },
            stdin=args.deploy_secret,
            add_previous_output_in_env=False,
            logging=local.Logging.STDERR,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[patch],
                # A node that leaves the cluster takes them with it.
                deleted_with=args.members[host],
                custom_timeouts=pulumi.CustomTimeouts(create=limit, update=limit, delete=limit),
            ),
        )
        return made

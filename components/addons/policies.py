"""What Kyverno watches over: the baseline of policies, and the optional one for Longhorn on NixOS."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import apiextensions
from pulumi_kubernetes.helm import v3 as helm

from fleet.addons import kyverno


@dataclass(frozen=True, kw_only=True)
class PoliciesArgs:
    """What the policies need to know."""

    version: str
    """Version of Kyverno's chart; its policies have the same."""

    longhorn_path: bool
    """Whether Longhorn's pods are shown NixOS' binaries."""

    after: tuple[pulumi.Resource, ...]
    """Kyverno."""


class Policies(pulumi.ComponentResource):
    """Policies at admission."""

    made: tuple[pulumi.Resource, ...]
    """The policies."""

    def __init__(self, name: str, args: PoliciesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Install the policies."""
        super().__init__("nixfleet:index:Policies", name, None, opts)
        # On the way down the policies go first, while the engine can still let go of them.
        child = pulumi.ResourceOptions(parent=self, depends_on=list(args.after))
        baseline = helm.Release(
            f"{name}-baseline",
            name=kyverno.POLICIES_CHART,
            chart=kyverno.POLICIES_CHART,
            version=args.version,
            namespace=kyverno.NAMESPACE,
            repository_opts={"repo": kyverno.REPOSITORY},
            values=kyverno.policies_values(),
            opts=child,
        )
        self.made = (baseline,)
        if args.longhorn_path:
            path = apiextensions.CustomResource(
                f"{name}-longhorn-path",
                api_version="kyverno.io/v1",
                kind="ClusterPolicy",
                **kyverno.path_policy(),
                opts=child,
            )
            self.made = (baseline, path)
        self.register_outputs({})

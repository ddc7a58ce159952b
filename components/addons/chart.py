"""A Helm chart in a namespace of its own, as a real release: its hooks have to run. Values are fleet/addons' matter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes import core
from pulumi_kubernetes.helm import v3 as helm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.addons.values import Values

TIMEOUT_SECONDS = 900
"""Limit of the wait for a release's objects: images come over a home's line."""


@dataclass(frozen=True, kw_only=True)
class ChartArgs:
    """What a release needs to know."""

    chart: str
    """Name of the chart and of the release."""

    repository: str
    """Where the chart is."""

    version: str
    """Version of the chart, exact."""

    namespace: str
    values: Values
    """The chart's values."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of the namespace."""

    secrets: Mapping[str, pulumi.Input[Mapping[str, str]]] = field(default_factory=dict, repr=False)
    """Secrets in the namespace that the chart's pods read, by name; there before the release."""

    protection: bool = False
    """Refuse to uninstall it."""

    after: tuple[pulumi.Resource, ...] = ()
    """What has to be there before."""

    hooks: pulumi.ResourceHookBinding | None = None
    """What the engine calls when installing or upgrading it failed."""


class Chart(pulumi.ComponentResource):
    """An installed chart."""

    release: pulumi.Resource
    """There when all that the chart brings is ready."""

    def __init__(self, name: str, args: ChartArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Make the namespace and the release."""
        super().__init__("nixfleet:index:Chart", name, None, opts)
        namespace = core.v1.Namespace(
            f"{name}-namespace",
            metadata={"name": args.namespace, "labels": dict(args.labels)},
            opts=pulumi.ResourceOptions(parent=self),
        )
        inside = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
        secrets = [
            core.v1.Secret(
                f"{name}-secret-{secret}",
                metadata={"name": secret, "namespace": args.namespace},
                string_data=pulumi.Output.secret(data),
                opts=inside,
            )
            for secret, data in sorted(args.secrets.items())
        ]
        self.release = helm.Release(
            f"{name}-release",
            name=args.chart,
            chart=args.chart,
            version=args.version,
            namespace=args.namespace,
            repository_opts={"repo": args.repository},
            values=args.values,
            timeout=TIMEOUT_SECONDS,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*(secrets or [namespace]), *args.after],
                # It holds data, or guards it.
                protect=args.protection,
                # Helm refuses for ever what a killed run left pending.
                hooks=args.hooks,
            ),
        )
        self.register_outputs({})

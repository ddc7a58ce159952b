"""All add-ons in their order: Multus, the storage network, Longhorn, Kyverno, its policies, and the smoke test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi

from components.addons.chart import Chart, ChartArgs
from components.addons.multus import Multus, MultusArgs
from components.addons.policies import Policies, PoliciesArgs
from components.addons.smoke_test import SmokeTest, SmokeTestArgs
from components.addons.storage_network import StorageNetwork, StorageNetworkArgs
from fleet.addons import kyverno, longhorn, smoke_test, storage_network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.keys.pairs import BucketKeys
    from fleet.network import Profile
    from fleet.settings import Fleet

PRIVILEGED = {"pod-security.kubernetes.io/enforce": "privileged"}
"""Longhorn's pods mount devices."""

Ready = tuple[pulumi.Resource, ...]


@dataclass(frozen=True, kw_only=True)
class AddonsArgs:
    """What the add-ons need to know."""

    fleet: Fleet
    """Which are wanted, and how many nodes keep storage."""

    profiles: Mapping[str, Profile]
    """Network profiles by name."""

    hooks: pulumi.ResourceHookBinding
    """What the engine calls when installing or upgrading a chart failed."""

    backup_keys: BucketKeys | None = field(default=None, repr=False)
    """Credential of Longhorn's backup target; None where it needs none."""

    after: Ready
    """Nodes with their labels: storage takes those that carry its own."""


class Addons(pulumi.ComponentResource):
    """Everything that runs on the cluster for everyone."""

    ends: Ready
    """What nothing else of them depends on; without add-ons what they would have waited for."""

    def __init__(self, name: str, args: AddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Install what is switched on."""
        super().__init__("nixfleet:index:Addons", name, None, opts)
        network = self._network(args)
        storage = self._longhorn(args, network)
        policies = self._kyverno(args, storage or network)
        tested = self._smoke_test(args, storage, policies)
        # The test has waited for the policies, where it tries them.
        self.ends = tested or policies or storage or network
        self.register_outputs({})

    def _network(self, args: AddonsArgs) -> Ready:
        child = pulumi.ResourceOptions(parent=self)
        settings = args.fleet.addons.multus
        if not settings.enabled:
            return args.after
        multus = Multus("multus", MultusArgs(version=settings.version, after=args.after), child)
        manifest = storage_network.attachment(args.fleet, args.profiles)
        if manifest is None:
            return multus.ready
        network = StorageNetwork("storage", StorageNetworkArgs(attachment=manifest, after=multus.ready), child)
        return network.ready

    def _longhorn(self, args: AddonsArgs, after: Ready) -> Ready:
        settings = args.fleet.addons.longhorn
        if not settings.enabled:
            return ()
        keys = args.backup_keys
        chart = Chart(
            "longhorn",
            ChartArgs(
                chart=longhorn.CHART,
                repository=longhorn.REPOSITORY,
                version=settings.version,
                namespace=longhorn.NAMESPACE,
                values=longhorn.longhorn_values(args.fleet, storage_network=_storage_attachment(args)),
                labels=PRIVILEGED,
                secrets={longhorn.BACKUP_SECRET: longhorn.backup_secret(args.fleet, keys)} if keys else {},
                protection=args.fleet.protection,
                after=after,
                hooks=args.hooks,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        return (chart.release,)

    def _kyverno(self, args: AddonsArgs, after: Ready) -> Ready:
        settings, child = args.fleet.addons.kyverno, pulumi.ResourceOptions(parent=self)
        if not settings.enabled:
            return ()
        chart = Chart(
            "kyverno",
            ChartArgs(
                chart=kyverno.CHART,
                repository=kyverno.REPOSITORY,
                version=settings.version,
                namespace=kyverno.NAMESPACE,
                values=kyverno.kyverno_values(settings),
                after=after,
                hooks=args.hooks,
            ),
            child,
        )
        policies = PoliciesArgs(
            version=settings.version, longhorn_path=settings.longhorn_path_policy, after=(chart.release,)
        )
        return Policies("policies", policies, child).made

    def _smoke_test(self, args: AddonsArgs, storage: Ready, policies: Ready) -> Ready:
        fleet = args.fleet
        if not (fleet.addons.smoke_test.enabled and storage):
            return ()
        network = _storage_attachment(args)
        test = SmokeTestArgs(
            storage_class=smoke_test.storage_class(fleet),
            jobs=smoke_test.jobs(fleet, storage_attachment=network),
            attachment=smoke_test.attachment() if fleet.addons.multus.enabled and not network else None,
            after=storage,
            policies=policies,
        )
        return (SmokeTest("smoke-test", test, pulumi.ResourceOptions(parent=self)).last,)


def _storage_attachment(args: AddonsArgs) -> str | None:
    """`namespace/name` of the storage network's attachment; None where there is none."""
    attached = storage_network.attachment(args.fleet, args.profiles) is not None
    return f"{storage_network.NAMESPACE}/{storage_network.ATTACHMENT}" if attached else None

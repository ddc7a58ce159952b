"""The cluster's own test: the stack counts as up only when storage, networks, policies and names were seen to work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes import apiextensions, batch, core, rbac, storage

from fleet.addons import smoke_test

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.addons.values import Values


@dataclass(frozen=True, kw_only=True)
class SmokeTestArgs:
    """What the smoke test needs to know."""

    storage_class: Values
    """Manifest of the class that is tested."""

    jobs: Mapping[str, Values]
    """Manifests of the jobs by name."""

    attachment: Values | None
    """Manifest of a second network for the job that tries one; None: it is there, or nothing tries one."""

    after: tuple[pulumi.Resource, ...]
    """The storage, and with it the networks."""

    policies: tuple[pulumi.Resource, ...]
    """What reports violations."""


class SmokeTest(pulumi.ComponentResource):
    """A name, a pod with two networks, a volume that is written here and read there, a violation that is reported.

    One after the other, each waiting for the one before alone: what waits for the storage is one edge for all of them.
    """

    last: pulumi.Resource
    """There when all of that was seen."""

    def __init__(self, name: str, args: SmokeTestArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Run the jobs, and make what they need."""
        super().__init__("nixfleet:index:SmokeTest", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = core.v1.Namespace(f"{name}-namespace", metadata={"name": smoke_test.NAMESPACE}, opts=child)
        done = self._job(name, args.jobs["names"], namespace, *args.after)
        if "network" in args.jobs:
            done = self._job(name, args.jobs["network"], self._attachment(name, args, done))
        written = self._job(name, args.jobs["write"], self._claim(name, args, done))
        done = self._job(name, args.jobs["read"], written)
        if "policy" in args.jobs:
            done = self._job(name, args.jobs["policy"], self._account(name, done), *args.policies)
        self.last = done
        self.register_outputs({})

    def _claim(self, name: str, args: SmokeTestArgs, after: pulumi.Resource) -> pulumi.Resource:
        tested = storage.v1.StorageClass(
            f"{name}-class",
            metadata=args.storage_class["metadata"],
            provisioner=args.storage_class["provisioner"],
            parameters=args.storage_class["parameters"],
            reclaim_policy=args.storage_class["reclaimPolicy"],
            volume_binding_mode=args.storage_class["volumeBindingMode"],
            # Parameters of a class cannot change, and its name is taken until the old one is gone.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[after], delete_before_replace=True),
        )
        claim: pulumi.Resource = core.v1.PersistentVolumeClaim(
            f"{name}-claim",
            **smoke_test.claim(),
            # A claim on a class that is not there yet would wait for ever.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[tested]),
        )
        return claim

    def _attachment(self, name: str, args: SmokeTestArgs, after: pulumi.Resource) -> pulumi.Resource:
        if args.attachment is None:
            return after
        made: pulumi.Resource = apiextensions.CustomResource(
            f"{name}-attachment",
            api_version="k8s.cni.cncf.io/v1",
            kind="NetworkAttachmentDefinition",
            **args.attachment,
            # Multus brings the definition, and storage has waited for it.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[after]),
        )
        return made

    def _account(self, name: str, after: pulumi.Resource) -> pulumi.Resource:
        """Who may read the reports of the namespace."""
        metadata = {"name": smoke_test.ACCOUNT, "namespace": smoke_test.NAMESPACE}
        account = core.v1.ServiceAccount(
            f"{name}-account", metadata=metadata, opts=pulumi.ResourceOptions(parent=self, depends_on=[after])
        )
        role = rbac.v1.Role(
            f"{name}-role",
            metadata=metadata,
            rules=smoke_test.RULES,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[account]),
        )
        bound: pulumi.Resource = rbac.v1.RoleBinding(
            f"{name}-binding",
            metadata=metadata,
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": smoke_test.ACCOUNT},
            subjects=[{"kind": "ServiceAccount", **metadata}],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role]),
        )
        return bound

    def _job(self, name: str, manifest: Values, *after: pulumi.Resource) -> pulumi.Resource:
        job: pulumi.Resource = batch.v1.Job(
            f"{name}-{manifest['metadata']['name']}",
            **manifest,
            # A job cannot change: another version is another job under the same name.
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after), delete_before_replace=True),
        )
        return job

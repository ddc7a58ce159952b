"""The storage smoke test: the stack counts as up only when a volume was written and read back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes import batch, core, storage

from fleet.addons import smoke_test

if TYPE_CHECKING:
    from fleet.addons.values import Values


@dataclass(frozen=True, kw_only=True)
class SmokeTestArgs:
    """What the smoke test needs to know."""

    storage_class: Values
    """Manifest of the class that is tested."""

    version: str
    """Version of the storage: another one is tested again."""

    after: tuple[pulumi.Resource, ...]
    """The storage."""


class SmokeTest(pulumi.ComponentResource):
    """A claim that is bound, written and read back."""

    job: pulumi.Resource
    """There when that was done."""

    def __init__(self, name: str, args: SmokeTestArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Claim a volume and run the job on it."""
        super().__init__("nixfleet:index:SmokeTest", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = core.v1.Namespace(f"{name}-namespace", metadata={"name": smoke_test.NAMESPACE}, opts=child)
        tested = storage.v1.StorageClass(
            f"{name}-class",
            metadata=args.storage_class["metadata"],
            provisioner=args.storage_class["provisioner"],
            parameters=args.storage_class["parameters"],
            reclaim_policy=args.storage_class["reclaimPolicy"],
            volume_binding_mode=args.storage_class["volumeBindingMode"],
            opts=pulumi.ResourceOptions.merge(
                # Parameters of a class cannot change, and its name is taken until the old one is gone.
                pulumi.ResourceOptions(depends_on=list(args.after), delete_before_replace=True),
                child,
            ),
        )
        claim = core.v1.PersistentVolumeClaim(
            f"{name}-claim",
            **smoke_test.claim(),
            opts=pulumi.ResourceOptions.merge(
                # A claim on a class that is not there yet would wait for ever.
                pulumi.ResourceOptions(depends_on=[namespace, tested]),
                child,
            ),
        )
        self.job = batch.v1.Job(
            f"{name}-job",
            **smoke_test.job(args.version),
            opts=pulumi.ResourceOptions.merge(
                # A job cannot change: another version is another job under the same name.
                pulumi.ResourceOptions(depends_on=[claim], delete_before_replace=True),
                child,
            ),
        )
        self.register_outputs({})

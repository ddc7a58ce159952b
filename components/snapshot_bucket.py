"""The bucket for etcd's snapshots, as k3s looks it up: a secret in kube-system. Who fills it: k3s' own schedule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes import core

if TYPE_CHECKING:
    from fleet.contract.facts import SnapshotBucketFacts
    from fleet.keys.pairs import BucketKeys

SECRET_TYPE = "etcd.k3s.cattle.io/s3-config-secret"  # noqa: S105 - a name


@dataclass(frozen=True, kw_only=True)
class SnapshotBucketArgs:
    """What k3s must know of the bucket."""

    bucket: SnapshotBucketFacts
    keys: BucketKeys = field(repr=False)


class SnapshotBucket(pulumi.ComponentResource):
    """The bucket for etcd's snapshots."""

    ends: tuple[pulumi.Resource, ...]
    """What nothing else depends on."""

    def __init__(self, name: str, args: SnapshotBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Tell the cluster of the bucket."""
        super().__init__("nixfleet:index:SnapshotBucket", name, None, opts)
        # Servers name this secret from their first start; until it is there, k3s keeps snapshots on the disk only.
        secret = core.v1.Secret(
            f"{name}-secret",
            metadata={"name": args.bucket.secret, "namespace": "kube-system"},
            type=SECRET_TYPE,
            string_data=pulumi.Output.secret(
                {
                    "etcd-s3-access-key": args.keys.access_key,
                    "etcd-s3-bucket": args.bucket.name,
                    "etcd-s3-endpoint": args.bucket.endpoint,
                    "etcd-s3-folder": args.bucket.folder,
                    "etcd-s3-region": args.bucket.region,
                    "etcd-s3-secret-key": args.keys.secret_key,
                }
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.ends = (secret,)
        self.register_outputs({})

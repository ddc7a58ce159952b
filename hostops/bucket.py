"""The bucket that snapshots go to: how k3s' configuration names it while there is no API to ask for its secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from hostops.failure import Code, Failure

if TYPE_CHECKING:
    from hostops.task import Task


def flags(task: Task) -> str:
    """Lines of a configuration file with the bucket and its credential; raises Failure where the stack has none."""
    bucket = task.cluster.snapshot_bucket
    if bucket is None:
        cure = "name a snapshot on a server's disk, or set cluster.snapshotBucket in the stack file"
        raise Failure(Code.USAGE, "restore", f"stack {task.stack} keeps no snapshots in a bucket; {cure}")
    task.secrets.need("bucketAccessKey", "bucketSecretKey")
    text: str = yaml.safe_dump(
        {
            "etcd-s3": True,
            "etcd-s3-access-key": task.secrets.bucket_access_key,
            "etcd-s3-bucket": bucket.name,
            "etcd-s3-endpoint": bucket.endpoint,
            "etcd-s3-folder": bucket.folder,
            "etcd-s3-region": bucket.region,
            "etcd-s3-secret-key": task.secrets.bucket_secret_key,
        }
    )
    return text

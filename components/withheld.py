"""A preview without private halves: what stands in for them, and why it is no change of any resource.

Only a preview runs so. The engine takes what the state has wherever a secret of ours would go, so that the plan says
what the public halves say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from fleet.keys.pairs import BucketKeys, ClusterKeys, HostKeys

if TYPE_CHECKING:
    from collections.abc import Iterable

SECRET_INPUTS = ("stdin", "string_data", "user_data")
"""Inputs of resources that hold secrets of ours."""

STAND_IN = "withheld"

SAID = (
    "The private halves are not here, and this preview does without them: a changed key, token or credential is not "
    "seen. `up` needs them."
)


def absent(config: pulumi.Config, keys: Iterable[str]) -> bool:
    """Whether this is a preview, and the stack has none of these secrets at hand."""
    return pulumi.runtime.is_dry_run() and not any(config.get(key) for key in keys)


def cluster_keys() -> ClusterKeys:
    """What stands in for the cluster's."""
    return ClusterKeys(server_token=STAND_IN, agent_token=STAND_IN, deploy_key=STAND_IN)


def host_keys() -> HostKeys:
    """What stands in for a host's."""
    return HostKeys(host_key=STAND_IN, bootstrap_key=STAND_IN, wireguard_key=STAND_IN)


def bucket_keys() -> BucketKeys:
    """What stands in for a bucket's credential."""
    return BucketKeys(access_key=STAND_IN, secret_key=STAND_IN)


def unchanged(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """Have the engine keep a resource's secrets as the state has them."""
    held = [name for name in SECRET_INPUTS if (args.props or {}).get(name) is not None]
    if not held or not isinstance(args.resource, pulumi.CustomResource):
        return None
    options = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(ignore_changes=held))
    return pulumi.ResourceTransformationResult(args.props, options)


def withhold() -> None:
    """Do so for every resource that is registered from now on."""
    pulumi.log.warn(SAID)
    pulumi.runtime.register_stack_transformation(unchanged)

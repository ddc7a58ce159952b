"""Calls `python -m hostops` for people: addresses from the state, keys from the stack's secrets."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fleet.contract.outputs import StackOutputs
from fleet.keys.pairs import BUCKET_KEY, CLUSTER_KEY, BucketKeys, ClusterKeys, logins
from operate.calling import call_hostops
from operate.engine import Place, environment, select, translated
from operate.limits import told_to
from operate.messages import OperateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pulumi.automation import Stack


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """The hosts of a stack that was brought up."""

    place: Place
    stack: Stack = field(repr=False)
    outputs: StackOutputs

    def cluster_keys(self) -> ClusterKeys:
        """Private halves of the cluster, as the stack file has them now."""
        return ClusterKeys.model_validate_json(self._secret(CLUSTER_KEY))

    def bucket_secrets(self) -> dict[str, str]:
        """The credential of the bucket for snapshots, by its names on stdin; raises OperateError without one."""
        keys = BucketKeys.model_validate_json(self._secret(BUCKET_KEY))
        return {"bucketAccessKey": keys.access_key, "bucketSecretKey": keys.secret_key}

    def _secret(self, key: str) -> str:
        found: str = translated(self.place, lambda: self.stack.get_config(key)).value
        return found

    def call(
        self,
        verb: str,
        *,
        host: str = "",
        secrets: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> str:
        """Run a verb; what it printed. Its own lines go to stderr. Raises OperateError with the last of them."""
        peers = {name: {"endpoint": one.ssh_address} for name, one in self.outputs.hosts.items()}
        return call_hostops(
            verb,
            self.place.stack,
            host,
            data=json.dumps({**logins(self.cluster_keys()), **(secrets or {})}),
            environment={
                **told_to(verb, self.place, len(peers)),
                **os.environ,
                "NIXFLEET_PEERS": json.dumps(peers),
                **(settings or {}),
            },
        )


@contextmanager
def hosts_of(place: Place) -> Iterator[Hosts]:
    """The hosts of a stack; raises OperateError for one that was never up."""
    with environment(place.variables()):
        stack = select(place)
        exported = translated(place, stack.outputs).get("fleet")
        if exported is None:
            raise OperateError(f"stack {place.stack} has no hosts yet: run `make up STACK={place.stack}` first")
        yield Hosts(place=place, stack=stack, outputs=StackOutputs.model_validate(exported.value))

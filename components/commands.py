"""Commands that do the work on hosts: `python -m hostops`. Pure text; running them is the command provider's matter."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

import pulumi

from fleet.model import Role

if TYPE_CHECKING:
    from fleet.keys import ClusterKeys, HostKeys

Verb = Literal["install", "kubeconfig", "mesh", "switch"]


def hostops(verb: Verb, stack: str, host: str | None = None) -> str:
    """The shell command of one verb.

    A virtual environment in the project's folder comes first, so that a plain `pulumi up` finds it without being told;
    it is named relatively, because a path of this machine in an input would be a change on the next one.
    """
    target = "" if host is None else f" --host {host}"
    return f'env PATH="$PWD/.venv/bin:$PATH" python -m hostops {verb} --stack {stack}{target}'


def deploy_secret(cluster: ClusterKeys) -> pulumi.Output[str]:
    """What any verb needs on its standard input: the key it logs in with."""
    return pulumi.Output.secret(json.dumps({"deployKey": cluster.deploy_key}))


def install_secret(cluster: ClusterKeys, host: HostKeys, role: Role) -> pulumi.Output[str]:
    """What an installation needs: an agent never sees the token that makes servers."""
    tokens = {"agentToken": cluster.agent_token}
    if role is Role.SERVER:
        tokens["serverToken"] = cluster.server_token
    keys = {"deployKey": cluster.deploy_key, "hostKey": host.host_key, "wireguardKey": host.wireguard_key}
    return pulumi.Output.secret(json.dumps({**keys, **tokens}, sort_keys=True))

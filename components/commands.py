"""Commands that do the work on hosts: `python -m hostops`. Pure text; running them is the command provider's matter."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

import pulumi

from fleet.keys.pairs import logins
from fleet.model import Role

if TYPE_CHECKING:
    from fleet.keys.pairs import ClusterKeys, HostKeys

Verb = Literal["halt", "install", "kubeconfig", "leave", "mesh", "prune", "resume", "switch"]

INERT = ":"
"""Shell text that does nothing."""


def hostops(verb: Verb, stack: str, host: str | None = None) -> str:
    """The shell command of one verb.

    A virtual environment in the project's folder comes first, so that a plain `pulumi up` finds it without being told;
    it is named relatively, because a path of this machine in an input would be a change on the next one. By `exec`, an
    engine that is stopped stops the work itself and not a shell before it.
    """
    target = "" if host is None else f" --host {host}"
    return python(f"hostops {verb} --stack {stack}{target}")


def python(module: str) -> str:
    """The shell command that runs a module of the checkout; hostops() says why it is written so."""
    return f'exec env PATH="$PWD/.venv/bin:$PATH" python -m {module}'


def deploy_secret(cluster: ClusterKeys) -> pulumi.Output[str]:
    """What a verb needs that only asks: the key it logs in with."""
    return pulumi.Output.secret(json.dumps(logins(cluster)))


def switch_secret(cluster: ClusterKeys, host: HostKeys, role: Role) -> pulumi.Output[str]:
    """What a switch needs: also the secrets that a host keeps, so that a changed one reaches it."""
    return pulumi.Output.secret(json.dumps(_kept(cluster, host, role), sort_keys=True))


def install_secret(cluster: ClusterKeys, host: HostKeys, role: Role) -> pulumi.Output[str]:
    """What an installation needs: the host key too, which travels only then."""
    return pulumi.Output.secret(json.dumps({**_kept(cluster, host, role), "hostKey": host.host_key}, sort_keys=True))


def _kept(cluster: ClusterKeys, host: HostKeys, role: Role) -> dict[str, str]:
    """What a host keeps, and the key to bring it: an agent never sees the token that makes servers."""
    tokens = {"agentToken": cluster.agent_token}
    if role is Role.SERVER:
        tokens["serverToken"] = cluster.server_token
    return {**logins(cluster), "wireguardKey": host.wireguard_key, **tokens}

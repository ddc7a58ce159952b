"""Commands that do the work on hosts: `python -m hostops`. Pure text; running them is the command provider's matter."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pulumi
from pulumi_command import local

from fleet.durations import MARGIN_SECONDS, told, verb_seconds
from fleet.keys.pairs import logins
from fleet.model import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.keys.pairs import ClusterKeys, HostKeys
    from fleet.settings import Fleet

Operation = Literal["create", "update", "delete"]
Verb = Literal[
    "credential",
    "halt",
    "install",
    "kubeconfig",
    "latecomers",
    "leave",
    "mesh",
    "prune",
    "reboots",
    "resume",
    "settle",
    "switch",
    "taint",
    "untaint",
]

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


@dataclass(frozen=True, kw_only=True)
class Work:
    """A verb for a host, or for the whole stack, with the limits that follow from the stack file."""

    verb: Verb
    stack: str
    fleet: Fleet
    host: str | None = None

    @property
    def text(self) -> str:
        """The shell command."""
        return hostops(self.verb, self.stack, self.host)

    @property
    def limits(self) -> Mapping[str, str]:
        """Environment: how long it may take, and wait."""
        return told(self.verb, self.fleet.rollout, len(self.fleet.hosts))

    @property
    def engine_seconds(self) -> int:
        """The engine's limit: after that of the verb itself."""
        return verb_seconds(self.fleet.rollout, len(self.fleet.hosts))[self.verb] + MARGIN_SECONDS


def work(  # noqa: PLR0913 - a resource: its work, and what that is given
    name: str,
    verb: Work,
    on: tuple[Operation, ...],
    *,
    environment: Mapping[str, pulumi.Input[str]],
    stdin: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
    triggers: list[Any] | None = None,
    logging: local.Logging = local.Logging.STDERR,
    previous: bool = False,
) -> local.Command:
    """A resource whose making, change or end is a verb of hostops; the engine's limit is derived from the verb's.

    `previous`: an update is told what the verb printed the last time.
    """
    limit = f"{verb.engine_seconds}s"
    opts.custom_timeouts = pulumi.CustomTimeouts(**dict.fromkeys(on, limit))
    return local.Command(
        name,
        create=verb.text if "create" in on else INERT,
        update=verb.text if "update" in on else INERT,
        delete=verb.text if "delete" in on else None,
        triggers=triggers,
        environment={**environment, **verb.limits},
        stdin=stdin,
        add_previous_output_in_env=previous,
        logging=logging,
        opts=opts,
    )


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
    tokens = {"agentToken": cluster.agent_token, "authority": cluster.authority}
    if role is Role.SERVER:
        tokens |= {"serverToken": cluster.server_token, "authorityKey": cluster.authority_key}
    # Keys of before have no authority, and what is not there is no secret.
    kept = {name: text for name, text in tokens.items() if text}
    return {**logins(cluster), "wireguardKey": host.wireguard_key, **kept}

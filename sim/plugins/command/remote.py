"""remote.Command: a command on a simulated machine, over a real SSH connection.

Addresses are mapped to loopback by the world's ssh_config; one that is not mapped cannot be reached. Passwords, agents
and bastions are left out: every host here is reached by key.
"""

from __future__ import annotations

import asyncio
import fnmatch
import ipaddress
from typing import TYPE_CHECKING, Any, cast

import asyncssh

from sim.plugins.command.lifecycle import CommandKind, Finished
from sim.plugins.server import Refused
from sim.plugins.values import UNKNOWN, Properties, Secret, reveal

if TYPE_CHECKING:
    from sim.plugins.kind import Resource
    from sim.plugins.table import Failure

DEFAULTS = {"user": "root", "port": 22, "dialErrorLimit": 10, "perDialTimeout": 15}
FIELDS = {*DEFAULTS, "host", "hostKey", "privateKey", "privateKeyPassword", "password", "agentSocketPath", "proxy"}
NOT_SIMULATED = ("privateKeyPassword", "password", "agentSocketPath", "proxy")
FIRST_PAUSE, PAUSE_GROWTH, LONGEST_PAUSE = 0.1, 1.5, 5.0
ACCEPTED_ENVIRONMENT = ("LANG", "LC_*")
"""What a common sshd accepts; any other variable fails the command before it runs."""


class RemoteCommand(CommandKind):
    """Runs on a machine; each command dials a connection of its own."""

    names = (
        "addPreviousOutputInEnv",
        "connection",
        "create",
        "delete",
        "environment",
        "logging",
        "stdin",
        "triggers",
        "update",
    )
    whole = frozenset({"connection"})

    def check(
        self, resource: Resource, olds: Properties, news: Properties, seed: bytes
    ) -> tuple[Properties, list[Failure]]:
        """Check the connection too, and fill in its defaults."""
        checked, failures = super().check(resource, olds, news, seed)
        connection = reveal(news.get("connection"))
        if connection is UNKNOWN:
            return checked, failures
        if connection is None:
            return checked, [*failures, ("connection", "Missing required field 'connection'")]
        failures += [(f"connection.{key}", f"Unrecognized field '{key}'") for key in connection if key not in FIELDS]
        if connection.get("host") is None:
            failures.append(("connection.host", "Missing required field 'host'"))
        if isinstance(connection.get("port"), str):
            failures.append(("connection.port", f"Expected a number, got the string {connection['port']!r}"))
        checked["connection"] = Secret(DEFAULTS | connection)
        return checked, failures

    async def run(self, resource: Resource, command: str, inputs: Properties, environment: dict[str, str]) -> Finished:
        """Dial, run, and read to the end."""
        if environment:
            await self.log.info(
                resource.urn, "could not set the previous output in the environment: ssh: setenv failed"
            )
        for name in inputs.get("environment") or {}:
            if not any(fnmatch.fnmatchcase(name, pattern) for pattern in ACCEPTED_ENVIRONMENT):
                raise Refused(f'could not set environment variable "{name}": ssh: setenv failed')
        link = await self._dial(resource, inputs["connection"])
        try:
            # Without input the command's stdin must end too, which an empty input does not do.
            text = inputs.get("stdin") or ""
            source: Any = {"input": text.encode()} if text else {"stdin": asyncssh.DEVNULL}
            done = await link.run(command, encoding=None, env=inputs.get("environment") or {}, **source)
        except (OSError, asyncssh.Error) as error:
            raise Refused(f"wait: remote command exited without exit status or exit signal: {error}") from error
        finally:
            link.close()
        return Finished(status=_status(done), stdout=cast("bytes", done.stdout), stderr=cast("bytes", done.stderr))

    async def _dial(self, resource: Resource, connection: Properties) -> asyncssh.SSHClientConnection:
        """Try until it answers or the limit is reached; wrong keys are tried again too, as with the real plugin."""
        for name in NOT_SIMULATED:
            if connection.get(name):
                raise Refused(f"{resource.name}: connection.{name} is not simulated; use privateKey")
        options = self._options(connection)
        limit, failed, pause = connection["dialErrorLimit"], 0, FIRST_PAUSE
        while True:
            self.world.record("command", f"dial {resource.name}", f"{connection['user']}@{connection['host']}")
            try:
                return await asyncssh.connect(options=options)
            except (OSError, asyncssh.Error) as error:
                failed += 1
                if 0 <= limit <= failed:
                    raise Refused(f"after {min(failed, limit)} failed attempts: {_dial_error(error)}") from error
            await asyncio.sleep(pause)
            pause = min(pause * PAUSE_GROWTH, LONGEST_PAUSE)

    def _options(self, connection: Properties) -> asyncssh.SSHClientConnectionOptions:
        """Read the keys and map the address."""
        pinned = connection.get("hostKey")
        try:
            keys = [asyncssh.import_private_key(connection["privateKey"])] if connection.get("privateKey") else []
            trusted: Any = ([asyncssh.import_public_key(_key_of(pinned))], [], []) if pinned else None
        except asyncssh.KeyImportError as error:
            raise Refused(f"failed to parse host key: ssh: no key found ({error})") from error
        options = asyncssh.SSHClientConnectionOptions(
            config=[str(self.world.root / "ssh_config")],
            host=connection["host"],
            port=() if connection["port"] == DEFAULTS["port"] else connection["port"],
            username=connection["user"],
            client_keys=keys,
            known_hosts=trusted,
            agent_path=None,
            server_host_key_algs=["ssh-ed25519"] if pinned else (),
            connect_timeout=connection["perDialTimeout"],
        )
        if not _is_loopback(options.host):
            raise Refused(f"dial tcp {connection['host']}:{connection['port']}: connect: no route to host")
        return options


def _key_of(line: str) -> str:
    """Take the key out of a bare key or a line of known_hosts."""
    words = line.split()
    return " ".join(words[1:3] if len(words) > 2 and not words[0].startswith("ssh-") else words[:2])  # noqa: PLR2004 - host, type, key


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _dial_error(error: Exception) -> str:
    """Say why no connection came about, in the real plugin's words where they are known."""
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return "ssh: handshake failed: ssh: host key mismatch"
    if isinstance(error, asyncssh.PermissionDenied):
        return (
            "ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], "
            "no supported methods remain"
        )
    return str(error)


def _status(done: asyncssh.SSHCompletedProcess) -> str:
    if done.exit_signal:
        return f"Process exited with status {done.returncode} from signal {done.exit_signal[0]}"
    return f"Process exited with status {done.exit_status}" if done.exit_status else ""

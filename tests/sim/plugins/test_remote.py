"""remote.Command over real SSH: pinned keys, mapped addresses, what is tried again and what is refused."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest

from sim.plugins.command import Command
from sim.plugins.kind import Resource
from sim.plugins.server import Refused
from sim.plugins.values import Properties, Secret
from sim.world import World
from tests.sim.plugins.facts import check

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

TOKEN = "command:remote:Command"  # noqa: S105 - a type's name
RESOURCE = Resource(urn=f"urn:pulumi:s::p::{TOKEN}::x", type=TOKEN, name="x")
ADDRESS = "192.0.2.7"


class Lines:
    def __init__(self) -> None:
        self.lines: list[str] = []

    async def info(self, urn: str, text: str) -> None:  # noqa: ARG002 - part of the interface
        self.lines.append(text)


class Site:
    """A host on loopback that answers for a documentation address, and a double that may reach it."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.log = Lines()
        self.double = Command(self.world, self.log)  # type: ignore[arg-type]  # only `info` is used
        self.host_key, self.user_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))

    @asynccontextmanager
    async def host(self) -> AsyncIterator[None]:
        keys = asyncssh.import_authorized_keys(self.user_key.export_public_key().decode())
        server = await asyncssh.create_server(
            asyncssh.SSHServer,
            "127.0.0.1",
            0,
            server_host_keys=[self.host_key],
            authorized_client_keys=keys,
            process_factory=answer,
            encoding=None,
        )
        async with server:
            port = server.sockets[0].getsockname()[1]
            (self.world.root / "ssh_config").write_text(f"Host {ADDRESS}\n  HostName 127.0.0.1\n  Port {port}\n")
            yield

    def connection(self, **changes: Any) -> Properties:
        pinned = self.host_key.export_public_key().decode()
        private = self.user_key.export_private_key().decode()
        base = {"host": ADDRESS, "hostKey": pinned, "privateKey": private, "dialErrorLimit": 1}
        return {key: item for key, item in (base | changes).items() if item is not None}

    def run(self, create: str, connection: Properties | None = None, **inputs: Any) -> Properties:
        wanted = inputs | {"create": create, "connection": connection or self.connection()}
        checked = check(self.double, TOKEN, wanted).inputs

        async def made() -> Properties:
            async with self.host():
                return (await self.double.kinds[TOKEN].create(RESOURCE, checked))[1]

        return asyncio.run(made())


async def answer(process: asyncssh.SSHServerProcess[bytes]) -> None:
    """Run what is asked for with a real shell."""
    shell = await asyncio.create_subprocess_exec(
        "/bin/sh",
        "-c",
        process.command or "",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await shell.communicate(await process.stdin.read())
    process.stdout.write(out)
    process.stderr.write(err)
    process.exit(shell.returncode or 0)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_command_runs_on_the_host_behind_the_address(site: Site) -> None:
    state = site.run("cat; echo err >&2", stdin=Secret("word"))
    assert (state["stdout"], state["stderr"], state["stdin"]) == ("word", "err", Secret("word"))
    assert isinstance(state["connection"], Secret)
    assert site.log.lines == ["word", "err"]
    assert [event.step for event in site.world.events(machine="command")] == ["create x", "dial x"]


def test_a_failure_shows_status_command_and_output(site: Site) -> None:
    with pytest.raises(Refused) as failed:
        site.run("echo out; exit 3")
    assert str(failed.value) == 'Process exited with status 3: running "echo out; exit 3":\nout\n'


def test_another_host_key_is_tried_as_often_as_a_refusal_and_runs_nothing(site: Site) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    with pytest.raises(Refused) as failed:
        site.run("true", site.connection(hostKey=other, dialErrorLimit=3))
    assert str(failed.value) == "after 3 failed attempts: ssh: handshake failed: ssh: host key mismatch"
    assert len(site.world.events(machine="command", step="dial")) == 3


def test_without_a_pinned_key_any_host_is_trusted(site: Site) -> None:
    assert site.run("echo in", site.connection(hostKey=None))["stdout"] == "in"


def test_a_known_hosts_line_pins_too(site: Site) -> None:
    line = f"somewhere {site.host_key.export_public_key().decode()}"
    assert site.run("echo in", site.connection(hostKey=line))["stdout"] == "in"


def test_a_key_that_is_not_let_in(site: Site) -> None:
    private = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    with pytest.raises(Refused) as failed:
        site.run("true", site.connection(privateKey=private))
    assert str(failed.value) == (
        "after 1 failed attempts: ssh: handshake failed: ssh: unable to authenticate, attempted methods [none "
        "publickey], no supported methods remain"
    )


def test_no_tries_means_one(site: Site) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    with pytest.raises(Refused, match="after 0 failed attempts"):
        site.run("true", site.connection(hostKey=other, dialErrorLimit=0))


def test_garbage_is_no_host_key(site: Site) -> None:
    with pytest.raises(Refused, match="failed to parse host key: ssh: no key found"):
        site.run("true", site.connection(hostKey="garbage"))


def test_an_address_that_is_not_mapped_cannot_be_reached(site: Site) -> None:
    with pytest.raises(Refused) as failed:
        site.run("true", site.connection(host="192.0.2.8"))
    assert str(failed.value) == "dial tcp 192.0.2.8:22: connect: no route to host"


def test_a_variable_that_sshd_does_not_accept_stops_the_command(site: Site) -> None:
    with pytest.raises(Refused) as failed:
        site.run("true", environment={"BAR": "1"})
    assert str(failed.value) == 'could not set environment variable "BAR": ssh: setenv failed'
    assert site.world.events(machine="command", step="dial") == ()

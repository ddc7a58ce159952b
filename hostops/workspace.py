"""A private folder with the deploy key, known_hosts, control sockets, the ssh shim; gone with the verb.

Where it lies, and how it goes when a verb was killed, is in runtime.py.
"""

from __future__ import annotations

import os
import shlex
import shutil
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Self

from hostops import process, runtime
from hostops.failure import Code, Failure

if TYPE_CHECKING:
    from types import TracebackType

    from fleet.contract.facts import Contract

SOCKET = "s"
"""How names of control sockets begin; short, because their paths have a limit."""

SHIM = Path(__file__).parent / "shim" / "ssh"


class Workspace:
    """Files that exist only while a verb runs."""

    def __init__(
        self, contract: Contract, deploy_key: str, ssh_config: str | None, former_deploy_key: str = ""
    ) -> None:
        """Make the folder with the deploy key and the pinned keys of all hosts in it."""
        self._contract = contract
        self.ssh_config = ssh_config
        self.ssh = shutil.which("ssh") or ""
        if not self.ssh:
            raise Failure(Code.USAGE, "tools", "no ssh on PATH; install the OpenSSH client")
        self._private = runtime.private()
        self.folder = self._private.path
        # One step of an iterator is one step for all threads.
        self._numbers = count()
        self.key = self.write("deploy-key", f"{deploy_key.strip()}\n")
        # While one is being replaced, a host knows either.
        former = f"{former_deploy_key.strip()}\n"
        self._identities = (self.key, *((self.write("former-key", former),) if former_deploy_key else ()))
        self._accepted: dict[str, tuple[str, ...]] = {}
        self._installed: set[str] = set()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the children and the connections that are left, and remove everything."""
        process.end_all()
        for socket in self.folder.glob(f"{SOCKET}*"):
            self.hang_up(socket)
        self._private.remove()

    def hang_up(self, socket: Path) -> None:
        """End the shared connection behind a control socket."""
        if not socket.exists():
            return
        try:
            process.run([self.ssh, "-F", "/dev/null", "-O", "exit", "-o", f"ControlPath={socket}", "host"], seconds=5)
        except process.TooLong:
            socket.unlink(missing_ok=True)

    def write(self, name: str, text: str, mode: int = 0o600) -> Path:
        """A file in the folder that nobody else could read at any time."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        return path

    def fresh(self, stem: str) -> Path:
        """A path in the folder that was not used before."""
        return self.folder / f"{stem}{next(self._numbers)}"

    def accept(self, host: str, *keys: str, alone: bool = False) -> None:
        """Accept other host keys of a host from now on: beside the contract's, or alone."""
        self._accepted[host] = keys if alone else (self._contract.hosts[host].host_key, *keys)

    def shown(self, host: str, destination: str, seconds: float) -> str:
        """The host key that answers there, which nobody has vouched for yet; empty if none does. Logs in as nobody."""
        known = self.fresh("shown")
        options = _options(
            PreferredAuthentications="none", StrictHostKeyChecking="accept-new", UserKnownHostsFile=str(known)
        )
        # The first value of an option counts.
        with suppress(process.TooLong):
            process.run([self.ssh, *options, *self.pinned(host, bootstrap=False), destination, ":"], seconds=seconds)
        return " ".join(known.read_text().split()[-2:]) if known.exists() else ""

    def distrust_bootstrap(self, host: str) -> None:
        """Accept a host's bootstrap key no more: this machine was installed, and whatever ran on it could read it."""
        self._installed.add(host)

    def trusts_bootstrap(self, host: str) -> bool:
        """Whether the bootstrap key of a host is worth anything."""
        return host not in self._installed

    def known_hosts(self, host: str, *, bootstrap: bool) -> Path:
        """The pinned keys of a host: the installed system's, and with `bootstrap` also the one it has before that."""
        entry, first = self._contract.hosts[host], bootstrap and self.trusts_bootstrap(host)
        keys = [*self._accepted.get(host, (entry.host_key,)), *([entry.bootstrap_key] if first else [])]
        name = f"known_hosts.{host}.{'both' if bootstrap else 'final'}"
        return self.write(name, "".join(f"{host} {key}\n" for key in keys))

    def pinned(self, host: str, *, bootstrap: bool) -> list[str]:
        """Options that let ssh talk to that host and to nothing else."""
        return [
            *(["-F", self.ssh_config] if self.ssh_config else []),
            *_options(
                BatchMode="yes",
                CheckHostIP="no",
                ClearAllForwardings="yes",
                ConnectTimeout="15",
                ForwardAgent="no",
                GlobalKnownHostsFile="/dev/null",
                HostKeyAlgorithms="ssh-ed25519",
                HostKeyAlias=host,
                IdentitiesOnly="yes",
                ServerAliveCountMax="3",
                ServerAliveInterval="5",
                StrictHostKeyChecking="yes",
                UpdateHostKeys="no",
                UserKnownHostsFile=str(self.known_hosts(host, bootstrap=bootstrap)),
                VerifyHostKeyDNS="no",
            ),
            *(word for key in self._identities for word in ("-o", f"IdentityFile={key}")),
        ]

    def shim(self, host: str, *, bootstrap: bool) -> Path:
        """A folder to put first on PATH: its ssh puts the pinned options before others, and the first value counts."""
        folder = f"bin.{host}.{'both' if bootstrap else 'final'}"
        words = shlex.join([self.ssh, *self.pinned(host, bootstrap=bootstrap)])
        made = self.write(f"{folder}/command", f'exec {words} "$@"\n').parent
        with suppress(FileExistsError):
            (made / "ssh").symlink_to(SHIM)
        return made


def _options(**values: str) -> list[str]:
    return [word for name, value in values.items() for word in ("-o", f"{name}={value}")]

"""The one way to a host: OpenSSH with a pinned key, a script on stdin, a limit. What the scripts do is in remote/."""

from __future__ import annotations

import re
import shlex
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hostops import process
from hostops.keyring import fingerprint
from hostops.workspace import SOCKET

if TYPE_CHECKING:
    from hostops.task import Task

Key = Literal["final", "bootstrap", "unknown"]
"""Which pinned key answered."""

DEPLOY = "deploy"
"""Account of an installed host that may do what this program does, and nothing else (nix/modules/mixins/deploy.nix)."""

SSH_FAILED = 255
"""ssh's status for its own failures."""

REMOTE = Path(__file__).parent / "remote"
_ANSWERED = re.compile(r"Server host key: \S+ (SHA256:\S+)")
_REASONS = (
    (re.compile(r"Host key verification failed|REMOTE HOST IDENTIFICATION|No ED25519 host key is known"), "key"),
    (re.compile(r"Permission denied"), "login"),
)
_NO_REASON = re.compile(r"debug\d|Authenticated to |Transferred: |Bytes per second: |OpenSSH_")
"""How lines of ssh's verbose log begin that say nothing of why it ended."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a script said."""

    status: int
    output: str
    error: str
    key: Key

    def facts(self) -> dict[str, str]:
        """Its `name=value` lines."""
        pairs = (line.split("=", 1) for line in self.output.splitlines() if "=" in line)
        return {pair[0]: pair[1] for pair in pairs}


class NoAnswer(Exception):  # noqa: N818 - what it means is the caller's matter: during a boot it is no error
    """A host did not answer, or not as it should."""

    def __init__(self, text: str, key: Key = "unknown", *, login: bool = False, silent: bool = False) -> None:
        """`login`: it answered with a pinned key and refused us. `silent`: nobody answered at all."""
        super().__init__(text)
        self.text = text
        self.key = key
        self.login = login
        self.silent = silent


LOADER = "Needs loader.sh."
"""A script that says so in its first lines works on the boot loader."""


def script(name: str, **values: str) -> str:
    """A script of remote/ with its values: they travel on stdin too, so that no argument list shows them."""
    lines = [f"NF_{key.upper()}={shlex.quote(value)}\n" for key, value in values.items()]
    text = (REMOTE / f"{name}.sh").read_text()
    loader = (REMOTE / "loader.sh").read_text() if LOADER in text else ""
    return "".join(lines) + (REMOTE / "common.sh").read_text() + loader + text


def words(reply: Reply) -> str:
    """The last words that a script said on stderr."""
    return " ".join(reply.error.split()[-30:]) or "it said nothing"


class Line:
    """Connections to one host as one user. The first one is shared by all that follow, until it is dropped."""

    def __init__(self, task: Task, host: str, *, user: str | None = None, bootstrap: bool = False) -> None:
        """`bootstrap` also accepts the key that the machine has before it is installed.

        Without `user`: the deploy account, and root where that is refused: an installer, or a system older than the
        account.
        """
        self._task = task
        self.host = host
        self._users = deque([user] if user else [DEPLOY, "root"])
        self.bootstrap = bootstrap
        self._socket: Path | None = None
        self._key: Key = "unknown"

    @property
    def user(self) -> str:
        """Who the host let in last; before that, who is tried first."""
        return self._users[0]

    @property
    def destination(self) -> str:
        """`user@address`."""
        return f"{self.user}@{self._task.address(self.host)}"

    def twin(self) -> Line:
        """Another line to the same account, with a connection of its own."""
        return Line(self._task, self.host, user=self.user, bootstrap=self.bootstrap)

    def run(self, text: str, *, seconds: float) -> Reply:
        """Run a script to its end; raises NoAnswer if the connection failed or the limit was reached.

        On a host that this call changes, nothing runs before its lease is held; raises Leased.
        """
        if self._task.leases is not None:
            self._task.leases.before(self)
        return self.send(text, seconds=seconds)

    def booted(self, boot_id: str) -> None:
        """Note which boot of the host has answered."""
        if self._task.leases is not None:
            self._task.leases.notice(self.host, boot_id)

    def send(self, text: str, *, seconds: float) -> Reply:
        """Run a script without asking for a lease, as the first account that is let in; raises NoAnswer."""
        for untried in reversed(range(len(self._users))):
            try:
                return self._send(text, seconds)
            except NoAnswer as error:
                if not error.login:
                    raise
                self._users.rotate(-1)
                if not untried:
                    raise
        raise AssertionError(self._users)  # it is never empty

    def _send(self, text: str, seconds: float) -> Reply:
        log = self._task.workspace.fresh("log")
        argv = [self._task.workspace.ssh, *self._options(log), self.destination, self._command()]
        try:
            ended = process.run(argv, data=text, seconds=seconds)
        except process.TooLong:
            self._note(log)
            raise NoAnswer(f"no end after {seconds:.0f} s", self._key) from None
        self._note(log)
        if ended.status == SSH_FAILED:
            raise self._no_answer(log)
        return Reply(status=ended.status, output=ended.output, error=ended.error, key=self._key)

    def _command(self) -> str:
        if self.user == "root":
            return "sh -s"
        # The deploy account's sudo knows its own commands only; a cloud image's user may do everything.
        return "sudo -n nixfleet-run" if self.user == DEPLOY else "sudo -n sh -s"

    def _options(self, log: Path) -> list[str]:
        if self._socket is None:
            self._socket = self._task.workspace.fresh(SOCKET)
        return [
            *self._task.workspace.pinned(self.host, bootstrap=self.bootstrap),
            # ssh's own words go to a file: apart from the script's, and a master in the background holds no pipe open.
            *("-T", "-E", str(log), "-o", "LogLevel=DEBUG1"),
            *("-o", "ControlMaster=auto", "-o", "ControlPersist=60", "-o", f"ControlPath={self._socket}"),
        ]

    def _note(self, log: Path) -> None:
        """Remember which key answered; a connection that shares an older one does not say."""
        match = _ANSWERED.search(_text(log))
        if match:
            entry = self._task.host(self.host)
            known: dict[str, Key] = {
                fingerprint(entry.bootstrap_key): "bootstrap",
                fingerprint(entry.host_key): "final",
            }
            self._key = known.get(match[1], "unknown")

    def _no_answer(self, log: Path) -> NoAnswer:
        text = _text(log)
        answered = _ANSWERED.search(text)
        reason = next((name for pattern, name in _REASONS if pattern.search(text)), "")
        self.drop()
        if reason == "key":
            shown = answered[1] if answered else "unknown"
            if shown == fingerprint(self._task.host(self.host).bootstrap_key):
                return NoAnswer(f"{self.destination} answers with its bootstrap key: it is not installed", "bootstrap")
            return NoAnswer(f"another machine answered at {self.destination}: its host key is {shown}")
        if reason == "login":
            return NoAnswer(f"{self.destination} refused the deploy key", self._key, login=True)
        said = [line for line in text.splitlines() if line.strip() and not _NO_REASON.match(line)]
        silent = answered is None and self._key == "unknown"
        return NoAnswer(said[-1].strip() if said else "the connection was lost", self._key, silent=silent)

    def drop(self) -> None:
        """End the shared connection: the next script makes a new one, which proves that the host lets us in."""
        if self._socket is not None:
            self._task.workspace.hang_up(self._socket)
        self._socket = None

    @property
    def control_path(self) -> Path | None:
        """Socket of the shared connection, for tools that can share it too."""
        return self._socket


def _text(log: Path) -> str:
    return log.read_text(errors="replace") if log.exists() else ""

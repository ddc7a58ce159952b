"""The verbs tokens, hostkey and certificates: new keys on running hosts. Each goes on where a killed one stopped.

Which keys are new, and since when the stack file says so, is fleet/keys/rotation.py.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from hostops.authority import check_authority
from hostops.contact import await_look
from hostops.failure import Code, Failure
from hostops.keyring import fingerprint, public_half
from hostops.look import Look, look
from hostops.process import Deadline
from hostops.quorum import check_quorum
from hostops.ssh import Line, NoAnswer, script

if TYPE_CHECKING:
    from hostops.ssh import Reply
    from hostops.task import Task

STEP_SECONDS = 120
SHOW_SECONDS = 30
TOKENS = ("agent-token", "server-ca", "server-ca-key", "server-token")
"""Secrets of a host by which it joins, or forms, the cluster."""

ACCEPTED = "200"


def tokens(task: Task) -> None:
    """Bring new tokens to the cluster and to every node, servers first and one by one; raises Failure."""
    task.secrets.need("deployKey", "serverToken", "agentToken", "formerServerToken")
    agents = sorted(set(task.contract.hosts) - set(task.formation))
    looks = {host: _look(task, host) for host in (*task.formation, *agents)}
    for host in looks:
        check_authority(task, looks[host]["server_ca"], host)
    _tell_cluster(task, looks)
    for host in looks:
        with task.journal.phase(host, "tokens") as outcome:
            files = {
                name: text
                for name, text in task.secrets.on_host(task.host(host).role.value).items()
                if name in TOKENS and hashlib.sha256(text.encode()).hexdigest() != looks[host][f"secret_{name}"]
            }
            if not files:
                outcome.append("has them already")
            else:
                _restart(task, host, "tokens", _take(files))
                outcome.append(f"took {', '.join(files)}; its node is Ready")


def _take(files: dict[str, str]) -> str:
    values = {name.replace("-", "_"): text for name, text in files.items()}
    return script("tokens", act="take", files=" ".join(files), **values)


def _tell_cluster(task: Task, looks: dict[str, Look]) -> None:
    """Let the cluster encrypt what it keeps with the new token: a server that has another one does not start."""
    serving = next((name for name in task.formation if looks[name]["etcd"] == "ok"), None)
    if serving is None:
        raise Failure(
            Code.REFUSED, "tokens", "no server serves the cluster; bring its quorum back first, then run again"
        )
    with task.journal.phase(serving, "rotate") as outcome:
        secrets = task.secrets
        text = script("tokens", act="rotate", old=secrets.former_server_token, new=secrets.server_token)
        code = _run(task, serving, "rotate", text).facts().get("code", "")
        if code != ACCEPTED:
            cure = f"see there: journalctl -u k3s; then run again: make rotate WHAT=tokens STACK={task.stack}"
            raise Failure(Code.FAILED, "rotate", f"{serving} did not take the new server token (HTTP {code}); {cure}")
        outcome.append("the cluster knows the new server token")


def certificates(task: Task) -> None:
    """New certificates on every server, one by one; raises Failure."""
    task.secrets.need("deployKey")
    for host in task.formation:
        with task.journal.phase(host, "certificates") as outcome:
            reply = _restart(task, host, "certificates", script("certificates"), members=_serves(task, host))
            if reply.facts().get("rotated") != "0":
                said = " ".join(reply.error.split()[-30:]) or "nothing"
                raise Failure(Code.FAILED, "certificates", f"{host}: k3s certificate rotate failed and said: {said}")
            outcome.append("new ones; its node is Ready")


def _serves(task: Task, host: str) -> bool:
    """Whether a server serves the cluster: with certificates that have expired it does not, and holds no quorum."""
    return _look(task, host)["etcd"] == "ok"


def hostkey(task: Task, host: str) -> None:
    """Give a host the SSH host key of stdin; it may have it already. Raises Failure."""
    task.secrets.need("deployKey", "hostKey")
    new = public_half(task.secrets.host_key)
    task.workspace.accept(host, new, *_vouched_for(task, host))
    with task.journal.phase(host, "hostkey") as outcome:
        text = script("hostkey", private=task.secrets.host_key.strip(), public=f"{new} {host}")
        reply = _run(task, host, "hostkey", text)
        if reply.facts().get("hostkey") != "written":
            said = " ".join(reply.error.split()[-30:]) or "nothing"
            raise Failure(Code.FAILED, "hostkey", f"{host} did not take the key and said: {said}; run again")
        task.workspace.accept(host, new, alone=True)
        _look(task, host)
        outcome.append("answers with the new key, and with that one only")


def _vouched_for(task: Task, host: str) -> tuple[str, ...]:
    """The host key that somebody has read at the host's console (NIXFLEET_SEEN, its fingerprint); raises Failure.

    A host that has lost its own has another one, by which nobody else could know it.
    """
    seen = task.environment.get("NIXFLEET_SEEN", "")
    if not seen:
        return ()
    destination = Line(task, host).destination
    shown = task.workspace.shown(host, destination, SHOW_SECONDS)
    found = fingerprint(shown) if shown else "no key"
    if found != seen:
        cure = "read it again there: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"
        raise Failure(Code.REFUSED, "hostkey", f"{destination} shows {found}, and {seen} was seen on {host}; {cure}")
    return (shown,)


def _restart(task: Task, host: str, phase: str, text: str, *, members: bool = True) -> Reply:
    """Run a script that starts k3s again, and wait until the node is healthy."""
    line = Line(task, host)
    try:
        if members:
            check_quorum(task, line)
        reply = line.run(text, seconds=STEP_SECONDS)
        if reply.status != 0:
            said = " ".join(reply.error.split()[-30:]) or "nothing"
            raise Failure(Code.FAILED, phase, f"{host}: the step failed and said: {said}; run again")
        entry, version = task.host(host), task.cluster.k3s_version
        await_look(
            task,
            line,
            Deadline(task.limits.ready),
            phase,
            cure=f"see {host}'s log: journalctl -u k3s; then run again: it goes on there",
            until=lambda seen: seen.complaint(entry, version),
            code=Code.TIMED_OUT,
        )
    except NoAnswer as error:
        raise Failure(Code.UNREACHABLE, phase, f"{line.destination}: {error.text}; run again") from None
    finally:
        line.drop()
    return reply


def _look(task: Task, host: str) -> Look:
    line = Line(task, host)
    try:
        return look(line, task.host(host))
    except NoAnswer as error:
        text = f"{line.destination}: {error.text}; bring it back, then run again: it goes on there"
        raise Failure(Code.UNREACHABLE, "look", text) from None
    finally:
        line.drop()


def _run(task: Task, host: str, phase: str, text: str) -> Reply:
    line = Line(task, host)
    try:
        return line.run(text, seconds=STEP_SECONDS)
    except NoAnswer as error:
        raise Failure(Code.UNREACHABLE, phase, f"{line.destination}: {error.text}; run again") from None
    finally:
        line.drop()

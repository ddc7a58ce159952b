"""`python -m hostops VERB --stack S [--host H]`: the command line. What a verb does is in the module of its name."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from contextlib import ExitStack, contextmanager, redirect_stdout
from typing import TYPE_CHECKING, NoReturn

from hostops import process
from hostops.failure import Code, Failure
from hostops.journal import Journal
from hostops.keyring import Secrets
from hostops.lease import Leases
from hostops.lock import alone, place
from hostops.task import Limits, Task, load_contract, read_peers
from hostops.warden import guarded
from hostops.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from fleet.contract.facts import Contract

NEED_HOST = ("install", "switch", "leave", "hostkey", "halt", "resume")
"""Verbs that change one host: alone on this machine, and under the host's lease."""

CHANGE_SERVERS = ("restore", "certificates")
"""Verbs that change every server: alone on each on this machine, and under their leases."""

RESTART_ALL = ("tokens",)
"""Verbs that do the same with every host of the stack."""

CHANGE_ALL = ("mesh", "prune", "latecomers")
"""Verbs that change every host of the stack in a moment, each under its lease alone."""

OF_THE_STACK = (*CHANGE_SERVERS, *RESTART_ALL, *CHANGE_ALL, "authority", "credential", "reboots", "snapshot")
"""Verbs that take no host; reboots changes hosts by calls of their own."""

BESIDE_HOST = ("recognize", "taint", "untaint")
"""Verbs about one host that change nothing on it."""

OF_A_HOST = (*NEED_HOST, *BESIDE_HOST, "run")
"""Verbs that take a host; the last one changes what its command changes, as if somebody had logged in there."""

VERBS = (*OF_A_HOST, *OF_THE_STACK, "status", "kubeconfig", "settle")


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hostops", description="Work on the hosts of a stack; secrets come by stdin.")
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("--stack", required=True, help="name of the stack")
    parser.add_argument("--host", help=f"a host; needed by {', '.join(OF_A_HOST)}, not with verbs of the whole stack")
    arguments = parser.parse_args(argv)
    if arguments.verb in OF_A_HOST and not arguments.host:
        parser.error(f"{arguments.verb} needs --host")
    if arguments.verb in OF_THE_STACK and arguments.host:
        parser.error(f"{arguments.verb} is of the whole stack and takes no --host")
    return arguments


MODULES = {
    # keep-sorted start
    "certificates": "rotate",
    "halt": "power",
    "hostkey": "rotate",
    "prune": "mesh",
    "resume": "power",
    "taint": "taints",
    "tokens": "rotate",
    "untaint": "taints",
    # keep-sorted end
}
"""Modules of verbs that are not in one of their own name."""


def _perform(arguments: argparse.Namespace, task: Task) -> tuple[str, Code]:
    """Run the verb; answers with what belongs on stdout and the exit code."""
    # Only its own module is imported: hundreds of these processes start in one update.
    module = importlib.import_module(f"hostops.{MODULES.get(arguments.verb, arguments.verb)}")
    verb = getattr(module, arguments.verb)
    found = verb(task) if arguments.verb in OF_THE_STACK else verb(task, arguments.host)
    return found if isinstance(found, tuple) else (found or "", Code.DONE)


def _changed(arguments: argparse.Namespace, contract: Contract) -> tuple[str, ...]:
    """Hosts that the verb changes, and keeps for itself alone meanwhile."""
    if arguments.verb in NEED_HOST:
        return (arguments.host,)
    if arguments.verb in RESTART_ALL:
        return tuple(contract.hosts)
    return tuple(contract.cluster.servers) if arguments.verb in CHANGE_SERVERS else ()


@contextmanager
def _locks(arguments: argparse.Namespace, contract: Contract) -> Iterator[tuple[int, ...]]:
    """Be alone on these hosts, on this machine."""
    with ExitStack() as stack:
        # In one order: two runs that want several end, and do not wait for each other.
        hosts = sorted(_changed(arguments, contract))
        yield tuple(stack.enter_context(alone(arguments.stack, host, arguments.verb)) for host in hosts)


def _leases(arguments: argparse.Namespace, contract: Contract, journal: Journal) -> Leases:
    """Verbs that change hosts hold their leases; for those that only ask, the set is empty."""
    locked = _changed(arguments, contract)
    hosts = frozenset(contract.hosts) if arguments.verb in CHANGE_ALL else frozenset(locked)
    return Leases(hosts=hosts, verb=arguments.verb, journal=journal, place=place() if hosts else "", alone=bool(locked))


def _run(arguments: argparse.Namespace, journal: Journal) -> Code:
    environment = os.environ
    contract = load_contract(arguments.stack, environment)
    if arguments.verb == "leave":
        from hostops.leave import with_member  # noqa: PLC0415 - as in _perform

        contract = with_member(contract, arguments.host, environment)
    secrets = Secrets.read("{}" if sys.stdin.isatty() else sys.stdin.read())
    journal.conceal(secrets.values())
    limits = Limits.read(environment, arguments.verb, len(contract.hosts))
    process.end_within(limits.whole)
    peers = read_peers(environment, arguments.host)
    ssh_config = environment.get("NIXFLEET_SSH_CONFIG") or None
    with (
        _locks(arguments, contract) as held,
        Workspace(contract, secrets.deploy_key, ssh_config, secrets.former_deploy_key) as workspace,
        _leases(arguments, contract, journal) as leases,
    ):
        task = Task(
            contract=contract,
            secrets=secrets,
            workspace=workspace,
            journal=journal,
            limits=limits,
            environment=environment,
            peers=peers,
            held=held,
            leases=leases,
        )
        if arguments.host:
            task.host(arguments.host)
        with redirect_stdout(sys.stderr):
            result, code = _perform(arguments, task)
    if result:
        sys.stdout.write(result if result.endswith("\n") else f"{result}\n")
    return code


def _stop(number: int, _: FrameType | None) -> NoReturn:
    # As an exception, so that the private folder goes away on the way out; threads must not hold that up.
    process.stop()
    raise SystemExit(128 + number)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _stop)
    journal = Journal()
    arguments = _arguments(argv)
    try:
        return _run(arguments, journal)
    except Failure as failure:
        journal.say(arguments.host or arguments.stack, failure.phase, f"failed: {failure.text}")
        return failure.code
    except OSError as error:
        text = f"failed: {error}; see that the disk is not full"
        journal.say(arguments.host or arguments.stack, arguments.verb, text)
        return Code.FAILED
    finally:
        process.end_all()


if __name__ == "__main__":
    guarded()
    sys.exit(main())

"""A run of the engine in a process of its own, so that a failed one leaves nothing behind in ours.

The process is forked from a server that has imported the program's packages once; starting an interpreter for each
run would cost seconds.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
from dataclasses import dataclass
from typing import TYPE_CHECKING

from operate.engine import Place, Verb, run
from operate.messages import OperateError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from operate.record import Run

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [
        "operate.engine",
        "pulumi_command",
        "pulumi_hcloud",
        "pulumi_kubernetes",
        "pulumi_ovh",
        "components.site",
        # For the zygote, which is one of these processes too: plugins, and what hostops and the tools' doubles need.
        # Not hostops itself: it notes at its import which process it is.
        "concurrent.futures.thread",
        "fleet.contract.facts",
        "sim.plugins.command",
        "sim.plugins.hcloud",
        "sim.plugins.kubernetes",
        "sim.plugins.ovh",
        "sim.zygote",
        "sim.tools.flake",
    ]
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the process said before it ended."""

    run: Run | None = None
    refusal: str | None = None
    peak_bytes: int = 0
    """The most memory that it had, the program's included; engine and providers are other processes."""


def _work(connection: Connection, environment: dict[str, str], verb: Verb, place: Place, adopting: bool) -> None:  # noqa: FBT001 - passed on by position
    # The server's environment is that of its start.
    os.environ.clear()
    os.environ.update(environment)
    try:
        done = run(verb, place, adopting=adopting)
    except OperateError as error:
        connection.send(Answer(refusal=str(error)))
        return
    # Linux counts in KiB.
    connection.send(Answer(run=done, peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))


def run_apart(verb: Verb, place: Place, *, adopting: bool = False) -> tuple[Run, int]:
    """Run the engine once; the run and the memory it took. Raises OperateError like operate.engine.run."""
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_work, args=(theirs, dict(os.environ), verb, place, adopting))
    process.start()
    theirs.close()
    try:
        answer: Answer = ours.recv()
    except EOFError:
        process.join()
        raise OperateError(
            f"the process that ran `{verb}` ended with code {process.exitcode} and without a result"
        ) from None
    finally:
        ours.close()
    process.join()
    if answer.run is None:
        raise OperateError(answer.refusal or "")
    return answer.run, answer.peak_bytes

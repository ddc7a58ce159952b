"""The engine as those run it who do not use `operate`: nothing is held back before it starts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from operate import engine
from sim.apart import PROCESSES

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from operate.engine import Place, Verb
    from operate.record import Run


def _work(connection: Connection, environment: dict[str, str], verb: Verb, place: Place) -> None:
    os.environ.clear()
    os.environ.update(environment)
    setattr(engine, "hold", lambda *_: None)  # noqa: B010 - a module's function, in a process of its own
    connection.send(engine.run(verb, place))


def run_by_hand(verb: Verb, place: Place) -> Run:
    """Run the engine once, in a process of its own: a failed run leaves something behind."""
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_work, args=(theirs, dict(os.environ), verb, place))
    process.start()
    theirs.close()
    done: Run = ours.recv()
    process.join()
    return done

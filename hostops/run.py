"""The verb run: a person's command on one host, as root, over the connection whose key is pinned.

Nothing is locked or leased: it is as if that person had logged in there.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hostops.contact import need_address
from hostops.failure import Code, Failure
from hostops.ssh import Line, NoAnswer, script

if TYPE_CHECKING:
    from hostops.task import Task


def run(task: Task, host: str) -> str:
    """Run NIXFLEET_RUN; what it printed. Raises Failure where it failed."""
    task.secrets.need("deployKey")
    command = task.environment.get("NIXFLEET_RUN", "")
    if not command:
        raise Failure(Code.USAGE, "run", "no command is given: make run HOST=NAME RUN='...'")
    need_address(task, host, "run")
    line = Line(task, host)
    try:
        reply = line.run(script("run", command=command), seconds=task.limits.whole)
    except NoAnswer as error:
        raise Failure(Code.UNREACHABLE, "run", f"{line.destination}: {error.text}; run again") from None
    finally:
        line.drop()
    sys.stderr.write(task.journal.clean(reply.error))
    if reply.status != 0:
        sys.stderr.write(task.journal.clean(reply.output))
        raise Failure(Code.FAILED, "run", f"the command ended with status {reply.status}; what it said is above")
    return task.journal.clean(reply.output)

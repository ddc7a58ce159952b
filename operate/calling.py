"""One call of `python -m hostops` for people: what it says is shown as it comes."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from fleet.stackfile import ROOT
from operate.messages import OperateError

if TYPE_CHECKING:
    from collections.abc import Mapping


def call_hostops(verb: str, stack: str, host: str, *, data: str, environment: Mapping[str, str]) -> str:
    """Run a verb, for one host or for none; what it printed. Raises OperateError with the last that it said.

    Args:
        verb: as hostops knows it.
        stack: whose contract it reads.
        host: of the stack; empty: the verb is of the whole stack.
        data: its standard input, keys as JSON.
        environment: all that it sees.
    """
    argv = [sys.executable, "-m", "hostops", verb, "--stack", stack, *(["--host", host] if host else [])]
    with subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
    ) as child:
        assert child.stdin and child.stdout and child.stderr  # noqa: S101, PT018 - they were asked for
        child.stdin.write(data)
        child.stdin.close()
        last = ""
        for line in child.stderr:
            last = line.rstrip().removeprefix("hostops: ")
            print(last, file=sys.stderr, flush=True)
        said = child.stdout.read()
    if child.returncode:
        raise OperateError(last or f"hostops {verb} ended with code {child.returncode}")
    return said

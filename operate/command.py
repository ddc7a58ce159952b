"""The Pulumi CLI as a child process that ends with us. Which CLI it is was settled by tools/setup.

The SDK's own runner leaves a terminated caller's engine running, without its program. This one hands every signal on.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from pulumi.automation import CommandResult, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from operate.messages import OperateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

GRACE_SECONDS = 5.0
"""How long a child may take to end after its output closed."""


def _version(executable: str) -> VersionInfo:
    """What `pulumi version` says; raises OperateError when it says nothing usable."""
    answer = subprocess.run([executable, "version"], capture_output=True, text=True, check=False, timeout=60)
    try:
        return VersionInfo.parse(answer.stdout.strip().removeprefix("v"))
    except ValueError:
        raise OperateError(
            f"{executable} does not say its version (exit code {answer.returncode}): run `tools/setup` to "
            "get a working Pulumi CLI"
        ) from None


def _drain(stream: IO[str], callback: Callable[[str], object] | None, lines: list[str]) -> None:
    for line in stream:
        text = line.rstrip()
        lines.append(text)
        if callback:
            callback(text)


@contextmanager
def forwarded(process: subprocess.Popen[str]) -> Iterator[None]:
    """Hand SIGINT and SIGTERM on to `process` as SIGINT.

    The first makes the engine finish what it began, the second makes it end at once.
    """

    def hand_on(_signal: int, _frame: FrameType | None) -> None:
        process.send_signal(signal.SIGINT)

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers, and only it gets signals
        return
    before = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class EngineCommand(PulumiCommand):
    """`pulumi` on PATH."""

    def __init__(self, path: str) -> None:
        """Find `pulumi` on `path`; raises OperateError when there is none."""
        found = shutil.which("pulumi", path=path)
        if found is None:
            raise OperateError("the Pulumi CLI is missing: run `tools/setup`, which finds, downloads or builds it")
        self.command = found
        self.version = _version(found)

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Callable[[str], object] | None = None,
        on_error: Callable[[str], object] | None = None,
    ) -> CommandResult:
        """Run one CLI command; raises CommandError when its exit code is not 0."""
        environment = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        lines: tuple[list[str], list[str]] = ([], [])
        with subprocess.Popen(
            [self.command, "--non-interactive", *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment,
            encoding="utf-8",
            # A group of its own: the terminal's interrupt reaches it through us only, hence once.
            start_new_session=True,
        ) as process:
            readers = [
                threading.Thread(target=_drain, args=(stream, callback, kept))
                for stream, callback, kept in zip(
                    (process.stdout, process.stderr), (on_output, on_error), lines, strict=True
                )
            ]
            with forwarded(process):
                for reader in readers:
                    reader.start()
                for reader in readers:
                    reader.join()
                process.wait()
        result = CommandResult(stdout="\n".join(lines[0]), stderr="\n".join(lines[1]), code=process.returncode)
        if process.returncode:
            raise create_command_error(result)
        return result

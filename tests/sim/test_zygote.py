"""Plugins that are forked instead of started: an engine notices no difference."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from sim.launch import ADDRESS, forked
from sim.zygote import zygote

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 0)], ids=["killed", "interrupted"]
)
def test_a_forked_plugin_serves_and_ends_with_the_process_that_the_engine_knows(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    address, world = tmp_path / "z", tmp_path / "world"
    with zygote(address):
        launcher = subprocess.Popen(
            [*forked(), "-m", "sim.plugins", "command", "1.0.0", "127.0.0.1:1"],
            env={**os.environ, ADDRESS: str(address), "NIXFLEET_SIM": str(world)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert launcher.stdout is not None
        with launcher.stdout as said:
            socket.create_connection(("127.0.0.1", int(said.readline()))).close()
            launcher.send_signal(number)
            # The plugin has the same stream: it ends when both have.
            assert said.read() == ""
        assert launcher.wait() == code

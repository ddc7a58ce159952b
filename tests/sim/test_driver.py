"""The driver on the real engine, with a small program instead of the fleet's: what it records, says and heals."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from operate.engine import ROOT, run
from operate.messages import OperateError
from sim.session import alone
from sim.site import Site

if TYPE_CHECKING:
    from pathlib import Path

    from sim.stage import Outcome

FLEET: dict[str, Any] = {
    "cluster": {"name": "tiny", "seed": "board-1"},
    "endpoint": {"kind": "virtualIp", "name": "api.tiny.example.net", "address": "192.168.1.50"},
    "network": {"kind": "profile", "profile": "simple"},
    "firewall": {"adminRanges": ["192.0.2.0/24"]},
    "users": {
        "ada": {
            "keys": {"laptop": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8UzrIqPSGKpWDDzxPnQ0dSUWvf+bUeZ9Qm2hOBnHX0 ada"}
        }
    },
    "addons": {"longhorn": {"enabled": False}, "smokeTest": {"enabled": False}},
    "hosts": {
        "board-1": {
            "kind": "bare-metal",
            "role": "server",
            "hardware": "n100",
            "address": "192.168.1.21",
            "disk": {
                "device": "/dev/disk/by-id/nvme-TINY_1",
                "layout": "n100-standard",
                "serial": "TINY1",
                "sizeGib": 465,
            },
        }
    },
}

PROGRAM = """
import pulumi
import pulumi_command as command

options = pulumi.ResourceOptions(provider=command.Provider("local"))
secret = pulumi.Config("nixfleet").require_secret("clusterKeys")
{body}
pulumi.export("secret", secret)
pulumi.export("clear", "value")
"""

GOOD = """
text = "echo 'hostops: board-1: contact: there' >&2; echo one"
command.local.Command("a", create=text, environment={"N": "1"}, opts=options)
"""


class Tiny:
    """A site with a program of its own."""

    def __init__(self, base: Path, body: str = GOOD) -> None:
        self.site = Site(base, "tiny", {"pulumi:disable-default-providers": ["*"], "nixfleet:fleet": FLEET})
        self.program = base / "program.py"
        self.site.stage.place = replace(self.site.stage.place, program=self.program)
        self.write(body)

    def write(self, body: str) -> None:
        self.program.write_text(PROGRAM.format(body=textwrap.dedent(body)))


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    return Tiny(tmp_path)


def test_an_up_records_what_it_did_and_an_unchanged_one_does_nothing(tiny: Tiny) -> None:
    with tiny.site.powered():
        first = tiny.site.up()
        second = tiny.site.up()
        preview = tiny.site.preview()
        gone = tiny.site.destroy()
    assert first.run.ok, first.run.errors
    assert first.run.counts == {"create": 3}
    assert (first.commands, first.connections) == (("create a",), 0)
    assert first.run.outputs["clear"] == "value"
    assert first.run.secret_outputs == {"secret"}
    assert (second.run.changes, second.commands, second.connections) == ((), (), 0)
    assert (preview.run.changes, preview.commands) == ((), ())
    assert gone.run.counts == {"delete": 3}


def test_a_changed_input_is_an_update_with_its_path(tiny: Tiny) -> None:
    with tiny.site.powered():
        tiny.site.up()
        tiny.write(GOOD.replace('"N": "1"', '"N": "2"'))
        outcome = tiny.site.up()
    (operation,) = outcome.run.changes
    assert (operation.op, operation.name, operation.type, operation.changes) == (
        "update",
        "a",
        "command:local:Command",
        ("environment.N",),
    )


def test_a_failed_host_command_is_one_message(tmp_path: Path) -> None:
    said = "hostops: board-1: contact: failed: 192.168.1.21 not reachable; check its power"
    body = f"""
    text = "echo '{said}' >&2; exit 4 # python -m hostops install --host board-1"
    command.local.Command("a", create=text, opts=options)
    """
    tiny = Tiny(tmp_path, body)
    outcome = tiny.site.up()
    assert (outcome.run.ok, outcome.run.errors) == (
        False,
        ("board-1: contact: failed: 192.168.1.21 not reachable; check its power (hostops install, exit code 4)",),
    )


def test_a_refused_document_is_one_message_without_a_traceback(tmp_path: Path) -> None:
    body = """
    from fleet.faults import Fault, FleetError
    faults = [Fault(path=path, value="7", law="even", cure="write 8") for path in ("b", "a")]
    raise FleetError("Pulumi.tiny.yaml", tuple(faults))
    """
    outcome = Tiny(tmp_path, body).site.preview()
    assert (outcome.run.ok, outcome.run.errors) == (
        False,
        ("Pulumi.tiny.yaml has 2 faults:\n  a: 7: even; write 8\n  b: 7: even; write 8",),
    )


def test_a_wrong_passphrase_is_named(tiny: Tiny) -> None:
    environment = {**tiny.site.stage.place.environment, "PULUMI_CONFIG_PASSPHRASE": "no"}
    tiny.site.stage.place = replace(tiny.site.stage.place, environment=environment)
    with pytest.raises(OperateError) as caught:
        tiny.site.preview()
    assert str(caught.value) == (
        "wrong passphrase: the secrets of stack tiny do not open with PULUMI_CONFIG_PASSPHRASE; "
        "set the passphrase that `make keys STACK=tiny` was run with"
    )


def test_an_unknown_stack_is_told_with_the_known_ones(tiny: Tiny) -> None:
    place = replace(tiny.site.stage.place, stack="tinny")
    with pytest.raises(OperateError) as caught:
        run("preview", place)
    assert str(caught.value) == (
        f"there is no stack tinny: {place.stack_file} does not exist; stacks here: tiny; copy the nearest "
        "one's file to begin a new one"
    )


def test_a_missing_cli_is_told(tiny: Tiny, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    place = replace(tiny.site.stage.place, environment={**tiny.site.stage.place.environment, "PATH": str(tmp_path)})
    with pytest.raises(OperateError) as caught:
        run("preview", place)
    assert str(caught.value) == "the Pulumi CLI is missing: run `tools/setup`, which finds, downloads or builds it"


def test_two_commands_at_once_on_one_world_are_refused(tiny: Tiny) -> None:
    with alone(tiny.site.stage.base), pytest.raises(OperateError) as caught:
        tiny.site.up()
    assert str(caught.value) == (
        f"another command works on the simulated fleet in {tiny.site.stage.base} (process {os.getpid()}): "
        "wait until it has ended"
    )


DRIVE = """
import sys
from dataclasses import replace
from pathlib import Path
from operate.actions import drive
from operate.failures import exit_code
from operate.engine import ROOT
from sim.site import Site
from sim.stage import Stage
base = Path(sys.argv[1])
stage = Stage(stack="tiny", base=base, folder=base / "site", contracts=base / "contracts", passphrase="throwaway")
place = replace(stage.place, program=base / "program.py")
def act():
    with stage.powered():
        return drive("up", place)
sys.exit(exit_code(act))
"""


def _started(tiny: Tiny, mark: Path) -> subprocess.Popen[str]:
    """A run in a process of its own, at the moment when its slow command has begun."""
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVE, str(tiny.site.stage.base)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not mark.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "the slow command did not begin within 60 s"
        time.sleep(0.05)
    return process


def _up_when_free(tiny: Tiny) -> Outcome:
    """An up as soon as what a killed command left has noticed that it is alone."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OperateError):
            return tiny.site.up()
        time.sleep(0.5)
    return tiny.site.up()


def slow(mark: Path, seconds: int) -> str:
    return f'command.local.Command("slow", create="echo $$ >{mark}; exec sleep {seconds}", opts=options)\n'


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_ends_at_once_and_can_be_run_again(tmp_path: Path, number: signal.Signals) -> None:
    mark = tmp_path / "mark"
    tiny = Tiny(tmp_path, GOOD + slow(mark, 100))
    process = _started(tiny, mark)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in said
    tiny.write(GOOD)
    assert tiny.site.up().run.ok


def test_a_killed_run_leaves_no_machines_running_and_can_be_run_again(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    tiny = Tiny(tmp_path, GOOD + slow(mark, 3))
    process = _started(tiny, mark)
    process.kill()
    process.communicate()
    outcome = _up_when_free(tiny)
    assert outcome.run.ok, outcome.run.errors


def test_the_state_holds_no_secret_in_clear(tiny: Tiny) -> None:
    tiny.site.up()
    token = tiny.site.ring.cluster.server_token
    texts = [path.read_text(errors="replace") for path in tiny.site.stage.base.rglob("*") if path.is_file()]
    assert not [text for text in texts if token in text]
    assert json.loads((tiny.site.stage.base / "contracts" / "tiny.json").read_text())["stack"] == "tiny"

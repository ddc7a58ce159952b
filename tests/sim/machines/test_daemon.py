"""The daemon follows the rack and survives itself."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sim.machines.rack import SimulatorError
from sim.world import Fault
from tests.sim.machines.lab import ROOT, Lab

if TYPE_CHECKING:
    from pathlib import Path


def test_a_restarted_daemon_finds_machines_as_they_were(lab: Lab) -> None:
    for name in ("s1", "a1"):
        lab.add(name)
        lab.install(name)
    lab.ok("s1", "systemd-run --unit=back --on-active=15m touch $NIXFLEET_ROOT/fired")
    before = lab.ok("s1", "cat $NIXFLEET_ROOT/proc/sys/kernel/random/boot_id")
    assert lab.stop() == 0
    lab.start()
    assert lab.ssh("s1", "cat $NIXFLEET_ROOT/proc/sys/kernel/random/boot_id", lab.final_key).stdout == f"{before}\n"
    assert lab.ok("s1", "k3s kubectl get nodes") == "s1 Ready v1.35.6+k3s1\na1 Ready v1.35.6+k3s1"
    lab.rack.elapse("id-s1", 16 * 60)
    lab.ok("s1", "test -e $NIXFLEET_ROOT/fired")


def test_what_was_racked_while_no_daemon_ran_boots_when_one_starts(lab: Lab) -> None:
    lab.stop()
    lab.add("s1")
    lab.add("s2")
    lab.rack.power("id-s2", on=False)
    lab.start()
    lab.ok("s1", "true")
    assert "Connection refused" in lab.ssh("s2", "true").stderr


def test_a_removed_machine_is_gone_with_its_files(lab: Lab) -> None:
    lab.add("s1")
    argv = lab.ssh_argv("s1")
    lab.rack.remove("id-s1")
    ended = subprocess.run([*argv, "true"], capture_output=True, text=True, check=False, timeout=60)
    assert ended.stderr.rstrip() == "ssh: connect to host 127.0.0.1 port 1: Connection refused"
    assert lab.rack.machines() == ()
    assert not (lab.world.root / "machines/id-s1").exists()
    assert "203.0.113.1" not in (lab.world.root / "ssh_config").read_text()


def test_a_machine_answers_at_its_addresses_and_at_no_others(lab: Lab) -> None:
    lab.add("s1", addresses=("203.0.113.5", "2001:db8::5"))
    lab.rack.set_addresses("id-s1", ("203.0.113.6",))
    config = (lab.world.root / "ssh_config").read_text()
    assert [line for line in config.splitlines() if line.startswith("Host ")] == ["Host 203.0.113.6", "Host *"]
    lab.ok("s1", "true")


def test_a_connection_can_be_made_to_fail(lab: Lab) -> None:
    lab.add("s1")
    lab.world.inject(Fault(machine="s1", step="ssh connect", kind="fail"))
    assert lab.ssh("s1", "true").returncode == 255
    assert lab.ssh("s1", "true").returncode == 0
    assert len(lab.world.events("s1", "ssh connect")) == 2


def test_input_and_output_and_status_pass_through(lab: Lab) -> None:
    lab.add("s1")
    data = bytes(range(256)) * 1024
    argv = [*lab.ssh_argv("s1"), "cat; echo problem >&2; exit 7"]
    ended = subprocess.run(argv, input=data, capture_output=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (7, data, b"problem\n")


def test_a_script_on_standard_input_runs(lab: Lab) -> None:
    lab.add("s1")
    argv = [*lab.ssh_argv("s1"), "/bin/sh -s"]
    ended = subprocess.run(
        argv, input='x=$(hostname)\necho "<$x>"\n', capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.stdout == "<s1>\n"


def test_a_second_daemon_is_refused(lab: Lab) -> None:
    argv = [sys.executable, "-m", "sim.machines.daemon", "--world", str(lab.world.root)]
    ended = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"simulator {lab.world.root}: another daemon runs this world; stop it first, or use another folder\n"
    )


def test_asking_without_a_daemon_says_how_to_start_one(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    with pytest.raises(SimulatorError) as error:
        lab.rack.settle()
    assert str(error.value).endswith("start its daemon: python -m sim.machines.daemon --world ROOT")

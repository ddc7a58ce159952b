"""Faults of simulated machines that tests inject: what they do, and that they end when they are over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from sim.machines import hostkeys
from sim.world import SLOW_SECONDS, Fault

if TYPE_CHECKING:
    from sim.world import FaultKind
    from tests.sim.machines.lab import Lab


WRITE = 'echo text >"$NIXFLEET_ROOT/{0}/new" && sync "$NIXFLEET_ROOT/{0}/new"'


def boot_id(lab: Lab) -> str:
    return lab.ok("s1", 'cat "$NIXFLEET_ROOT/proc/sys/kernel/random/boot_id"')


def inject(lab: Lab, kind: FaultKind) -> None:
    lab.world.inject(Fault(machine="s1", step="lsblk", kind=kind))


def test_a_machine_that_resets_at_a_step_boots_again_without_having_done_it(lab: Lab) -> None:
    lab.add("s1")
    before = boot_id(lab)
    inject(lab, "reboot")
    ended = lab.ssh("s1", "lsblk; echo reached")
    assert (ended.returncode, ended.stdout) == (255, "")
    lab.rack.settle()
    assert boot_id(lab) != before


def test_a_machine_that_loses_its_power_is_gone_until_it_is_switched_on(lab: Lab) -> None:
    spec = lab.add("s1")
    inject(lab, "power")
    assert lab.ssh("s1", "lsblk").returncode == 255
    lab.rack.settle()
    assert "Connection refused" in lab.ssh("s1", "true").stderr
    lab.rack.power(spec.id, on=True)
    lab.ok("s1", "lsblk")


def test_a_slow_step_works_and_takes_longer(lab: Lab) -> None:
    lab.add("s1")
    inject(lab, "slow")
    began = time.monotonic()
    lab.ok("s1", "lsblk")
    assert time.monotonic() - began >= SLOW_SECONDS


@pytest.mark.parametrize("kind", ["rate", "error"])
def test_what_only_a_cloud_can_have_is_refused_at_a_machine(lab: Lab, kind: FaultKind) -> None:
    lab.add("s1")
    inject(lab, kind)
    said = lab.ssh("s1", "lsblk")
    assert (said.returncode, f"a fault of kind {kind} is for clouds; s1 is a machine" in said.stderr) == (1, True)


def test_a_full_disk_takes_no_file_and_no_system(lab: Lab) -> None:
    spec = lab.add("s1")
    lab.install("s1")
    lab.rack.fill(spec.id, full=True)
    written = lab.ssh("s1", WRITE.format("etc"))
    assert (written.returncode, "new': No space left on device" in written.stderr) == (1, True)
    # Memory has room.
    lab.ok("s1", WRITE.format("run"))
    refused = lab.ssh("s1", "nix-env -p /nix/var/nix/profiles/system --set /nix/store/x")
    assert (refused.returncode, refused.stderr) == (
        1,
        "error: nix-env: writing to file: No space left on device\n",
    )
    lab.rack.fill(spec.id, full=False)
    lab.ok("s1", WRITE.format("etc"))


def test_a_format_makes_room(lab: Lab) -> None:
    spec = lab.add("s1")
    lab.rack.fill(spec.id, full=True)
    lab.install("s1")
    lab.ok("s1", WRITE.format("etc"))


def test_a_node_whose_clock_is_behind_its_cluster_joins_when_the_clock_is_right(lab: Lab) -> None:
    for name in ("s1", "a1"):
        lab.add(name)
    lab.install("s1")
    lab.rack.set_clock("id-a1", -7200)
    now = int(time.time())
    assert abs(int(lab.ok("a1", "date +%s")) - now + 7200) < 60
    lab.install("a1")
    assert "x509: certificate has expired or is not yet valid: current time" in lab.ok("a1", "journalctl -u k3s")
    assert lab.ok("a1", "timedatectl show -p NTPSynchronized --value") == "no"
    lab.rack.set_clock("id-a1", 0)
    lab.ok("a1", "systemctl restart k3s")
    assert lab.ok("a1", "systemctl is-active k3s") == "active"
    assert abs(int(lab.ok("a1", "date +%s")) - int(time.time())) < 60


def test_a_machine_with_another_host_key_is_not_let_pass(lab: Lab) -> None:
    spec = lab.add("s1")
    had = lab.rack.rekey(spec.id, hostkeys.new_key())
    assert "Host key verification failed" in lab.ssh("s1", "true").stderr
    lab.rack.rekey(spec.id, had)
    lab.ok("s1", "true")

"""Units, activation and the way back: what an update of a host may rely on."""

from __future__ import annotations

import subprocess

from sim.world import Fault
from tests.sim.machines.lab import LIMIT_SECONDS, Lab

SYSTEM = '"$NIXFLEET_ROOT"/nix/var/nix/profiles/system/bin/switch-to-configuration'
SWITCH = f"systemd-run --unit=switch --service-type=oneshot --remain-after-exit {SYSTEM} switch"


def _updated(lab: Lab) -> tuple[str, str]:
    """An installed host with another system on it that is not active: both store paths."""
    lab.add("s1")
    lab.install("s1")
    old = lab.ok("s1", "readlink -f $NIXFLEET_ROOT/run/current-system")
    lab.contract["hosts"]["s1"]["labels"] = {"new": "yes"}
    return old, lab.rebuild("s1")


def _current(lab: Lab) -> str:
    return lab.ok("s1", "readlink -f $NIXFLEET_ROOT/run/current-system")


def test_boot_changes_what_boots_and_nothing_that_runs(lab: Lab) -> None:
    old, new = _updated(lab)
    assert old != new
    assert _current(lab) == old
    lab.rack.reboot("id-s1")
    assert _current(lab) == new
    assert lab.ok("s1", "readlink -f $NIXFLEET_ROOT/run/booted-system") == new


def test_a_switch_activates_without_a_boot(lab: Lab) -> None:
    old, new = _updated(lab)
    lab.ok("s1", SWITCH)
    assert _current(lab) == new
    assert lab.ok("s1", "readlink -f $NIXFLEET_ROOT/run/booted-system") == old
    assert lab.ok("s1", "systemctl show switch -p Result -p ExecMainStatus -p ActiveState").split() == [
        "Result=success",
        "ExecMainStatus=0",
        "ActiveState=active",
    ]


def test_the_same_name_for_a_second_unit_is_refused_until_it_is_stopped(lab: Lab) -> None:
    _updated(lab)
    lab.ok("s1", SWITCH)
    again = lab.ssh("s1", SWITCH)
    assert again.returncode == 1
    assert again.stderr == (
        "Failed to start transient service unit: Unit switch.service was already loaded or has a fragment file.\n"
    )
    lab.ok("s1", f"systemctl stop switch; {SWITCH}")


def test_the_watchdog_returns_to_the_previous_generation(lab: Lab) -> None:
    old, new = _updated(lab)
    back = (
        "systemd-run --unit=back --on-active=15m sh -c "
        f"'nix-env -p /nix/var/nix/profiles/system --rollback && {SYSTEM} switch'"
    )
    lab.ok("s1", f"{back}; {SWITCH}")
    assert _current(lab) == new
    lab.rack.elapse("id-s1", 14 * 60)
    assert _current(lab) == new
    lab.rack.elapse("id-s1", 2 * 60)
    assert _current(lab) == old
    lab.rack.reboot("id-s1")
    assert _current(lab) == old


def test_a_stopped_watchdog_does_nothing(lab: Lab) -> None:
    _, new = _updated(lab)
    lab.ok("s1", f"systemd-run --unit=back --on-active=1min reboot; {SWITCH}; systemctl stop back.timer")
    lab.rack.elapse("id-s1", 3600)
    assert _current(lab) == new
    assert lab.ssh("s1", "systemctl is-active back.timer").stdout == "inactive\n"
    assert lab.world.events("s1", "timer fired") == ()


def test_a_reboot_forgets_transient_units_and_their_timers(lab: Lab) -> None:
    _updated(lab)
    lab.ok("s1", "systemd-run --unit=back --on-active=1min true")
    lab.rack.reboot("id-s1")
    assert lab.ok("s1", "systemctl show back.timer -p LoadState") == "LoadState=not-found"


def test_a_lost_connection_does_not_stop_a_transient_unit(lab: Lab) -> None:
    lab.add("s1")
    lab.world.inject(Fault(machine="s1", step="systemctl show", kind="disconnect"))
    work = "systemd-run --unit=work --no-block --service-type=oneshot sh -c 'read -r go <gate; echo $go >seen'"
    ended = lab.ssh("s1", f"mkfifo gate; {work}; systemctl show work; echo unreachable")
    assert ended.returncode == 255
    assert "unreachable" not in ended.stdout
    assert lab.ok("s1", "systemctl show work -p ActiveState") == "ActiveState=activating"
    lab.ok("s1", "echo ahead >gate")
    lab.rack.settle()
    assert lab.ok("s1", "cat seen") == "ahead"


def test_a_failed_unit_stays_until_it_is_reset(lab: Lab) -> None:
    lab.add("s1")
    assert lab.ssh("s1", "systemd-run --unit=bad --service-type=oneshot sh -c 'echo why; exit 7'").returncode == 1
    assert lab.ok("s1", "systemctl show bad -p Result -p ExecMainStatus --value") == "exit-code\n7"
    assert lab.ok("s1", "systemctl is-failed bad; journalctl -u bad") == "failed\nwhy"
    assert lab.ok("s1", "systemctl list-units --failed --plain --no-legend").split()[0] == "bad.service"
    assert lab.ok("s1", "systemctl reset-failed bad; systemctl show bad -p LoadState") == "LoadState=not-found"


def test_a_unit_that_is_collected_tells_its_status_before_it_goes(lab: Lab) -> None:
    lab.add("s1")
    collected = "systemd-run --quiet --collect --unit=gone"
    assert lab.ssh("s1", f"{collected} --service-type=oneshot sh -c 'exit 7'").returncode == 1
    assert lab.ssh("s1", f"{collected} --wait sh -c 'exit 7'").returncode == 7
    assert lab.ok("s1", "systemctl show gone -p LoadState") == "LoadState=not-found"


def test_the_manager_reads_a_command_line_before_its_shell_does(lab: Lab) -> None:
    lab.add("s1")
    lab.ok("s1", "systemd-run --quiet --wait --setenv=A=one --unit=say sh -c 'echo \"$$((1 + 1)) ${A} ${B}.\"'")
    assert lab.ok("s1", "journalctl -u say") == "2 one ."


def test_a_name_is_taken_by_the_unit_that_has_it(lab: Lab) -> None:
    lab.add("s1")
    lab.ok("s1", "systemd-run --quiet --unit=back --on-active=1h true")
    for option, unit, kind in (("--on-active=1h", "back.timer", "timer"), ("--wait", "back.service", "service")):
        said = lab.ssh("s1", f"systemd-run --quiet --unit=back {option} true")
        text = f"Failed to start transient {kind} unit: Unit {unit} was already loaded or has a fragment file.\n"
        assert (said.returncode, said.stderr) == (1, text)


def test_a_failing_activation_leaves_the_running_system(lab: Lab) -> None:
    old, _ = _updated(lab)
    lab.world.inject(Fault(machine="s1", step="activate", kind="fail"))
    assert lab.ssh("s1", SWITCH).returncode == 1
    assert lab.ok("s1", "systemctl show switch -p ExecMainStatus --value") == "2"
    assert _current(lab) == old


def test_a_hanging_activation_holds_the_lock_until_it_is_stopped(lab: Lab) -> None:
    old, _ = _updated(lab)
    lab.world.inject(Fault(machine="s1", step="activate", kind="hang"))
    lab.ok("s1", SWITCH.replace("--unit", "--no-block --unit"))
    lab.ok("s1", 'until [ -e "$NIXFLEET_ROOT/run/nixos/switch-to-configuration.lock" ]; do :; done')
    second = lab.ssh("s1", f"{SYSTEM} switch")
    assert second.returncode == 1
    assert second.stderr == "Could not acquire lock: /run/nixos/switch-to-configuration.lock is held\n"
    assert lab.ok("s1", "systemctl is-active switch || :") == "activating"
    lab.ok("s1", "systemctl stop switch; systemctl reset-failed switch; " + SWITCH)
    assert _current(lab) != old


def test_a_unit_that_does_not_start_makes_the_switch_fail_with_4(lab: Lab) -> None:
    _, new = _updated(lab)
    lab.contract["cluster"]["k3sVersion"] = "v1.36.0+k3s1"
    newer = lab.rebuild("s1")
    assert newer != new
    lab.world.inject(Fault(machine="s1", step=f"k3s start {newer}", kind="fail"))
    assert lab.ssh("s1", f"{SYSTEM} switch").returncode == 4
    assert _current(lab) == newer
    assert lab.ok("s1", "systemctl is-failed k3s") == "failed"


def test_a_boot_that_hangs_leaves_the_machine_dark(lab: Lab) -> None:
    lab.add("s1")
    lab.world.inject(Fault(machine="s1", step="boot", kind="hang"))
    lab.rack.reboot("id-s1")
    assert "Connection refused" in lab.ssh("s1", "true").stderr
    lab.rack.reboot("id-s1")
    lab.ok("s1", "true")


def test_a_hanging_command_ends_with_its_machine(lab: Lab) -> None:
    lab.add("s1")
    lab.world.inject(Fault(machine="s1", step="lsblk", kind="hang"))
    argv = [*lab.ssh_argv("s1"), "--", "echo begun; lsblk; echo never"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "begun\n"
        lab.rack.power("id-s1", on=False)
        assert client.wait(LIMIT_SECONDS) == 255
        assert client.stdout.read() == ""


def test_a_reboot_by_command_answers_before_the_machine_goes(lab: Lab) -> None:
    lab.add("s1")
    before = lab.ok("s1", "cat $NIXFLEET_ROOT/proc/sys/kernel/random/boot_id")
    lab.ok("s1", "reboot")
    lab.rack.settle()
    assert lab.ok("s1", "cat $NIXFLEET_ROOT/proc/sys/kernel/random/boot_id") != before


def test_what_needs_root_is_refused_to_others(lab: Lab) -> None:
    lab.add("s1", login_user="ubuntu")
    ended = lab.ssh("s1", "reboot", user="ubuntu")
    assert (ended.returncode, ended.stderr) == (1, "reboot: Operation not permitted (must be root)\n")
    assert lab.ssh("s1", "sudo systemctl is-active sshd", user="ubuntu").stdout == "active\n"


def test_what_is_not_simulated_is_refused_aloud(lab: Lab) -> None:
    lab.add("s1")
    ended = lab.ssh("s1", "systemctl mask sshd")
    assert ended.returncode == 2
    assert ended.stderr == "systemctl: mask is not simulated; add it to sim/machines/commands or do without\n"
    assert lab.ssh("s1", "nix-env --version").returncode == 127

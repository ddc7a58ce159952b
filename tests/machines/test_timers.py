"""What systemd promises to hostops' transient units, and keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.machines.points import Site

DEAF = "sh -c 'trap \"\" TERM; while :; do sleep 1; done'"


def test_a_timer_is_as_exact_as_it_was_told_and_not_by_a_minute(installed: Site) -> None:
    said = installed.machine.tell(
        "systemd-run --quiet --unit=vague --on-active=10m true; "
        "systemd-run --quiet --unit=exact --on-active=10m --timer-property=AccuracySec=1s true; "
        "systemctl show --property=AccuracyUSec --value vague.timer exact.timer; systemctl stop vague.timer exact.timer"
    )
    assert said.split() == ["1min", "1s"]


def test_a_clock_that_is_set_moves_no_watchdog(installed: Site) -> None:
    machine = installed.machine
    machine.tell("systemd-run --quiet --unit=watch --on-active=10m touch /run/fired")
    now = int(machine.tell("date +%s"))
    machine.set_clock(now + 86400)
    assert machine.tell("systemctl is-active watch.timer; test ! -e /run/fired") == "active"
    machine.set_clock(now)
    machine.tell("systemctl stop watch.timer")


def test_a_service_that_ignores_signals_is_killed_after_its_own_limit(installed: Site) -> None:
    said = installed.machine.tell(
        f"systemd-run --quiet --unit=deaf --property=TimeoutStopSec=5 {DEAF}; "
        "until pgrep -f 'trap' >/dev/null; do sleep 0.2; done; systemctl stop deaf.service; "
        "systemctl show --property=ActiveState --property=Result deaf.service; systemctl reset-failed"
    )
    assert said.splitlines() == ["Result=timeout", "ActiveState=failed"]


def test_a_unit_that_fails_at_once_is_started_again_until_its_limit(installed: Site) -> None:
    said = installed.machine.tell(
        "systemd-run --quiet --unit=short --property=Restart=always --property=RestartSec=100ms "
        "--property=StartLimitIntervalSec=60 --property=StartLimitBurst=3 false; "
        "until [ $(systemctl is-active short.service) = failed ]; do sleep 0.5; done; "
        "systemctl show short.service --property=NRestarts --property=Result; systemctl reset-failed"
    )
    assert sorted(said.splitlines()) == ["NRestarts=3", "Result=exit-code"]

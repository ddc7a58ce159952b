"""An update on a bad day: power cuts, hangs, killed runs, other wishes. What is unproven never boots by default."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from hostops.ssh import REMOTE
from hostops.weight import step_refused
from sim.machines import longhorn
from sim.machines.longhorn.nodes import LABEL
from sim.machines.objects import DEFINITION
from sim.world import Fault
from tests.hostops.bench import BOARD, SEED, Bench, Ended, wait_for

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.hostops.bench import Copies

LOGS = "see there: journalctl -u nixfleet-switch -u nixfleet-rollback -u nixfleet-undo"
BOTH_LOADERS = pytest.mark.parametrize("host", [BOARD, SEED], ids=["systemd-boot", "grub"])


@pytest.fixture
def made(pairs: Copies) -> Iterator[Bench]:
    """A server and a board, both installed."""
    with pairs.one() as bench:
        yield bench


def system(made: Bench, host: str) -> str:
    """The system that a host runs."""
    running: str = json.loads(made.run("status", host).out)["hosts"][host]["system"]
    return running


def reset(made: Bench, host: str) -> None:
    """Cut the power, and bring it back."""
    made.rack.reboot(made.machine(host).spec.id)


def boots(made: Bench, host: str) -> str:
    """The system that the host runs after a power cut: what boots by default."""
    reset(made, host)
    return system(made, host)


def hanging(made: Bench, step: str, kind: str = "hang") -> subprocess.Popen[str]:
    """A switch of the board that has come as far as the activation, which does not end."""
    made.fault(BOARD, "activate", kind)  # type: ignore[arg-type]  # a kind of fault
    process = made.start("switch", BOARD)
    wait_for(lambda: made.events(step, BOARD) > 0)
    return process


def ended(process: subprocess.Popen[str]) -> Ended:
    """A started run, to its end."""
    out, err = process.communicate(timeout=90)
    return Ended(code=process.returncode, out=out, err=err)


def elapse(made: Bench, host: str) -> None:
    """The watchdog's minutes pass on a host."""
    made.rack.elapse(made.machine(host).spec.id, 15 * 60 + 1)


class TestActivation:
    def test_a_power_cut_in_its_middle_brings_back_what_had_proven_itself(self, made: Bench) -> None:
        old = system(made, BOARD)
        made.change("Europe/Rome")
        process = hanging(made, "activate")
        reset(made, BOARD)
        cut = ended(process)
        new = re.search(r"copy: (/nix/store/\S+)", cut.err)
        assert new is not None
        text = (
            f"it was rebooted while {new[1]} was unproven (a power cut, or a watchdog of its hardware); "
            f"it runs {old}, which had proven itself and boots by default; run again"
        )
        assert (cut.code, cut.last) == (7, f"hostops: {BOARD}: rollback: failed: {text}")
        assert system(made, BOARD) == old
        assert made.run("switch", BOARD).code == 0
        assert boots(made, BOARD) == new[1]

    @pytest.mark.parametrize("step", ["systemd-run --quiet --unit=nixfleet-switch", "systemctl show", "nix-env"])
    def test_a_power_cut_at_any_other_step_boots_a_proven_system(self, step: str, made: Bench) -> None:
        old = system(made, BOARD)
        made.change("Europe/Rome")
        made.fault(BOARD, step, "hang")
        process = made.start("switch", BOARD)
        wait_for(lambda: not any(fault["times"] for fault in made.world.read("faults").get("faults", [])))
        process.kill()
        process.communicate()
        assert boots(made, BOARD) == old
        assert made.run("switch", BOARD).code == 0
        assert boots(made, BOARD) != old

    def test_one_that_ignores_signals_is_killed_so_that_the_way_back_is_in_time(self, made: Bench) -> None:
        old = system(made, BOARD)
        made.change("Europe/Rome")
        process = hanging(made, "activate", "deaf")
        elapse(made, BOARD)
        done = ended(process)
        text = f"the watchdog fired: the new system was not confirmed in time; the host runs {old} again; {LOGS}"
        assert (done.code, done.last) == (7, f"hostops: {BOARD}: rollback: failed: {text}")
        assert made.events("unit kill nixfleet-switch.service", BOARD) == 1
        assert boots(made, BOARD) == old

    def test_another_wish_while_it_hangs_ends_it_and_goes_on(self, made: Bench) -> None:
        old = system(made, BOARD)
        made.change("Europe/Rome")
        process = hanging(made, "activate")
        process.kill()
        process.communicate()
        made.change("Europe/Vienna")
        done = made.run("switch", BOARD)
        assert done.code == 0, done.err
        assert "is unproven, and the wish is another one; going back" in done.err
        assert system(made, BOARD) == boots(made, BOARD) != old
        assert made.machine(BOARD).units == {}

    def test_the_old_wish_while_it_hangs_brings_the_old_system_back(self, made: Bench) -> None:
        old, timezone = system(made, BOARD), made.fleet.get("timezone", "UTC")
        made.change("Europe/Rome")
        process = hanging(made, "activate")
        process.kill()
        process.communicate()
        made.change(timezone)
        done = made.run("switch", BOARD)
        assert (done.code, system(made, BOARD), boots(made, BOARD)) == (0, old, old), done.err

    def test_one_that_takes_sshd_away_is_undone_and_sshd_is_back(self, made: Bench) -> None:
        old = system(made, BOARD)
        made.change("Europe/Rome")
        process = hanging(made, "activate", "shut")
        elapse(made, BOARD)
        done = ended(process)
        text = f"the watchdog fired: the new system was not confirmed in time; the host runs {old} again; {LOGS}"
        assert (done.code, done.last) == (7, f"hostops: {BOARD}: rollback: failed: {text}")
        assert system(made, BOARD) == boots(made, BOARD) == old

    def test_what_was_refused_does_not_boot(self, made: Bench) -> None:
        old = system(made, BOARD)
        made.change("Europe/Rome")
        made.fault(BOARD, "systemd-run")
        refused = made.run("switch", BOARD)
        text = (
            "the watchdog could not be armed (systemd-run: simulated fault); nothing was activated, and nothing else "
            "boots; run again"
        )
        assert (refused.code, refused.last) == (6, f"hostops: {BOARD}: activate: failed: {text}")
        assert boots(made, BOARD) == old

    def test_what_was_rolled_back_does_not_boot(self, made: Bench) -> None:
        old = system(made, BOARD)
        made.fleet["rollout"] = {"probes": [{"name": "never", "command": "exit 1"}]}
        made.change("Europe/Rome")
        assert made.run("switch", BOARD).code == 7
        assert boots(made, BOARD) == old

    def test_a_menu_that_cannot_be_written_leaves_the_old_default_and_the_next_run_mends_it(self, made: Bench) -> None:
        old = system(made, BOARD)
        made.change("Europe/Rome")
        made.world.inject(Fault(machine=BOARD, step="switch-to-configuration boot", kind="fail", times=2))
        failed = made.run("switch", BOARD)
        assert failed.code == 6
        assert "and is healthy, and cannot make that what boots by default" in failed.last
        new = system(made, BOARD)
        assert new != old
        assert made.run("switch", BOARD).code == 0
        assert boots(made, BOARD) == new


class TestReboot:
    @BOTH_LOADERS
    def test_a_new_kernel_boots_once_and_by_default_only_when_it_is_healthy(self, host: str, made: Bench) -> None:
        old = system(made, host)
        before = made.events("boot ", host)
        new_kernel(made, host)
        done = made.run("switch", host)
        assert done.code == 0, done.err
        assert done.phases == ["look", "quorum", "copy", "weigh", "drain", "reboot", "check", "cluster"]
        assert made.events("boot", host) > before
        steps = [event.step for event in made.world.events(host) if event.step in ("boot", "boot default")]
        assert steps[-3:] == ["boot default", "boot", "boot default"]
        new = system(made, host)
        assert new != old
        assert boots(made, host) == new

    @BOTH_LOADERS
    def test_one_that_is_not_healthy_after_its_boot_is_left_by_another(self, host: str, made: Bench) -> None:
        old = system(made, host)
        new_kernel(made, host)
        made.fault(host, "k3s start")
        done = made.run("switch", host, NIXFLEET_READY_SECONDS="5")
        assert done.code == 7, done.err
        assert "not healthy within 5 s of its boot: k3s is failed; the host left " in done.last
        assert f" by a reboot and runs {old}, which boots by default; see there: journalctl --boot=-1" in done.last
        assert system(made, host) == boots(made, host) == old
        assert made.run("switch", host).code == 0

    @BOTH_LOADERS
    def test_one_that_does_not_come_up_is_gone_with_the_next_boot(self, host: str, made: Bench) -> None:
        old = system(made, host)
        new_kernel(made, host)
        made.fault(host, "boot")
        process = made.start("switch", host)
        wait_for(lambda: made.machine(host).system == "none")
        reset(made, host)
        done = ended(process)
        assert done.code == 7, done.err
        assert "its boot did not come up; the host left " in done.last
        assert system(made, host) == boots(made, host) == old

    @BOTH_LOADERS
    def test_without_an_operator_the_guard_brings_the_host_back_and_the_next_run_says_so(
        self, host: str, made: Bench
    ) -> None:
        old = system(made, host)
        new_kernel(made, host)
        made.fault(host, "k3s start")
        process = made.start("switch", host)
        wait_for(lambda: made.events("timer armed nixfleet-trial-end.timer", host) == 1)
        process.kill()
        process.communicate()
        elapse(made, host)
        wait_for(lambda: made.events("unit end nixfleet-trial.service", host) == 2)
        told = made.run("switch", host)
        assert (told.code, "(it was not confirmed in time); it runs " + old in told.last) == (7, True), told.err
        assert boots(made, host) == old
        assert made.run("switch", host).code == 0

    def test_a_run_that_was_killed_is_taken_up_by_the_next(self, made: Bench) -> None:
        old = system(made, BOARD)
        new_kernel(made, BOARD)
        process = made.start("switch", BOARD)
        wait_for(lambda: made.events("timer armed nixfleet-trial-end.timer", BOARD) == 1)
        process.kill()
        process.communicate()
        done = made.run("switch", BOARD)
        assert (done.code, done.phases) == (0, ["look", "reboot", "check", "cluster"]), done.err
        assert "goes on with the trial of an interrupted run" in done.err
        assert boots(made, BOARD) != old

    def test_another_wish_ends_a_trial_first(self, made: Bench) -> None:
        new_kernel(made, BOARD)
        process = made.start("switch", BOARD)
        wait_for(lambda: made.events("timer armed nixfleet-trial-end.timer", BOARD) == 1)
        process.kill()
        process.communicate()
        made.change("Europe/Vienna")
        done = made.run("switch", BOARD)
        assert done.code == 0, done.err
        assert done.phases.count("reboot") == 1
        assert boots(made, BOARD) == system(made, BOARD)

    @pytest.mark.parametrize("well", [True, False], ids=["healthy", "unhealthy"])
    def test_an_owner_s_own_reboot_tries_it_and_the_host_itself_decides(self, well: bool, made: Bench) -> None:  # noqa: FBT001
        old = system(made, BOARD)
        made.fleet["rollout"] = {"reboot": "never"}
        new_kernel(made, BOARD)
        done = made.run("switch", BOARD)
        text = "and rollout.reboot is 'never'; the next boot tries the system and keeps it if it is well"
        assert (done.code, f" but for what only a boot brings, {text}" in done.err) == (0, True), done.err
        assert made.run("switch", BOARD).phases == ["look", "switch"]
        if not well:
            made.fault(BOARD, "k3s start")
        reset(made, BOARD)
        if well:
            wait_for(lambda: made.events("unit end nixfleet-trial-check.service", BOARD) == 1)
        else:
            wait_for(lambda: made.events("unit end nixfleet-trial.service", BOARD) == 1)
            elapse(made, BOARD)
            wait_for(lambda: made.events("unit end nixfleet-trial.service", BOARD) == 2)
        assert (boots(made, BOARD) == old) == (not well)


def new_kernel(made: Bench, host: str) -> None:
    """Give a host other parameters of its kernel."""
    made.fleet["hosts"][host]["tuning"] = {"kernelParams": ["quiet"]}
    made.write()


def test_every_timer_says_how_exact_it_has_to_be() -> None:
    """systemd's own accuracy is a minute."""
    texts = {path.name: path.read_text().replace("\\\n", " ") for path in REMOTE.glob("*.sh")}
    timers = [line for text in texts.values() for line in text.splitlines() if "--on-active" in line]
    assert len(timers) == 5
    assert [line for line in timers if "--timer-property=AccuracySec=1" not in line] == []


class TestWindow:
    def test_outside_of_it_the_host_gets_what_needs_no_reboot_and_boots_what_had_proven_itself(
        self, made: Bench
    ) -> None:
        old = system(made, BOARD)
        made.fleet["rollout"] = {"window": window(2)}
        new_kernel(made, BOARD)
        for _ in range(2):
            due = made.run("switch", BOARD)
            assert due.code == 8
            assert f"reboot: failed: it runs {system(made, BOARD)} but for what only a boot brings" in due.last
            assert re.search(
                r", and rollout\.window \(\w{3} 02:00-03:00\) opens next on \w{3} [-0-9]{10} 02:00 ", due.last
            )
            assert due.last.endswith("; a run inside the window reboots it")
        assert system(made, BOARD) != old
        assert boots(made, BOARD) == old

    def test_inside_of_it_the_next_run_makes_the_reboot(self, made: Bench) -> None:
        made.fleet["rollout"] = {"window": window(2)}
        new_kernel(made, BOARD)
        assert made.run("switch", BOARD).code == 8
        made.fleet["rollout"] = {"window": {"opens": "00:00", "closes": "23:59"}}
        made.write()
        done = made.run("switch", BOARD)
        assert done.code == 0, done.err
        assert boots(made, BOARD) == system(made, BOARD)

    def test_where_a_later_step_makes_it_the_switch_succeeds_and_that_step_names_who_waits(self, made: Bench) -> None:
        """The run goes on with other hosts, and ends by saying what is missing."""
        made.fleet["rollout"] = {"window": window(2)}
        new_kernel(made, BOARD)
        held = made.run("switch", BOARD, NIXFLEET_REBOOTS="later")
        assert (held.code, "reboot: held back: it runs " in held.err) == (0, True), held.err
        said = json.loads(held.out)
        assert said["held"].startswith(f"{said['system']} ")
        due = {"NIXFLEET_HELD": json.dumps({BOARD: said["held"], "gone-1": "left the fleet"})}
        connections = made.events("ssh connect")
        waits = [made.run("reboots", **due, **more) for more in ({}, {"NIXFLEET_REBOOTS": "later"})]
        assert ([one.code for one in waits], made.events("ssh connect")) == ([8, 0], connections)
        for one in waits:
            told = json.loads(one.out)
            assert (told["done"], one.last) == ({}, f"hostops: sim: reboots: {told['waits']}")
            assert told["waits"].startswith(f"{BOARD}: the reboot waits, because rollout.window (")
            assert told["waits"].endswith("; all else is done; a run inside the window makes it")
        made.fleet["rollout"] = {"window": {"opens": "00:00", "closes": "23:59"}}
        made.write()
        done = made.run("reboots", **due)
        assert (done.code, boots(made, BOARD)) == (0, said["system"]), done.err
        assert json.loads(done.out) == {"done": json.loads(due["NIXFLEET_HELD"])}
        connections = made.events("ssh connect")
        again = made.run("reboots", **due, PULUMI_COMMAND_STDOUT=done.out)
        assert (again.err, again.out, made.events("ssh connect")) == (
            "hostops: sim: reboots: no host waits for one\n",
            done.out,
            connections,
        )


def window(days: int) -> dict[str, object]:
    """A window that opens so many days from now, whatever the time zone."""
    day = (datetime.now(UTC) + timedelta(days=days)).strftime("%a").lower()
    return {"days": [day], "opens": "02:00", "closes": "03:00"}


class TestDisruption:
    def test_a_change_that_leaves_k3s_alone_drains_nothing(self, made: Bench) -> None:
        made.change("Europe/Rome")
        assert "drain" not in made.run("switch", BOARD).phases
        assert drains(made) == 0

    def test_a_change_that_restarts_k3s_drains_first_and_uncordons_after_it(self, made: Bench) -> None:
        other_k3s(made)
        done = made.run("switch", BOARD)
        phases = ["look", "quorum", "copy", "weigh", "drain", "activate", "switch", "check", "cluster"]
        assert (done.code, done.phases) == (0, phases), done.err
        assert (drains(made), cordoned(made)) == (1, False)

    @pytest.mark.parametrize("well", [True, False], ids=["healthy", "unhealthy"])
    def test_etcd_is_saved_before_a_server_s_k3s_changes_and_forgotten_when_all_is_well(
        self,
        well: bool,  # noqa: FBT001 - pytest's way
        made: Bench,
    ) -> None:
        if not well:
            made.fleet["rollout"] = {"probes": [{"name": "never", "command": "exit 1"}]}
        other_k3s(made)
        done = made.run("switch", SEED)
        assert done.code == (0 if well else 7), done.err
        assert made.events("etcd snapshot", SEED) == 1
        folder = (
            made.world.root / "machines" / made.machine(SEED).spec.id / "root/var/lib/rancher/k3s/server/db/snapshots"
        )
        assert len(list(folder.glob("nixfleet-rollout-*"))) == (0 if well else 1)
        if not well:
            made.fleet["rollout"] = {}
            made.write()
            again = made.run("switch", SEED)
            assert (again.code, "snapshot: etcd was saved before: nixfleet-rollout-" in again.err) == (0, True), (
                again.err
            )
            assert (made.events("etcd snapshot", SEED), list(folder.glob("nixfleet-rollout-*"))) == (1, [])

    def test_one_that_goes_back_is_uncordoned(self, made: Bench) -> None:
        made.fleet["rollout"] = {"probes": [{"name": "never", "command": "exit 1"}]}
        other_k3s(made)
        assert made.run("switch", BOARD).code == 7
        assert (drains(made), cordoned(made)) == (1, False)

    def test_a_node_that_a_killed_run_left_cordoned_is_uncordoned_by_the_next(self, made: Bench) -> None:
        other_k3s(made)
        made.fault(BOARD, "activate", "hang")
        process = made.start("switch", BOARD)
        wait_for(lambda: made.events("activate", BOARD) > 0)
        process.kill()
        process.communicate()
        assert cordoned(made)
        elapse(made, BOARD)
        assert made.run("switch", BOARD).code == 7
        done = made.run("switch", BOARD)
        assert (done.code, cordoned(made)) == (0, False), done.err

    def test_the_last_copy_of_a_volume_is_not_taken_away(self, made: Bench) -> None:
        with_volume(made, "v", BOARD, wanted=2)
        other_k3s(made)
        refused = made.run("switch", BOARD, NIXFLEET_DRAIN_SECONDS="1")
        text = (
            f"not touched, because {BOARD} has the last healthy copy of v; wait until Longhorn has made others "
            "(kubectl -n longhorn-system get volumes.longhorn.io), then run again"
        )
        assert (refused.code, refused.last) == (3, f"hostops: {BOARD}: drain: failed: {text}")
        assert (drains(made), cordoned(made)) == (0, False)

    def test_the_probes_run_where_the_host_ran_the_system_already(self, made: Bench) -> None:
        made.fleet["rollout"] = {"probes": [{"name": "never", "command": "echo no; exit 1"}]}
        made.write()
        with made.world.edit("faults") as document:
            document.clear()
        installed = system(made, BOARD)
        first = made.run("switch", BOARD)
        assert first.code == 7
        assert "the probe never must print nothing and exit 0; it said: no probe_status=1" in first.last
        assert system(made, BOARD) == installed


@pytest.mark.parametrize(
    ("version", "text"),
    [("v1.33.9+k3s1", "is a minor below it"), ("v1.37.0+k3s1", "leaves a minor out")],
)
def test_k3s_goes_one_minor_at_a_time(version: str, text: str) -> None:
    assert step_refused("v1.35.6+k3s1", version) == text
    assert [step_refused("v1.35.6+k3s1", to) for to in ("v1.35.2+k3s1", "v1.36.0+k3s1")] == ["", ""]
    assert step_refused("", version) == ""


def other_k3s(made: Bench) -> None:
    """Tell k3s of all hosts something else."""
    made.fleet["cluster"]["podRange"] = "10.44.0.0/16"
    made.write()


def drains(made: Bench) -> int:
    """How often a node was drained."""
    return sum("kubectl --request-timeout=10s drain" in event.detail for event in made.world.events(step="command"))


def cordoned(made: Bench) -> bool:
    """Whether the board's node takes no pods."""
    return bool(made.world.read("clusters/sim")["nodes"][BOARD]["spec"].get("unschedulable"))


def with_volume(made: Bench, name: str, *hosts: str, wanted: int) -> None:
    """Install Longhorn with a disk on these hosts, and put a volume there."""
    with made.world.edit("clusters/sim") as document:
        for kind in longhorn.KINDS:
            DEFINITION.add(document, "", kind.full)
        for host in hosts:
            document["nodes"][host]["metadata"]["labels"][LABEL] = "true"
        roots = {host: made.world.root / "machines" / made.machine(host).spec.id / "root" for host in hosts}
        longhorn.reconcile(document, roots, lambda _: False)
        longhorn.add_volume(document, name, hosts, wanted=wanted)

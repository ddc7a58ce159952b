"""hostops as it is: the command, OpenSSH, and machines that answer, format, boot and fail."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from sim.machines import machine as machines
from sim.machines.commands import tokens
from sim.machines.rack import Disk
from tests.hostops.bench import BOARD, PUBLIC, SEED, SERVERS, Bench, into_installer, members, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator


class TestInstall:
    def test_a_cloud_image_becomes_a_node_and_is_never_formatted_again(self, board: Bench) -> None:
        first = board.run("install", SEED)
        phases = ["contact", "guard", "kexec", "disk", "cluster", "disko", "seal", "forget", "reboot", "ready"]
        assert (first.code, first.phases, first.out) == (0, phases, "")
        content = board.content(SEED)
        again = board.run("install", SEED)
        assert (again.code, again.phases) == (0, ["contact", "guard", "ready"])
        assert "guard: already installed" in again.err
        assert (board.content(SEED), board.events("format")) == (content, 1)

    def test_a_bootstrap_key_is_worth_nothing_on_a_machine_that_was_installed(self, board: Bench) -> None:
        """In a cloud, every process of the machine can read it, for ever."""
        known = {"NIXFLEET_MACHINE_ID": "4711", "NIXFLEET_INSTALLED_ON": "4711"}
        refused = board.run("install", SEED, **known)
        text = (
            f"{SEED} was installed on this machine, and {PUBLIC[SEED]} answers with its bootstrap key, which whatever "
            "ran there could read: it may be another machine, and it was told nothing; if its cloud has made its "
            "system anew, delete the server there, then make refresh STACK=sim and make up STACK=sim: a new server "
            "gets a new installation"
        )
        assert (refused.code, refused.last) == (3, f"hostops: {SEED}: contact: failed: {text}")
        assert board.events("nixos-anywhere kexec") == 0
        # Another machine under the name, as after a replacement, is a first installation.
        assert board.run("install", SEED, **(known | {"NIXFLEET_INSTALLED_ON": "4710"})).code == 0
        again = board.run("install", SEED, **known)
        assert (again.code, "contact: installed at" in again.err) == (0, True)

    def test_a_token_formats_once_and_an_older_one_never(self, pair: Bench) -> None:
        first = pair.content(BOARD)
        done = pair.run("install", BOARD, NIXFLEET_REINSTALL=f"{BOARD}@1")
        assert (done.code, f"forget: {SEED} forgot the old node {BOARD} (" in done.err) == (0, True), done.err
        second = pair.content(BOARD)
        assert second != first
        same = pair.run("install", BOARD, NIXFLEET_REINSTALL=f"{BOARD}@1")
        assert (same.code, same.phases) == (0, ["contact", "guard", "ready"])
        assert "guard: already installed" in same.err
        assert pair.run("install", BOARD, NIXFLEET_REINSTALL=f"{BOARD}@2").code == 0
        third = pair.content(BOARD)
        assert third != second
        older = pair.run("install", BOARD, NIXFLEET_REINSTALL=f"{BOARD}@1")
        assert (older.code, older.last) == (
            3,
            (
                f"hostops: {BOARD}: guard: failed: the token '{BOARD}@1' was used for an earlier installation; "
                "a new one needs a new token"
            ),
        )
        assert pair.content(BOARD) == third

    @pytest.mark.parametrize("step", ["kexec", "disko", "install", "reboot"])
    def test_a_second_run_resumes_at_the_phase_that_failed(self, step: str, board: Bench) -> None:
        board.fault(SEED, f"nixos-anywhere {step}")
        first = board.run("install", SEED)
        assert (first.code, f"nixos-anywhere {step}: simulated fault" in first.last) == (6, True)
        second = board.run("install", SEED)
        assert second.code == 0, second.err
        assert ("kexec" in second.phases, "disko" in second.phases) == (step == "kexec", step != "reboot")
        assert board.events("format") == {"install": 2}.get(step, 1)

    def test_a_tool_that_hangs_is_ended_and_the_next_run_goes_on(self, board: Bench) -> None:
        board.fault(BOARD, "nixos-anywhere install", "hang")
        first = board.run("install", BOARD, NIXFLEET_INSTALL_SECONDS="4")
        assert first.code == 5
        assert first.last.startswith(f"hostops: {BOARD}: disko: failed: no end within ")
        assert first.last.endswith(
            "last output: ### disko ### / ### install ###; run again: it goes on where the host stands"
        )
        board.installed(SEED)
        board.installed(BOARD)

    def test_a_disk_of_ours_in_an_installer_is_spared(self, pair: Bench) -> None:
        content = pair.content(BOARD)
        into_installer(pair, BOARD)
        refused = pair.run("install", BOARD)
        assert (refused.code, "an installation of ours is on the disk /dev/disk/by-id/nvme-" in refused.last) == (
            3,
            True,
        )
        assert pair.content(BOARD) == content

    def test_a_used_token_is_known_from_the_disk_alone(self, board: Bench) -> None:
        token = f"{BOARD}@1"
        assert board.run("install", BOARD, NIXFLEET_REINSTALL=token, NIXFLEET_READY_SECONDS="1").code == 5
        content = board.content(BOARD)
        into_installer(board, BOARD)
        refused = board.run("install", BOARD, NIXFLEET_REINSTALL=token)
        assert (refused.code, f", made with the token '{token}', which is used up; " in refused.last) == (3, True)
        assert board.content(BOARD) == content
        board.run("install", BOARD, NIXFLEET_REINSTALL=f"{BOARD}@2", NIXFLEET_READY_SECONDS="1")
        assert board.content(BOARD) != content

    def test_a_seal_that_was_missed_is_made_good(self, board: Bench) -> None:
        """Without it the same token would format again from an installer."""
        token = f"{BOARD}@1"
        board.installed(SEED)
        board.fault(BOARD, "lsblk -nro MOUNTPOINT")
        failed = board.run("install", BOARD, NIXFLEET_REINSTALL=token)
        assert (failed.code, failed.last.split(":")[2]) == (6, " seal"), failed.last
        board.rack.reboot(board.machine(BOARD).spec.id)
        done = board.run("install", BOARD, NIXFLEET_REINSTALL=token)
        assert (done.code, f"seal: installation {token}, which an interrupted run had left without" in done.err) == (
            0,
            True,
        )
        into_installer(board, BOARD)
        refused = board.run("install", BOARD, NIXFLEET_REINSTALL=token)
        assert (refused.code, f", made with the token '{token}', which is used up; " in refused.last) == (3, True)
        assert board.events("format", BOARD) == 1

    def test_a_missed_seal_forgets_no_earlier_installation(self, pair: Bench) -> None:
        assert pair.run("install", BOARD, NIXFLEET_REINSTALL=f"{BOARD}@1").code == 0
        pair.fault(BOARD, "lsblk -nro MOUNTPOINT")
        assert pair.run("install", BOARD, NIXFLEET_REINSTALL=f"{BOARD}@2").code == 6
        pair.rack.reboot(pair.machine(BOARD).spec.id)
        assert pair.run("install", BOARD, NIXFLEET_REINSTALL=f"{BOARD}@2").code == 0
        into_installer(pair, BOARD)
        refused = pair.run("install", BOARD, NIXFLEET_REINSTALL=f"{BOARD}@1")
        assert (refused.code, f", made with the token '{BOARD}@1', which is used up; " in refused.last) == (3, True)

    def test_a_claim_is_for_one_disk(self, board: Bench) -> None:
        board.installed(SEED)
        board.fault(BOARD, "nixos-anywhere install")
        assert board.run("install", BOARD).code == 6
        # The operator finds that another disk was meant; that one has a system of ours.
        machine = board.machine(BOARD)
        old = board.rack.detach_disk(machine.spec.id, machine.disks[0].serial)
        board.rack.attach_disk(machine.spec.id, replace(old, serial="OTHER", content="precious"))
        board.hosts[BOARD]["disk"]["serial"] = "OTHER"
        board.write()
        refused = board.run("install", BOARD)
        assert (refused.code, "; to format the disk, set reinstall: n100-1@<anything new>" in refused.last) == (3, True)
        assert board.content(BOARD) == "precious"

    def test_the_old_disk_beside_a_new_one_is_refused_while_the_host_runs(self, pair: Bench) -> None:
        machine = pair.machine(BOARD)
        old = machine.disks[0]
        spare = Disk(serial="SPARE", size_gib=old.size_gib, device="/dev/nvme1n1", by_id="nvme-spare")
        pair.rack.attach_disk(machine.spec.id, spare)
        pair.hosts[BOARD]["disk"] |= {"serial": "SPARE", "device": "/dev/disk/by-id/nvme-spare"}
        pair.write()
        refused = pair.run("install", BOARD, NIXFLEET_REINSTALL=f"{BOARD}@1")
        labels = ", ".join(
            f"nf.sim.{BOARD}.{part}" for part in ["esp", "boot", "swap", "root", "var", "tmp", "containerd", "longhorn"]
        )
        assert (refused.code, refused.last) == (
            3,
            (
                f"hostops: {BOARD}: guard: failed: the stack file does not name the disk /dev/nvme0n1, and it carries "
                f"partitions of ours ({labels}); unplug it, or name the disk that is meant; "
                "if nothing on it is needed, wipe it on that machine: wipefs -a /dev/nvme0n1"
            ),
        )
        assert pair.events("kexec", BOARD) == 0
        assert json.loads(pair.run("status", BOARD).out)["hosts"][BOARD]["healthy"] is True

    def test_a_stop_in_the_middle_leaves_a_disk_that_a_new_token_may_format(self, board: Bench) -> None:
        """The boot partition is mounted then, and is read where it is."""
        board.installed(SEED)
        board.fault(BOARD, "nixos-anywhere install")
        assert board.run("install", BOARD, NIXFLEET_REINSTALL=f"{BOARD}@1").code == 6
        assert board.run("install", BOARD, NIXFLEET_REINSTALL=f"{BOARD}@2").code == 0
        assert board.events("format", BOARD) == 2

    def test_another_disk_is_spared(self, board: Bench) -> None:
        machine = board.machine(BOARD)
        old = board.rack.detach_disk(machine.spec.id, machine.disks[0].serial)
        board.rack.attach_disk(
            machine.spec.id, Disk(serial="OTHER", size_gib=old.size_gib, device=old.device, by_id=old.by_id)
        )
        refused = board.run("install", BOARD)
        assert (refused.code, "has serial 'OTHER', expected is '2313E6D00021'" in refused.last) == (3, True)
        assert board.events("format") == 0

    def test_a_machine_that_is_off_is_named_with_what_was_seen_last(self, board: Bench) -> None:
        board.rack.power(f"id-{SEED}", on=False)
        ended = board.run("install", SEED, NIXFLEET_CONTACT_SECONDS="2")
        assert ended.code == 4
        assert ended.last.startswith(
            f"hostops: {SEED}: contact: failed: {PUBLIC[SEED]} did not let us in within 2 s; last seen: "
        )
        assert "Connection refused; nothing was changed; see that it is on" in ended.last

    def test_another_machine_at_the_address_is_never_touched(self, board: Bench) -> None:
        board.ring.hosts[SEED] = board.ring.hosts[BOARD]
        board.write()
        ended = board.run("install", SEED, NIXFLEET_CONTACT_SECONDS="1")
        assert (ended.code, f"another machine answered at root@{PUBLIC[SEED]}" in ended.last) == (4, True)
        assert board.events("command", SEED) == 0

    def test_a_key_that_does_not_fit_the_contract_stops_before_any_contact(self, board: Bench) -> None:
        pem = board.ring.hosts[SEED].bootstrap_key
        board.ring.hosts[SEED] = board.ring.hosts[SEED].model_copy(update={"host_key": pem})
        ended = board.run("install", SEED)
        assert (ended.code, "hostKey is not the private half of the contract's key" in ended.last) == (2, True)
        assert board.events("ssh connect") == 0

    @pytest.mark.parametrize("step", ["kexec", "disko", "install"])
    def test_a_run_that_is_killed_leaves_no_key_and_no_child_and_the_next_goes_on(
        self, step: str, board: Bench
    ) -> None:
        board.fault(SEED, f"nixos-anywhere {step}", "hang")
        process = board.start("install", SEED)
        wait_for(lambda: board.events(f"nixos-anywhere {step}") == 1)
        assert board.private_folders()
        below = descendants(process.pid)
        assert any("nixos_anywhere" in command for command in below.values())
        process.kill()
        # Its streams end when the last process that holds them has.
        process.communicate(timeout=20)
        assert (alive(below), board.private_folders()) == ([], [])
        done = board.run("install", SEED)
        assert (done.code, board.events("format") <= 1 + (step == "install")) == (0, True), done.err

    def test_a_run_whose_starter_is_killed_ends_with_it(self, board: Bench) -> None:
        board.fault(SEED, "nixos-anywhere disko", "hang")
        starter = board.start("install", SEED, before=("sh", "-c", '"$@"; exit $?', "sh"))
        wait_for(lambda: board.events("nixos-anywhere disko") == 1)
        below = descendants(starter.pid)
        starter.kill()
        starter.communicate(timeout=20)
        assert (alive(below), board.private_folders()) == ([], [])

    def test_what_a_dead_run_left_goes_with_the_next_run_of_any_verb(self, board: Bench) -> None:
        board.fault(SEED, "nixos-anywhere disko", "hang")
        process = board.start("install", SEED)
        wait_for(lambda: board.events("nixos-anywhere disko") == 1)
        below = descendants(process.pid)
        # Everything at once, as when the machine is out of memory: nobody is left to clean up.
        for pid in (process.pid, *below):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.communicate(timeout=20)
        left = board.private_folders()
        assert [sorted(path.name for path in folder.iterdir() if path.name == "deploy-key") for folder in left] == [
            ["deploy-key"]
        ]
        board.run("status")
        assert board.private_folders() == []

    def test_a_folder_of_a_run_that_lives_is_spared(self, board: Bench) -> None:
        board.fault(SEED, "nixos-anywhere disko", "hang")
        process = board.start("install", SEED)
        wait_for(lambda: board.events("nixos-anywhere disko") == 1)
        kept = board.private_folders()
        board.run("status")
        assert board.private_folders() == kept
        process.kill()
        process.communicate(timeout=20)

    def test_a_second_run_on_a_host_is_refused_whatever_its_address_and_temporary_folder(
        self, board: Bench, tmp_path: Path
    ) -> None:
        board.fault(SEED, "nixos-anywhere disko", "hang")
        process = board.start("install", SEED)
        wait_for(lambda: board.events("nixos-anywhere disko") == 1)
        refused = board.run("install", SEED, TMPDIR=str(tmp_path), NIXFLEET_ADDRESS="192.0.2.1")
        text = (
            rf"another run works on this host \(process {process.pid}: install, since [-0-9]+ [:0-9]+, or a tool that"
        )
        end = r" it started\); wait until it has ended, then run again"
        assert refused.code == 3
        assert re.fullmatch(f"hostops: {SEED}: lock: failed: {text}{end}", refused.last), refused.last
        process.kill()
        process.communicate(timeout=20)

    def test_an_interrupted_run_leaves_no_key_behind(self, board: Bench) -> None:
        board.fault(SEED, "nixos-anywhere disko", "hang")
        process = board.start("install", SEED)
        wait_for(lambda: board.events("nixos-anywhere disko") == 1)
        assert board.private_folders()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        assert process.returncode == 128 + signal.SIGTERM
        assert board.private_folders() == []


class TestDataDisk:
    """A host with an empty root and a further disk."""

    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[Bench]:
        made = Bench(tmp_path, (SEED, BOARD))
        made.hosts[BOARD]["disk"]["layout"] = "zfs-server"
        tank = {"device": "/dev/disk/by-id/nvme-tank", "serial": "TANK", "sizeGib": 900, "layout": "tank"}
        made.hosts[BOARD]["dataDisk"] = tank
        made.write()
        with made.powered():
            made.rack_cloud(SEED)
            made.installed(SEED, BOARD)
            yield made

    def test_an_empty_root_keeps_identity_key_and_secrets(self, server: Bench) -> None:
        server.rack.reboot(server.machine(BOARD).spec.id)
        assert server.run("switch", BOARD).code == 0
        again = server.run("install", BOARD)
        assert (again.code, "guard: already installed" in again.err) == (0, True), again.err

    def test_a_new_system_disk_is_no_leave_to_wipe_the_other(self, server: Bench) -> None:
        machine = server.machine(BOARD)
        system, tank = machine.disks
        assert tank.partition_labels == (f"nf.sim.{BOARD}.tank",)
        server.rack.detach_disk(machine.spec.id, system.serial)
        new = Disk(serial="NEW", size_gib=system.size_gib, device=system.device, by_id=system.by_id)
        server.rack.attach_disk(machine.spec.id, new)
        server.rack.reboot(machine.spec.id)
        server.hosts[BOARD]["disk"]["serial"] = "NEW"
        server.write()
        refused = server.run("install", BOARD)
        start = f"an installation of ours is on the disk /dev/disk/by-id/nvme-tank (nf.sim.{BOARD}.tank); "
        assert (refused.code, start in refused.last) == (3, True)
        token = server.run("install", BOARD, NIXFLEET_REINSTALL=f"{BOARD}@1")
        assert token.code == 0, token.err
        assert server.machine(BOARD).disk("TANK").content != tank.content


class TestCluster:
    def test_a_server_is_not_installed_anew_while_another_member_is_down(self, trio: Bench) -> None:
        trio.rack.power("id-hcloud-3", on=False)
        refused = trio.run("install", "hcloud-2", NIXFLEET_REINSTALL="hcloud-2@1")
        what = (
            "quorum: failed: not removed, because of the members of etcd 1 of 2 would be left healthy (hcloud-3 is not"
        )
        assert (refused.code, what in refused.last) == (3, True)
        assert trio.events("kexec", "hcloud-2") == 1

    def test_a_server_is_not_touched_while_another_member_is_down(self, trio: Bench) -> None:
        trio.rack.power("id-hcloud-3", on=False)
        trio.change("Europe/Rome")
        refused = trio.run("switch", "hcloud-2")
        assert (refused.code, refused.last) == (
            3,
            (
                "hostops: hcloud-2: quorum: failed: not touched, because hcloud-3 is a member of etcd and not Ready "
                "(asked: hcloud-2): without hcloud-2, 1 of 3 would be left, and a quorum needs 2; bring back one that "
                "is down (status shows why), then run again"
            ),
        )
        assert trio.events("nixos-rebuild") == 0
        asked = trio.run("status")
        hosts = json.loads(asked.out)["hosts"]
        assert (asked.code, asked.last[:32]) == (4, "hostops: hcloud-3: status: no an")
        assert {name: host["reachable"] for name, host in hosts.items()} == {
            "hcloud-1": True,
            "hcloud-2": True,
            "hcloud-3": False,
        }
        assert (hosts["hcloud-1"]["etcd"], hosts["hcloud-1"]["upToDate"]) == ("ok", False)
        trio.rack.power("id-hcloud-3", on=True)
        assert trio.run("switch", "hcloud-2").code == 0

    def test_the_kubeconfig_comes_from_the_first_server_that_answers(self, trio: Bench) -> None:
        trio.rack.power("id-hcloud-1", on=False)
        ended = trio.run("kubeconfig", NIXFLEET_ENDPOINT="https://192.0.2.80:6443")
        document = yaml.safe_load(ended.out)
        assert (ended.code, document["current-context"]) == (0, "sim")
        assert document["clusters"][0]["cluster"]["server"] == "https://192.0.2.80:6443"
        assert document["clusters"][0]["cluster"]["tls-server-name"] == "api.sim.example.net"
        assert document["users"][0]["user"]["client-key-data"] not in ended.err

    def test_a_token_is_given_for_an_account_that_is_there_and_ends_by_itself(self, trio: Bench) -> None:
        wanted = {
            "NIXFLEET_ACCOUNT": "consumer",
            "NIXFLEET_ANCHOR": "login",
            "NIXFLEET_NAMESPACE": "workloads",
            "NIXFLEET_TOKEN_DAYS": "190",
        }
        refused = trio.run("credential", **wanted)
        assert (refused.code, refused.out) == (4, "")
        told = 'error: failed to create token: serviceaccounts "consumer" not found'
        assert refused.last == (
            f"hostops: sim: credential: failed: no server gave a token: hcloud-1: {told}; hcloud-2: {told}; "
            f"hcloud-3: {told}; bring the cluster's quorum back first (make status shows who is down), then run again"
        )
        with trio.world.edit("clusters/sim") as document:
            tokens.ACCOUNT.add(document, "workloads", "consumer")
            tokens.SECRET.add(document, "workloads", "login")
        trio.rack.power("id-hcloud-1", on=False)
        before = time.time()
        ended = trio.run("credential", **wanted)
        assert ended.code == 0, ended.err
        claims = json.loads(base64.urlsafe_b64decode(ended.out.split(".")[1] + "=="))
        assert claims["exp"] - before == pytest.approx(190 * 86400, abs=600)
        assert claims["kubernetes.io"]["secret"]["name"] == "login"
        assert ended.out.strip() not in ended.err

    def test_no_server_that_answers_is_an_error_without_output(self, board: Bench) -> None:
        ended = board.run("kubeconfig")
        assert (ended.code, ended.out) == (4, "")
        assert "answers with its bootstrap key: it is not installed" in ended.last


class TestForgetting:
    def test_a_server_that_is_installed_again_is_a_member_again(self, trio: Bench) -> None:
        before = members(trio)
        done = trio.run("install", "hcloud-2", NIXFLEET_REINSTALL="hcloud-2@1")
        assert done.code == 0, done.err
        # While it still runs: only so can one of two go.
        assert "member: its member of etcd was removed (" in done.err
        assert "forget: hcloud-1 forgot the old node hcloud-2 (" in done.err
        after = members(trio)
        assert set(after) == set(SERVERS)
        assert {name for name in SERVERS if after[name] != before[name]} == {"hcloud-2"}
        hosts = json.loads(trio.run("status").out)["hosts"]
        assert {name: host["healthy"] for name, host in hosts.items()} == dict.fromkeys(SERVERS, True)

    def test_a_replaced_machine_needs_no_token_to_take_its_name_over(self, trio: Bench) -> None:
        trio.rack.remove("id-hcloud-3")
        trio.rack_cloud("hcloud-3", serial="NEW")
        done = trio.run("install", "hcloud-3", NIXFLEET_MACHINE_ID="id-hcloud-3NEW")
        assert (done.code, len(members(trio))) == (0, 3), done.err

    def test_a_run_that_was_killed_before_the_reboot_goes_on(self, pair: Bench) -> None:
        token = f"{BOARD}@1"
        pair.fault(BOARD, "nixos-anywhere reboot", "hang")
        process = pair.start("install", BOARD, NIXFLEET_REINSTALL=token)
        wait_for(lambda: pair.events("nixos-anywhere reboot", BOARD) == 2)
        process.kill()
        process.communicate()
        done = pair.run("install", BOARD, NIXFLEET_REINSTALL=token)
        assert (done.code, done.phases) == (0, ["lease", "contact", "guard", "forget", "reboot", "ready"]), done.err
        assert f"forget: {SEED} knows no node {BOARD} (" in done.err
        assert pair.events("format", BOARD) == 2

    def test_a_host_that_booted_before_it_was_forgotten_is_let_in_by_the_next_run(self, pair: Bench) -> None:
        token = f"{BOARD}@1"
        into_installer(pair, BOARD)
        pair.fault(SEED, "k3s kubectl --request-timeout=10s delete")
        failed = pair.run("install", BOARD, NIXFLEET_REINSTALL=token)
        assert (failed.code, f"forget: failed: {SEED} could not forget the node {BOARD} and said: " in failed.last) == (
            6,
            True,
        )
        pair.rack.reboot(pair.machine(BOARD).spec.id)
        done = pair.run("install", BOARD, NIXFLEET_REINSTALL=token)
        assert (done.code, done.phases) == (0, ["contact", "guard", "forget", "ready"]), done.err
        assert pair.events("format", BOARD) == 2

    def test_a_node_that_is_ready_elsewhere_is_never_forgotten(self, trio: Bench) -> None:
        before = members(trio)
        # Somebody made a new machine of that name while the old one still runs.
        trio.rack.set_addresses("id-hcloud-2", ("198.51.100.99",))
        trio.rack_cloud("hcloud-2", serial="NEW")
        refused = trio.run("install", "hcloud-2", NIXFLEET_READY_SECONDS="2")
        text = (
            "the node hcloud-2 is Ready at 10.90.0.12 (asked: hcloud-1): another machine runs under this name; the "
            "cluster was left as it is; stop k3s there (systemctl stop k3s) or give this host another name, "
            "then run again"
        )
        assert (refused.code, refused.last) == (3, f"hostops: hcloud-2: forget: failed: {text}")
        assert members(trio) == before
        trio.rack.remove("id-hcloud-2")
        assert trio.run("install", "hcloud-2").code == 0
        assert members(trio)["hcloud-2"] != before["hcloud-2"]

    def test_without_a_server_that_answers_the_installer_waits(self, pair: Bench) -> None:
        into_installer(pair, BOARD)
        pair.rack.power(f"id-{SEED}", on=False)
        token = f"{BOARD}@1"
        failed = pair.run("install", BOARD, NIXFLEET_REINSTALL=token, NIXFLEET_ANSWER_SECONDS="1")
        assert failed.code == 4
        start = f"hostops: {BOARD}: forget: failed: no server answers that could forget the old node {BOARD}"
        assert failed.last.startswith(f"{start} (last seen: {SEED}: ")
        assert failed.last.endswith("); bring one back, then run again: it goes on here")
        pair.rack.power(f"id-{SEED}", on=True)
        done = pair.run("install", BOARD, NIXFLEET_REINSTALL=token)
        assert (done.code, done.phases) == (0, ["contact", "guard", "forget", "reboot", "ready"]), done.err

    def test_a_cluster_without_quorum_forgets_nothing(self, trio: Bench) -> None:
        for name in ("hcloud-2", "hcloud-3"):
            trio.rack.remove(f"id-{name}")
        trio.rack_cloud("hcloud-3", serial="NEW")
        failed = trio.run("install", "hcloud-3", NIXFLEET_ANSWER_SECONDS="1")
        text = (
            "the cluster of hcloud-1 does not answer, so its node hcloud-3 cannot be forgotten; bring back its quorum "
            "(status shows who is down), then run again: it goes on here"
        )
        assert (failed.code, failed.last) == (4, f"hostops: hcloud-3: forget: failed: {text}")


class TestMesh:
    def test_a_new_peer_reaches_the_installed_hosts_only(self, board: Bench) -> None:
        board.installed(SEED)
        ended = board.run("mesh")
        assert ended.code == 0
        assert f"{SEED}: mesh: has these peers already" in ended.err
        assert f"{BOARD}: mesh: skipped: it is not installed yet" in ended.err
        board.fleet["hosts"][BOARD]["address"] = "10.90.0.99"
        board.write()
        assert f"{SEED}: mesh: new peers" in board.run("mesh").err
        path = board.world.root / "machines" / f"id-{SEED}" / "root/etc/nixfleet/mesh.json"
        document = json.loads(path.read_text())
        keys = board.ring.identities((BOARD,)).hosts[BOARD]
        assert document == {
            "self": SEED,
            "peers": {
                BOARD: {"address": "10.90.0.99", "endpoint": "192.168.50.21:51820", "publicKey": keys.wireguard_key}
            },
        }

    def test_a_host_that_leaves_is_a_peer_until_it_has_left(self, pair: Bench) -> None:
        peers = {SEED: {"endpoint": PUBLIC[SEED]}, BOARD: {"endpoint": "192.168.50.21"}}
        path = pair.world.root / "machines" / f"id-{SEED}" / "root/etc/nixfleet/mesh.json"
        before = json.loads(path.read_text())["peers"]
        assert list(before) == [BOARD]
        del pair.fleet["hosts"][BOARD]
        pair.write()
        assert f"{SEED}: mesh: has these peers already" in pair.run("mesh").err
        assert json.loads(path.read_text())["peers"] == before
        pruned = pair.run("prune", NIXFLEET_PEERS=json.dumps(peers))
        assert (pruned.code, f"{SEED}: mesh: new peers" in pruned.err) == (0, True)
        assert json.loads(path.read_text()) == {"peers": {}, "self": SEED}
        connections = pair.events("ssh connect")
        peers.pop(BOARD)
        again = pair.run("prune", NIXFLEET_PEERS=json.dumps(peers))
        assert (again.code, "sim: prune: no peer has left" in again.err) == (0, True)
        assert pair.events("ssh connect") == connections

    def test_a_host_that_does_not_answer_is_named(self, pair: Bench) -> None:
        pair.rack.power(f"id-{SEED}", on=False)
        ended = pair.run("mesh", NIXFLEET_CONTACT_SECONDS="1")
        assert (ended.code, ended.last[:60]) == (
            4,
            f"hostops: sim: mesh: failed: {SEED}: no answer within 1 s, last seen"[:60],
        )
        assert f"{BOARD}: mesh: has these peers already" in ended.err


class TestSwitch:
    def test_a_host_that_is_as_it_should_be_costs_one_connection(self, pair: Bench) -> None:
        before = pair.events("ssh connect")
        ended = pair.run("switch", BOARD)
        assert (ended.code, pair.events("ssh connect") - before) == (0, 1)
        assert json.loads(ended.out)["ready"] is True

    def test_a_system_that_the_plan_did_not_mean_is_not_brought(self, pair: Bench) -> None:
        planned = f"/nix/store/{'0' * 32}-nixos-system-{BOARD}.drv"
        before = pair.events("ssh connect")
        refused = pair.run("switch", BOARD, NIXFLEET_CLOSURE=planned)
        assert refused.code == 3
        said = refused.err.splitlines()[-1]
        assert f"evaluate: failed: the plan is to bring {planned}, and nix/ and the contract mean /nix/store/" in said
        assert said.endswith(".drv by now; nothing was changed; run again, which plans anew")
        assert pair.events("ssh connect") == before
        # A preview without Nix writes no derivation, and what is no derivation is not compared.
        assert pair.run("switch", BOARD, NIXFLEET_CLOSURE="content-0").code == 0

    def test_a_new_closure_is_activated_under_a_watchdog_that_is_then_disarmed(self, pair: Bench) -> None:
        pair.change("Europe/Rome")
        ended = pair.run("switch", BOARD)
        assert (ended.code, ended.phases) == (0, ["look", "quorum", "copy", "weigh", "activate", "switch", "check"])
        assert json.loads(ended.out)["generation"] == 2
        assert (pair.events("timer armed", BOARD), pair.events("timer fired", BOARD)) == (1, 0)
        assert pair.machine(BOARD).units == {}

    @pytest.mark.parametrize(
        ("step", "reason"),
        [
            ("activate", "switch-to-configuration failed with status 2"),
            ("k3s start", "units failed with the new system: k3s.service"),
        ],
    )
    def test_an_activation_that_fails_is_taken_back_at_once(self, step: str, reason: str, pair: Bench) -> None:
        before = json.loads(pair.run("switch", BOARD).out)["system"]
        pair.fleet["cluster"]["podRange"] = "10.44.0.0/16"
        pair.write()
        pair.fault(BOARD, step)
        ended = pair.run("switch", BOARD)
        logs = "journalctl -u nixfleet-switch -u nixfleet-rollback -u nixfleet-undo"
        text = f"{reason}; the host runs {before} again; see there: {logs}"
        assert (ended.code, ended.last) == (7, f"hostops: {BOARD}: rollback: failed: {text}")
        host = json.loads(pair.run("status", BOARD).out)["hosts"][BOARD]
        assert (host["system"], host["healthy"], host["rolledBack"], host["watchdogArmed"]) == (
            before,
            True,
            None,
            False,
        )

    @pytest.mark.parametrize("step", ["activate", "systemd-run"])
    def test_a_lost_connection_changes_nothing(self, step: str, pair: Bench) -> None:
        pair.change("Europe/Rome")
        pair.fault(BOARD, step, "disconnect")
        assert pair.run("switch", BOARD).code == 0

    def test_an_activation_that_hangs_is_taken_back_by_the_watchdog(self, pair: Bench) -> None:
        pair.change("Europe/Rome")
        pair.fault(BOARD, "activate", "hang")
        process = pair.start("switch", BOARD)
        wait_for(lambda: pair.events("activate", BOARD) == 1)
        pair.rack.elapse(pair.machine(BOARD).spec.id, 15 * 60 + 1)
        _, err = process.communicate(timeout=60)
        assert (process.returncode, "the watchdog fired: the new system was not confirmed in time" in err) == (7, True)

    def test_a_rollback_that_nobody_saw_is_reported_once(self, pair: Bench) -> None:
        pair.change("Europe/Rome")
        pair.fault(BOARD, "activate", "hang")
        process = pair.start("switch", BOARD)
        wait_for(lambda: pair.events("activate", BOARD) == 1)
        process.kill()
        process.communicate()
        pair.rack.elapse(pair.machine(BOARD).spec.id, 15 * 60 + 1)
        told = pair.run("switch", BOARD)
        assert (told.code, "in an earlier run the host left " in told.last) == (7, True)
        assert pair.run("switch", BOARD).code == 0

    def test_a_killed_run_is_taken_up_by_the_next(self, pair: Bench) -> None:
        pair.change("Europe/Rome")
        pair.fault(BOARD, "systemctl show", "hang")
        process = pair.start("switch", BOARD)
        wait_for(lambda: not any(fault["times"] for fault in pair.world.read("faults").get("faults", [])))
        process.kill()
        process.communicate()
        ended = pair.run("switch", BOARD)
        assert (ended.code, ended.phases) == (0, ["lease", "look", "switch", "switch", "check", "cluster"])
        assert "goes on with the activation of an interrupted run" in ended.err
        assert pair.machine(BOARD).units == {}

    def test_a_probe_that_speaks_takes_the_update_back(self, pair: Bench) -> None:
        pair.fleet["rollout"] = {"probes": [{"name": "quiet", "command": "echo full; exit 1", "timeoutSeconds": 5}]}
        pair.write()
        ended = pair.run("switch", BOARD)
        assert ended.code == 7
        assert (
            "the probe quiet must print nothing and exit 0; it said: full probe_status=1; the host runs" in ended.last
        )

    @pytest.mark.parametrize(("policy", "boots"), [("kernel", 1), ("never", 0)])
    def test_a_new_kernel_reboots_the_host_if_the_policy_says_so(self, policy: str, boots: int, pair: Bench) -> None:
        pair.fleet["rollout"] = {"reboot": policy}
        pair.fleet["hosts"][BOARD]["hardware"] = "qemu"
        pair.write()
        before = pair.events("boot", BOARD) - pair.events("boot default", BOARD)
        ended = pair.run("switch", BOARD)
        assert ended.code == 0, ended.err
        assert pair.events("boot", BOARD) - pair.events("boot default", BOARD) - before == boots

    def test_secrets_are_delivered_only_where_they_differ(self, pair: Bench) -> None:
        path = pair.world.root / "machines" / pair.machine(BOARD).spec.id / "root/etc/nixfleet/secrets/agent-token"
        before = path.read_text()
        path.unlink()
        ended = pair.run("switch", BOARD)
        assert (ended.code, "secrets: delivered agent-token" in ended.err) == (0, True)
        assert (path.read_text(), path.stat().st_mode & 0o777) == (before, 0o400)

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"address": "10.90.0.99"}, "it was installed with the cluster address 10.90.0.21, and its entry says "),
            ({"layout": "n100-zfs"}, "of ours, /dev/disk/by-id/nvme-CT500P3SSD8_2313E6D00021 has the partitions nf."),
            (
                {"labels": "shared"},
                "its partitions carry labels of its own (nf.sim.n100-1....), and a system that looks ",
            ),
        ],
    )
    def test_what_only_an_installation_can_change_is_refused(
        self, change: dict[str, str], reason: str, pair: Bench
    ) -> None:
        for key, value in change.items():
            (pair.hosts[BOARD] if key == "address" else pair.hosts[BOARD]["disk"])[key] = value
        pair.write()
        refused = pair.run("switch", BOARD)
        assert (refused.code, refused.last.startswith(f"hostops: {BOARD}: look: failed: {reason}")) == (3, True), (
            refused.last
        )
        assert pair.events("nixos-rebuild") == 0
        if "labels" in change:
            return
        # As `up` does: every host of the mesh knows the others first.
        assert pair.run("mesh").code == 0
        done = pair.run("install", BOARD, NIXFLEET_REINSTALL=f"{BOARD}@1")
        assert done.code == 0, done.err
        assert pair.run("switch", BOARD).code == 0

    def test_a_host_of_an_earlier_release_keeps_its_labels(self, pair: Bench) -> None:
        with machines.edit(pair.world, pair.machine(BOARD).spec.id) as machine:
            disk = machine.disks[0]
            old = tuple(label.replace(f"nf.sim.{BOARD}.", "nixfleet-") for label in disk.partition_labels)
            machine.replace_disk(replace(disk, partition_labels=old))
        refused = pair.run("switch", BOARD)
        assert (refused.code, f"; set hosts.{BOARD}.disk.labels: shared, then run make " in refused.last) == (3, True)
        pair.hosts[BOARD]["disk"]["labels"] = "shared"
        pair.write()
        done = pair.run("switch", BOARD)
        assert done.code == 0, done.err
        pair.rack.reboot(pair.machine(BOARD).spec.id)
        assert json.loads(pair.run("status", BOARD).out)["hosts"][BOARD]["healthy"] is True

    def test_a_machine_of_another_host_is_refused(self, pair: Bench) -> None:
        path = pair.world.root / "machines" / pair.machine(BOARD).spec.id / "root/etc/nixfleet/identity"
        path.write_text(path.read_text().replace(f'"{BOARD}"', '"other"'))
        ended = pair.run("switch", BOARD)
        text = "the machine there is host 'other' of stack 'sim', not 'n100-1' of 'sim'; correct the address"
        assert (ended.code, ended.last) == (3, f"hostops: {BOARD}: look: failed: {text}")

    def test_a_host_that_is_not_installed_is_refused(self, board: Bench) -> None:
        ended = board.run("switch", BOARD)
        text = "installer answers with the bootstrap key; it is not installed: run install first"
        assert (ended.code, ended.last) == (3, f"hostops: {BOARD}: look: failed: {text}")


def descendants(ancestor: int) -> dict[int, str]:
    """Processes below that one, with their commands."""
    parents, commands = {}, {}
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            commands[int(path.name)] = (path / "cmdline").read_text().replace("\0", " ")
    found = {ancestor}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return {pid: commands.get(pid, "") for pid in found - {ancestor}}


def alive(processes: dict[int, str]) -> list[str]:
    """Commands of those that still run."""
    found = []
    for pid, command in processes.items():
        with suppress(OSError):
            now = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
            found += [command] if now and now == command else []
    return found

"""Hosts that leave: with their help while they live, without it when they are gone; killed in the middle, again."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.hostops.bench import BOARD, SEED, members, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hostops.bench import Bench

CLAIMS = (
    "etc/nixfleet/secrets/agent-token",
    "etc/nixfleet/secrets/server-ca",
    "etc/nixfleet/secrets/server-ca-key",
    "etc/nixfleet/secrets/server-token",
    "etc/rancher/k3s/k3s.yaml",
    "etc/rancher/node/password",
    "var/lib/rancher/k3s/agent/kubelet.kubeconfig",
    "var/lib/rancher/k3s/server",
)


def root(made: Bench, machine: str) -> Path:
    return made.world.root / "machines" / machine / "root"


def claims(made: Bench, host: str) -> list[str]:
    """By what a host could come back into its cluster."""
    return [path for path in CLAIMS if (root(made, made.machine(host).spec.id) / path).exists()]


def known(made: Bench) -> list[str]:
    """Whom the cluster knows, in whatever way."""
    cluster = made.world.read("clusters/sim")
    return sorted({*cluster["nodes"], *cluster["members"], *cluster["passwords"]})


class TestBoard:
    def test_a_board_that_is_taken_out_is_released_and_its_disk_is_not_touched(self, pair: Bench) -> None:
        content = pair.content(BOARD)
        environment = pair.remove(BOARD)
        done = pair.run("leave", BOARD, **environment)
        assert (done.code, done.out) == (0, ""), done.err
        assert done.phases == ["look", "cluster", "node", "quorum", "drain", "evict", "stop", "forget", "storage"]
        assert known(pair) == [SEED]
        assert (claims(pair, BOARD), pair.content(BOARD)) == ([], content)
        # It stays out, also over a reboot.
        pair.rack.reboot(pair.machine(BOARD).spec.id)
        assert known(pair) == [SEED]
        again = pair.run("leave", BOARD, **environment)
        assert (again.code, f"node: {SEED} knows no node {BOARD} (" in again.err) == (0, True), again.err

    def test_a_board_that_is_off_is_forgotten_without_its_help(self, pair: Bench) -> None:
        pair.rack.power(pair.machine(BOARD).spec.id, on=False)
        done = pair.run("leave", BOARD, NIXFLEET_ANSWER_SECONDS="1", **pair.remove(BOARD))
        assert done.code == 0, done.err
        assert "node: gone: its node is not Ready, and its machine does not answer (" in done.err
        said = (
            f"{SEED} refuses it under its name; its system was not reached and keeps its tokens: wipe that disk, or "
            "put the entry back to take it in again; if they may be in other hands, make new ones (make rotate "
            "WHAT=tokens) ("
        )
        assert said in done.err
        assert list(pair.world.read("clusters/sim")["nodes"]) == [SEED]

    def test_a_board_that_was_off_when_it_left_comes_back_only_when_it_is_put_back(self, pair: Bench) -> None:
        board, content = pair.machine(BOARD).spec.id, pair.content(BOARD)
        pair.rack.power(board, on=False)
        left = pair.run("leave", BOARD, NIXFLEET_ANSWER_SECONDS="1", **pair.remove(BOARD))
        assert left.code == 0, left.err
        pair.rack.power(board, on=True)
        for _ in range(2):
            pair.rack.reboot(board)
            pair.rack.settle()
            assert list(pair.world.read("clusters/sim")["nodes"]) == [SEED]
        pair.hosts[BOARD] = pair.kept
        pair.write()
        done = pair.run("install", BOARD)
        assert (done.code, done.phases) == (0, ["contact", "guard", "release", "forget", "join", "ready"]), done.err
        assert "release: its cluster let it go while it was off; k3s stopped, its tokens and credentials" in done.err
        assert (known(pair), pair.content(BOARD)) == ([SEED, BOARD], content)

    def test_silence_to_this_computer_is_not_absence(self, pair: Bench) -> None:
        environment = pair.remove(BOARD)
        # The cluster sees it, this computer does not.
        pair.rack.set_addresses(pair.machine(BOARD).spec.id, ("192.0.2.99",))
        refused = pair.run("leave", BOARD, NIXFLEET_ANSWER_SECONDS="1", NIXFLEET_READY_SECONDS="1", **environment)
        start = (
            f"hostops: {BOARD}: node: failed: the node {BOARD} is Ready at 10.90.0.21 (asked: {SEED}), and its machine "
            "does not let this program in ("
        )
        assert (refused.code, refused.last[: len(start)]) == (3, start)
        end = "nothing was changed; see that this computer reaches it, or switch it off if it is to go, then run again"
        assert refused.last.endswith(end)
        assert BOARD in known(pair)

    def test_nothing_leaves_while_no_server_answers(self, pair: Bench) -> None:
        pair.rack.power(f"id-{SEED}", on=False)
        failed = pair.run("leave", BOARD, NIXFLEET_ANSWER_SECONDS="1", **pair.remove(BOARD))
        start = f"hostops: {BOARD}: cluster: failed: no server answers that could let {BOARD} go ({SEED}: "
        assert (failed.code, failed.last[: len(start)]) == (4, start)
        assert len(claims(pair, BOARD)) > 1

    @pytest.mark.parametrize("step", ["k3s-killall.sh", "systemctl stop"])
    def test_one_that_was_killed_in_the_middle_goes_on(self, step: str, pair: Bench) -> None:
        environment = pair.remove(BOARD)
        pair.fault(BOARD, step, "hang")
        process = pair.start("leave", BOARD, (), **environment)
        wait_for(lambda: pair.events("fault", BOARD) == 1)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        done = pair.run("leave", BOARD, **environment)
        assert (done.code, known(pair), claims(pair, BOARD)) == (0, [SEED], []), done.err

    def test_a_foreign_machine_at_its_address_is_left_alone(self, pair: Bench) -> None:
        environment = pair.remove(BOARD)
        path = root(pair, pair.machine(BOARD).spec.id) / "etc/nixfleet/identity"
        path.write_text(path.read_text().replace(f'"{BOARD}"', '"other"'))
        refused = pair.run("leave", BOARD, NIXFLEET_READY_SECONDS="1", **environment)
        assert (refused.code, "(the machine there is host 'other' of stack 'sim')" in refused.last) == (3, True)
        assert len(claims(pair, BOARD)) > 1


class TestServer:
    @pytest.mark.parametrize("host", ["hcloud-3", "hcloud-1"])
    def test_a_server_leaves_with_its_member_also_the_one_that_was_the_seed(self, host: str, trio: Bench) -> None:
        before = members(trio)
        if host == "hcloud-1":
            trio.fleet["cluster"]["seed"] = "hcloud-2"
        done = trio.run("leave", host, **trio.remove(host))
        assert done.code == 0, done.err
        assert "member: its member of etcd was removed (" in done.err
        assert members(trio) == {name: member for name, member in before.items() if name != host}
        assert host not in known(trio)
        assert claims(trio, host) == []
        assert trio.world.read("clusters/sim")["available"] is True

    def test_a_pair_becomes_one_while_both_live(self, trio: Bench) -> None:
        for host in ("hcloud-3", "hcloud-2"):
            done = trio.run("leave", host, **trio.remove(host))
            assert done.code == 0, done.err
        assert list(members(trio)) == ["hcloud-1"]
        assert trio.world.read("clusters/sim")["available"] is True

    def test_a_dead_server_leaves_too(self, trio: Bench) -> None:
        trio.rack.remove("id-hcloud-3")
        done = trio.run("leave", "hcloud-3", NIXFLEET_ANSWER_SECONDS="1", **trio.remove("hcloud-3"))
        assert (done.code, sorted(members(trio))) == (0, ["hcloud-1", "hcloud-2"]), done.err

    def test_a_server_that_was_off_when_it_left_is_no_member_again_until_it_is_put_back(self, trio: Bench) -> None:
        content = trio.content("hcloud-3")
        trio.rack.power("id-hcloud-3", on=False)
        left = trio.run("leave", "hcloud-3", NIXFLEET_ANSWER_SECONDS="1", **trio.remove("hcloud-3"))
        assert left.code == 0, left.err
        # It learns that it was removed; k3s would join anew at the next start.
        trio.rack.power("id-hcloud-3", on=True)
        for _ in range(2):
            trio.rack.reboot("id-hcloud-3")
            trio.rack.settle()
            assert sorted(members(trio)) == ["hcloud-1", "hcloud-2"]
        assert (root(trio, "id-hcloud-3") / "var/lib/rancher/k3s/server/db/etcd/tombstone").exists()
        trio.hosts["hcloud-3"] = trio.kept
        trio.write()
        done = trio.run("install", "hcloud-3")
        assert (done.code, done.phases[2:]) == (0, ["release", "forget", "join", "ready"]), done.err
        assert (len(members(trio)), trio.content("hcloud-3")) == (3, content)

    def test_a_server_whose_node_was_deleted_by_hand_is_taken_in_again_by_its_next_switch(self, trio: Bench) -> None:
        with trio.world.edit("clusters/sim") as document:
            for part in ("nodes", "passwords", "members"):
                del document[part]["hcloud-3"]
        trio.rack.reboot("id-hcloud-3")
        trio.rack.settle()
        trio.rack.reboot("id-hcloud-3")
        trio.rack.settle()
        assert sorted(members(trio)) == ["hcloud-1", "hcloud-2"]
        done = trio.run("switch", "hcloud-3")
        assert (done.code, len(members(trio))) == (0, 3), done.err

    def test_a_server_does_not_leave_if_the_rest_would_be_no_quorum(self, trio: Bench) -> None:
        trio.rack.power("id-hcloud-2", on=False)
        before = members(trio)
        refused = trio.run("leave", "hcloud-3", **trio.remove("hcloud-3"))
        text = (
            "not removed, because of the members of etcd 1 of 2 would be left healthy (hcloud-2 is not Ready), and a "
            "quorum needs 2 (asked: hcloud-1); bring back or add another server first, then run again"
        )
        assert (refused.code, refused.last) == (3, f"hostops: hcloud-3: quorum: failed: {text}")
        assert (members(trio), len(claims(trio, "hcloud-3"))) == (before, len(CLAIMS))

    def test_the_last_server_does_not_end_the_cluster(self, trio: Bench) -> None:
        for host in ("hcloud-1", "hcloud-2"):
            trio.rack.remove(f"id-{host}")
            trio.rack_cloud(host, serial="NEW")
        refused = trio.run("leave", "hcloud-3", **trio.remove("hcloud-3"))
        text = (
            "hcloud-3 has the data of the cluster, and no other server has any: the cluster would end with it; let "
            "another server join first, then run again"
        )
        assert (refused.code, refused.last) == (3, f"hostops: hcloud-3: cluster: failed: {text}")

    def test_a_failed_removal_leaves_the_server_as_it_was(self, trio: Bench) -> None:
        environment = trio.remove("hcloud-3")
        trio.fault("hcloud-1", "k3s kubectl --request-timeout=10s annotate")
        failed = trio.run("leave", "hcloud-3", **environment)
        assert failed.code == 6, failed.err
        assert not (root(trio, "id-hcloud-3") / "run/systemd/system/k3s.service.d/90-nixfleet-leaving.conf").exists()
        node = trio.world.read("clusters/sim")["nodes"]["hcloud-3"]
        assert ("unschedulable" in node["spec"], len(members(trio))) == (False, 3)
        assert trio.run("leave", "hcloud-3", **environment).code == 0


def test_what_leaves_is_said_in_json_or_refused(pair: Bench) -> None:
    environment = pair.remove(BOARD) | {"NIXFLEET_MEMBER": json.dumps({"role": "agent"})}
    refused = pair.run("leave", BOARD, **environment)
    assert refused.code == 2
    assert refused.last.startswith(f"hostops: {BOARD}: environment: failed: NIXFLEET_MEMBER is no host (kind: ")

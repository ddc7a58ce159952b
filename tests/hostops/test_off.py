"""One host is off: the others go on without it, it is brought up to date at the end, and no run ends well before."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from tests.hostops.bench import BOARD, PUBLIC, SEED, wait_for

if TYPE_CHECKING:
    from tests.hostops.bench import Bench, Ended

K3S = "v1.35.6+k3s1"
CURE = "see that it is on and that the firewall's admin ranges have this machine; nothing was changed"
LEFT = f"hostops: {BOARD}: look: left out: no success within 1 s; last seen: "


def ready(made: Bench, host: str) -> bool:
    node = made.world.read("clusters/sim")["nodes"][host]
    return bool(node["status"]["conditions"][0]["status"] == "True")


def off(made: Bench, host: str) -> None:
    """Take the power away, and wait until the cluster has seen it."""
    made.rack.power(made.machine(host).spec.id, on=False)
    wait_for(lambda: not ready(made, host))


def on(made: Bench, host: str) -> None:
    made.rack.power(made.machine(host).spec.id, on=True)
    wait_for(lambda: ready(made, host))


def switch(made: Bench, host: str, began: float | str, **more: str) -> Ended:
    return made.run("switch", host, NIXFLEET_BEGAN=str(began), NIXFLEET_ANSWER_SECONDS="1", **more)


def latecomers(made: Bench, *hosts: str, **more: str) -> Ended:
    """What the last resource of a run does for these hosts."""
    made.more = {"late": json.dumps({host: made.secrets(host) for host in hosts})}
    peers = {name: {"endpoint": at} for name, at in PUBLIC.items() if name in made.hosts}
    late = json.dumps({host: {"NIXFLEET_READY_SECONDS": "60"} for host in hosts})
    return made.run("latecomers", NIXFLEET_LATE=late, NIXFLEET_PEERS=json.dumps(peers), **more)


def up_to_date(made: Bench) -> dict[str, Any]:
    hosts = json.loads(made.run("status").out)["hosts"]
    return {name: host["upToDate"] for name, host in hosts.items()}


def test_an_agent_that_was_off_before_is_left_out_and_brought_up_to_date_when_it_is_back(pair: Bench) -> None:
    pair.change("Europe/Rome")
    off(pair, BOARD)
    left = switch(pair, BOARD, time.time())
    assert left.code == 0, left.err
    assert left.last[: len(LEFT)] == LEFT
    assert f"; {CURE}; its node has not been Ready for " in left.last
    assert left.last.endswith(", since before this run: it is brought up to date at its end, or at the next")
    first, second = json.loads(left.out), json.loads(switch(pair, BOARD, time.time()).out)
    assert first.pop("late") != second.pop("late")
    assert first == second == {"generation": None, "k3s": K3S, "ready": False, "system": ""}
    failed = latecomers(pair, BOARD, NIXFLEET_ANSWER_SECONDS="1")
    start = (
        f"hostops: sim: latecomers: failed: {BOARD} was off and left out, and all others are done ({BOARD}: no success "
        "within 1 s; last seen: "
    )
    assert (failed.code, failed.last[: len(start)]) == (4, start)
    end = "switch it on and run again, or take what is gone for good out of the stack file"
    assert failed.last.endswith(f"nothing was changed there); {end}")
    on(pair, BOARD)
    done = latecomers(pair, BOARD)
    assert (done.code, done.last) == (0, f"hostops: sim: latecomers: up to date: {BOARD}"), done.err
    assert up_to_date(pair)[BOARD] is True
    answer = json.loads(done.out)[BOARD]
    assert (answer["generation"], answer["k3s"], answer["ready"]) == (2, K3S, True)
    assert latecomers(pair).last == "hostops: sim: latecomers: up to date: nobody was left out"


def test_an_agent_that_this_run_may_have_taken_down_stops_it(pair: Bench) -> None:
    began = time.time() - 5
    off(pair, BOARD)
    for since in (began, ""):
        failed = switch(pair, BOARD, since)
        assert (failed.code, failed.out, failed.last.endswith(CURE)) == (4, "", True), failed.err


def test_silence_to_this_computer_alone_stops_the_run(pair: Bench) -> None:
    pair.rack.set_addresses(pair.machine(BOARD).spec.id, ("192.0.2.99",))
    failed = switch(pair, BOARD, time.time() + 3600)
    assert (failed.code, failed.out, failed.last.endswith(CURE)) == (4, "", True), failed.err


def test_a_machine_that_answers_as_another_one_stops_the_run(pair: Bench) -> None:
    path = pair.world.root / "machines" / pair.machine(BOARD).spec.id / "root/etc/ssh/ssh_host_ed25519_key"
    path.write_text(pair.ring.hosts[SEED].host_key)
    pair.fault(BOARD, "k3s start")
    pair.rack.reboot(pair.machine(BOARD).spec.id)
    wait_for(lambda: not ready(pair, BOARD))
    failed = switch(pair, BOARD, time.time())
    assert (failed.code, "last seen: another machine answered at " in failed.last) == (4, True), failed.err


def test_a_server_is_never_left_out(trio: Bench) -> None:
    off(trio, "hcloud-3")
    failed = switch(trio, "hcloud-3", time.time())
    assert (failed.code, failed.out, failed.last.endswith(CURE)) == (4, "", True), failed.err


def test_nothing_is_left_out_where_no_server_answers(pair: Bench) -> None:
    for host in (BOARD, SEED):
        pair.rack.power(pair.machine(host).spec.id, on=False)
    failed = switch(pair, BOARD, time.time() + 3600)
    assert (failed.code, failed.out) == (4, ""), failed.err


def test_an_update_that_fails_stops_the_latecomers_after_it(pair: Bench) -> None:
    pair.change("Europe/Rome")
    pair.fault(SEED, "sim-receive")
    failed = latecomers(pair, SEED, BOARD)
    assert failed.code == 6, failed.err
    start, end = f"hostops: sim: latecomers: failed: {SEED}: copy: failed: ", "; the hosts after it were not touched"
    assert (failed.last[: len(start)], failed.last[-len(end) :]) == (start, end)
    assert pair.events("activate", BOARD) == 0
    assert latecomers(pair, SEED, BOARD).code == 0
    assert up_to_date(pair) == {SEED: True, BOARD: True}


class TestMesh:
    def test_a_host_that_the_cluster_has_lost_keeps_nobody_from_new_peers(self, pair: Bench) -> None:
        off(pair, BOARD)
        told = pair.run("mesh", NIXFLEET_ANSWER_SECONDS="1")
        assert told.code == 0, told.err
        assert f"{BOARD}: mesh: left out: " in told.err
        assert ": it gets its peers when it is back (" in told.err
        answer = json.loads(told.out)
        assert list(answer["late"]) == [BOARD]
        # As long as nothing is new, it misses nothing more, and is not forgotten either.
        same = pair.run("mesh", NIXFLEET_ANSWER_SECONDS="1", PULUMI_COMMAND_STDOUT=told.out)
        assert json.loads(same.out) == answer
        knew = json.dumps(answer | {"late": {}})
        fewer = pair.run("mesh", NIXFLEET_ANSWER_SECONDS="1", PULUMI_COMMAND_STDOUT=knew)
        assert json.loads(fewer.out)["late"] == {}
        on(pair, BOARD)
        back = pair.run("mesh", PULUMI_COMMAND_STDOUT=told.out)
        assert json.loads(back.out) == answer | {"late": {}}

    def test_one_that_is_ready_and_silent_to_this_computer_stops_it(self, pair: Bench) -> None:
        pair.rack.set_addresses(pair.machine(BOARD).spec.id, ("192.0.2.99",))
        failed = pair.run("mesh", NIXFLEET_ANSWER_SECONDS="1", NIXFLEET_CONTACT_SECONDS="2")
        start = f"hostops: sim: mesh: failed: {BOARD}: no answer within 2 s, last seen: "
        assert (failed.code, failed.last[: len(start)]) == (4, start)

    def test_a_peer_that_left_while_a_host_was_off_is_forgotten_with_its_next_peers(self, trio: Bench) -> None:
        environment = trio.remove("hcloud-3")
        peers = json.dumps({name: {"endpoint": at} for name, at in PUBLIC.items() if name.startswith("hcloud")})
        off(trio, "hcloud-2")
        pruned = trio.run("prune", NIXFLEET_PEERS=peers, NIXFLEET_ANSWER_SECONDS="1")
        assert (pruned.code, "hcloud-2: mesh: left out: " in pruned.err) == (0, True), pruned.err
        on(trio, "hcloud-2")
        assert trio.run("leave", "hcloud-3", **environment).code == 0
        path = trio.world.root / "machines/id-hcloud-2/root/etc/nixfleet/mesh.json"
        assert "hcloud-3" in path.read_text()
        assert trio.run("mesh").code == 0
        assert "hcloud-3" not in path.read_text()

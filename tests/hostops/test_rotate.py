"""New tokens, host keys and certificates on running hosts: nothing is installed, and a killed run goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fleet.keys.pairs import another_host_key, other_tokens
from tests.hostops.bench import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hostops.bench import Bench

SERVERS = ("hcloud-1", "hcloud-2", "hcloud-3")


def secret(made: Bench, host: str, name: str) -> str:
    """A secret on a host."""
    root: Path = made.world.root / "machines" / made.machine(host).spec.id / "root"
    return (root / "etc/nixfleet/secrets" / name).read_text().strip()


def healthy(made: Bench) -> bool:
    """Whether every host is."""
    hosts = json.loads(made.run("status").out)["hosts"]
    return all(host["healthy"] for host in hosts.values())


class TestTokens:
    def test_the_cluster_and_every_node_have_the_new_ones_and_are_healthy(self, trio: Bench) -> None:
        old, new = trio.ring.cluster, other_tokens(trio.ring.cluster)
        formats = trio.events("format")
        trio.more = {
            "serverToken": new.server_token,
            "agentToken": new.agent_token,
            "formerServerToken": old.server_token,
        }
        trio.fault("hcloud-2", "systemctl restart", "hang")
        killed = trio.start("tokens")
        wait_for(lambda: not any(fault["times"] for fault in trio.world.read("faults").get("faults", [])))
        killed.kill()
        killed.communicate()
        again = trio.run("tokens")
        assert again.code == 0, again.err
        assert "hcloud-1: tokens: has them already" in again.err
        assert trio.world.read("clusters/sim")["tokens"] == {"server": new.server_token, "agent": new.agent_token}
        assert [secret(trio, host, "server-token") for host in SERVERS] == [new.server_token] * 3
        trio.more = {}
        for host in SERVERS:
            trio.rack.reboot(trio.machine(host).spec.id)
        assert (healthy(trio), trio.events("format")) == (True, formats)

    def test_a_cluster_with_another_token_takes_none(self, trio: Bench) -> None:
        new = other_tokens(trio.ring.cluster)
        trio.more = {"serverToken": new.server_token, "agentToken": new.agent_token, "formerServerToken": "wrong"}
        ended = trio.run("tokens")
        text = (
            "hcloud-1 did not take the new server token (HTTP 401); see there: journalctl -u k3s; "
            "then run again: make rotate WHAT=tokens STACK=sim"
        )
        assert (ended.code, ended.last) == (6, f"hostops: sim: rotate: failed: {text}")
        assert secret(trio, "hcloud-1", "server-token") == trio.ring.cluster.server_token


class TestHostKey:
    def test_a_host_answers_with_the_new_key_and_again_when_it_is_run_again(self, trio: Bench) -> None:
        fresh = another_host_key(trio.ring.hosts["hcloud-2"])
        trio.more = {"hostKey": fresh.host_key}
        for _ in range(2):
            done = trio.run("hostkey", "hcloud-2")
            assert done.code == 0, done.err
            assert "hostkey: answers with the new key, and with that one only" in done.err
        trio.more = {}
        refused = trio.run("switch", "hcloud-2", NIXFLEET_ANSWER_SECONDS="1")
        assert (refused.code, "another machine answered" in refused.last) == (4, True)
        trio.ring.hosts["hcloud-2"] = fresh
        trio.write()
        assert trio.run("switch", "hcloud-2").code == 0
        assert trio.events("format", "hcloud-2") == 1


class TestCertificates:
    def test_every_server_gets_new_ones_one_by_one(self, trio: Bench) -> None:
        before = trio.run("kubeconfig").out
        done = trio.run("certificates")
        assert done.code == 0, done.err
        assert [line.split(": ")[1] for line in done.err.splitlines() if ": certificates: new ones" in line] == [
            *SERVERS
        ]
        assert trio.run("kubeconfig").out != before
        assert healthy(trio)

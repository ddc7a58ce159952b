"""What a person does to a host that runs: keys, certificates, power, peers, and etcd from a snapshot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import yaml

from sim.throwaway import Ring
from tests.machines.host import assert_at_rest, state

if TYPE_CHECKING:
    from tests.machines.points import Site

NODES = "ls /var/lib/fleet/nodes | tr '\\n' ' '"


def test_etcd_comes_back_from_a_snapshot_and_a_second_time_too(installed: Site) -> None:
    machine, system = installed.machine, state(installed.machine).runs
    saved = installed.operator.run("snapshot", NIXFLEET_SNAPSHOT="before")
    assert saved.code == 0, saved.err
    name = json.loads(saved.out)["saved"]
    for _ in range(2):
        machine.tell("mkdir /var/lib/fleet/nodes/stranger")
        refused = installed.operator.run("restore", NIXFLEET_SNAPSHOT=name)
        assert (refused.code, "OVER=yes" in refused.last) == (3, True), refused.err
        assert machine.tell(NODES).split() == [installed.host, "stranger"]
        done = installed.operator.run("restore", NIXFLEET_SNAPSHOT=name, NIXFLEET_OVER="yes")
        assert done.code == 0, done.err
        assert machine.tell(NODES).split() == [installed.host]
        assert_at_rest(machine, system)


def test_a_restore_that_loses_its_power_is_run_again(installed: Site) -> None:
    machine, system = installed.machine, state(installed.machine).runs
    saved = installed.operator.run("snapshot", NIXFLEET_SNAPSHOT="before")
    name = json.loads(saved.out)["saved"]
    run = installed.operator.start("restore", NIXFLEET_SNAPSHOT=name, NIXFLEET_OVER="yes")
    machine.tell('until [ "$(systemctl is-active k3s.service)" = inactive ]; do sleep 0.1; done')
    machine.cut_power()
    machine.start()
    run.kill()
    machine.await_up()
    done = installed.operator.run("restore", NIXFLEET_SNAPSHOT=name, NIXFLEET_OVER="yes")
    assert done.code == 0, done.err
    assert_at_rest(machine, system)


def test_certificates_and_the_host_key_are_new_and_the_host_at_rest(installed: Site) -> None:
    machine, system, ring = installed.machine, state(installed.machine).runs, installed.operator.ring
    done = installed.operator.run("certificates")
    assert done.code == 0, done.err
    assert machine.tell("cat /var/lib/rancher/k3s/server/tls/made")
    keys, new = ring.hosts[installed.host], Ring()
    new.identities((installed.host,))
    ring.hosts[installed.host] = keys.model_copy(update={"host_key": new.hosts[installed.host].host_key})
    try:
        changed = installed.run("hostkey")
        assert changed.code == 0, changed.err
        installed.operator.write()
        assert installed.run("status").code == 0
        ring.hosts[installed.host] = keys
        back = installed.run("hostkey")
        assert back.code == 0, back.err
    finally:
        ring.hosts[installed.host] = keys
        installed.operator.write()
    assert_at_rest(machine, system)


def test_new_tokens_reach_the_cluster_and_its_node_and_the_old_ones_come_back(installed: Site) -> None:
    operator, system = installed.operator, state(installed.machine).runs
    cluster, new = operator.ring.cluster, Ring().cluster
    other = cluster.model_copy(update={"server_token": new.server_token, "agent_token": new.agent_token})
    for former, present in ((cluster, other), (other, cluster)):
        operator.ring.cluster = present
        operator.more = {"formerServerToken": former.server_token}
        try:
            done = operator.run("tokens")
        finally:
            operator.ring.cluster, operator.more = cluster, {}
        assert done.code == 0, done.err
        there = installed.machine.tell("cat /etc/nixfleet/secrets/server-token; echo; cat /var/lib/fleet/token")
        assert there.split() == [present.server_token.strip()] * 2
    assert_at_rest(installed.machine, system)


def test_a_host_that_is_shut_down_goes_cleanly_and_is_back_with_its_power(installed: Site) -> None:
    system = state(installed.machine).runs
    run = installed.operator.start("halt", installed.host)
    installed.machine.await_off()
    done = run.end()
    assert done.code == 0, done.err
    installed.machine.start()
    back = installed.run("resume")
    assert back.code == 0, back.err
    installed.machine.await_up()
    assert_at_rest(installed.machine, system)


def test_peers_reach_a_host_once(installed: Site) -> None:
    first, second = (installed.operator.run("mesh") for _ in range(2))
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert "has these peers already" in second.err
    installed.machine.tell(
        "cd /etc/nixfleet; jq '.peers.stranger = {}' mesh.json >draft; chmod 644 draft; mv draft mesh.json"
    )
    peers = {name: {"endpoint": installed.operator.address(name)} for name in (installed.host, "stranger-9")}
    pruned = installed.operator.run("prune", NIXFLEET_PEERS=json.dumps(peers))
    assert pruned.code == 0, pruned.err
    document = json.loads(installed.machine.tell("cat /etc/nixfleet/mesh.json"))
    assert (document["self"], "stranger" in document["peers"]) == (installed.host, False)


def test_the_credential_is_what_k3s_wrote(installed: Site) -> None:
    found = installed.run("kubeconfig")
    assert found.code == 0, found.err
    document = yaml.safe_load(found.out)
    assert document["clusters"] == [
        {
            "name": "sim",
            "cluster": {"certificate-authority-data": "QXV0aG9yaXR5", "server": "https://api.sim.example.net:6443"},
        }
    ]


def test_a_person_s_command_runs_on_the_host_and_says_what_it_said(installed: Site) -> None:
    found = installed.operator.run("run", installed.host, NIXFLEET_RUN="cat /etc/hostname")
    assert (found.code, found.out.strip()) == (0, installed.host), found.err
    failed = installed.operator.run("run", installed.host, NIXFLEET_RUN="exit 3")
    assert (failed.code, "the command ended with status 3" in failed.last) == (6, True), failed.err

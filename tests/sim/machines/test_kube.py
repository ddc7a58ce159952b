"""k3s on simulated machines: forming, joining, members, quorum and Ready."""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from sim.machines import jsonpath
from sim.world import Fault
from tests.sim.machines.lab import AGENT_TOKEN, SERVER_TOKEN, Lab

WRONG = secrets.token_hex(8)


def _form(lab: Lab, *names: str) -> None:
    for name in names:
        lab.add(name)
        lab.install(name)


def _cluster(lab: Lab, name: str = "clusters/test") -> dict[str, Any]:
    document: dict[str, Any] = lab.world.read(name)
    return document


def _ready(lab: Lab) -> dict[str, str]:
    nodes = _cluster(lab)["nodes"]
    return {name: node["status"]["conditions"][0]["status"] for name, node in nodes.items()}


def _why(lab: Lab, name: str) -> str:
    return lab.ok(name, "journalctl -u k3s")


def test_a_seed_forms_a_cluster_and_the_others_join_it(lab: Lab) -> None:
    _form(lab, "s1", "s2", "s3", "a1")
    assert lab.world.names("clusters") == ("clusters/test",)
    assert sorted(_cluster(lab)["members"]) == ["s1", "s2", "s3"]
    assert _ready(lab) == {"s1": "True", "s2": "True", "s3": "True", "a1": "True"}
    assert lab.ok("s2", "k3s kubectl get --raw /readyz/etcd") == "ok"


def test_two_clusters_do_not_share_members_tokens_or_authority(lab: Lab) -> None:
    _form(lab, "s1", "s2")
    lab.rack.remove("id-s1")
    lab.rack.power("id-s2", on=False)
    # A seed that is asked to form, while those that have the cluster are silent: what an operator must prevent.
    _form(lab, "s1")
    assert lab.world.names("clusters") == ("clusters/test", "clusters/test-2")
    first, second = _cluster(lab), _cluster(lab, "clusters/test-2")
    assert list(second["members"]) == ["s1"]
    assert first["authority"]["certificate"] != second["authority"]["certificate"]
    assert first["members"]["s1"]["id"] != second["members"]["s1"]["id"]


def test_a_server_with_a_wrong_token_does_not_join(lab: Lab) -> None:
    _form(lab, "s1")
    lab.add("s2")
    lab.install("s2", server_token=WRONG)
    assert _why(lab, "s2") == "failed to validate token: invalid token CA hash or password: 401 Unauthorized"
    assert list(_cluster(lab)["members"]) == ["s1"]
    lab.ok("s2", f"printf %s {SERVER_TOKEN} >$NIXFLEET_ROOT/etc/nixfleet/secrets/server-token; systemctl restart k3s")
    assert sorted(_cluster(lab)["members"]) == ["s1", "s2"]


def test_an_agent_joins_with_the_agent_token_only(lab: Lab) -> None:
    _form(lab, "s1")
    lab.add("a1")
    lab.install("a1", agent_token=WRONG)
    assert "401 Unauthorized" in _why(lab, "a1")
    assert lab.ssh("a1", "systemctl is-active k3s").stdout == "activating\n"
    lab.ok("a1", f"printf %s {AGENT_TOKEN} >$NIXFLEET_ROOT/etc/nixfleet/secrets/agent-token")
    assert lab.ok("a1", "systemctl is-active k3s") == "active"


def test_a_node_waits_for_the_endpoint_and_joins_when_it_answers(lab: Lab) -> None:
    _form(lab, "a1")
    assert _why(lab, "a1") == 'failed to get CA certs: Get "https://10.0.0.1:6443/cacerts": no answer'
    _form(lab, "s1")
    assert _ready(lab) == {"s1": "True", "a1": "True"}


def test_a_virtual_ip_is_answered_by_any_server(lab: Lab) -> None:
    lab.contract["cluster"] |= {
        "join": "10.0.0.99",
        "endpoint": {"kind": "virtualIp", "name": "api", "address": "10.0.0.99"},
    }
    _form(lab, "s1", "s2")
    assert sorted(_cluster(lab)["members"]) == ["s1", "s2"]


def test_lost_quorum_makes_the_api_fail_and_found_quorum_brings_it_back(lab: Lab) -> None:
    _form(lab, "s1", "s2", "s3")
    lab.rack.power("id-s2", on=False)
    assert _ready(lab) == {"s1": "True", "s2": "Unknown", "s3": "True"}
    lab.rack.power("id-s3", on=False)
    failed = lab.ssh("s1", "k3s kubectl get nodes")
    assert (failed.returncode, failed.stderr) == (1, "Error from server (ServiceUnavailable): etcdserver: no leader\n")
    assert json.loads(lab.ok("s1", "curl -s https://127.0.0.1:2379/health"))["health"] == "false"
    assert _cluster(lab)["available"] is False
    lab.rack.power("id-s3", on=True)
    assert lab.ok("s1", "k3s kubectl get --raw /readyz") == "ok"
    assert _ready(lab) == {"s1": "True", "s2": "Unknown", "s3": "True"}
    noted = [event.step for event in lab.world.events("kubernetes", "quorum")]
    assert noted[-2:] == ["quorum lost", "quorum found"]


def test_all_servers_off_and_on_again_are_the_same_cluster(lab: Lab) -> None:
    _form(lab, "s1", "s2", "s3")
    before = _cluster(lab)["members"]
    for on in (False, True):
        for name in ("s1", "s2", "s3"):
            lab.rack.power(f"id-{name}", on=on)
    assert _cluster(lab)["members"] == before
    assert set(_ready(lab).values()) == {"True"}


def test_a_new_disk_under_an_old_servers_name_is_refused_until_the_node_is_deleted(lab: Lab) -> None:
    _form(lab, "s1", "s2", "s3")
    lab.rack.remove("id-s3")
    _form(lab, "s3")
    assert _why(lab, "s3") == (
        "etcd cluster join failed: duplicate node name found, please use a unique name for this node"
    )
    lab.ok("s1", "k3s kubectl delete node s3")
    assert lab.ok("s3", "systemctl is-active k3s") == "active"
    assert len(_cluster(lab)["members"]) == 3


def test_a_new_disk_under_an_old_agents_name_is_refused_until_the_node_is_deleted(lab: Lab) -> None:
    _form(lab, "s1", "a1")
    lab.rack.remove("id-a1")
    _form(lab, "a1")
    assert _why(lab, "a1").startswith("Node password rejected, duplicate hostname")
    lab.ok("s1", "k3s kubectl delete node a1")
    assert _ready(lab) == {"s1": "True", "a1": "True"}


def test_a_new_seed_joins_a_cluster_that_lives_whatever_its_mark_says(lab: Lab) -> None:
    _form(lab, "s1", "s2", "s3")
    before = _cluster(lab)["members"]["s1"]["id"]
    lab.rack.remove("id-s1")
    lab.ok("s2", "k3s kubectl delete node s1")
    _form(lab, "s1")
    assert lab.world.names("clusters") == ("clusters/test",)
    assert _cluster(lab)["members"]["s1"]["id"] != before
    assert set(_ready(lab).values()) == {"True"}


def test_a_seed_that_was_not_asked_to_form_waits_for_the_others(lab: Lab) -> None:
    lab.add("s1")
    lab.install("s1", forms=False)
    assert lab.ssh("s1", "systemctl is-active k3s").stdout == "activating\n"
    assert lab.world.names("clusters") == ()
    lab.ok("s1", "touch $NIXFLEET_ROOT/etc/nixfleet/form; systemctl restart k3s")
    lab.rack.settle()
    assert lab.world.names("clusters") == ("clusters/test",)
    assert lab.ssh("s1", "test -e $NIXFLEET_ROOT/etc/nixfleet/form").returncode == 1


def test_a_seed_whose_data_was_taken_away_joins_when_it_is_started_again(lab: Lab) -> None:
    _form(lab, "s1", "s2", "s3")
    lab.ok("s2", "k3s kubectl annotate node s1 etcd.k3s.cattle.io/remove=true")
    lab.ok("s1", "systemctl stop k3s; rm -rf $NIXFLEET_ROOT/var/lib/rancher/k3s/server/db; systemctl start k3s")
    _await_active(lab, "s1")
    assert lab.world.names("clusters") == ("clusters/test",)
    assert len(_cluster(lab)["members"]) == 3


def test_a_removed_member_ends_and_joins_again_only_without_its_data(lab: Lab) -> None:
    _form(lab, "s1", "s2")
    first = _cluster(lab)["members"]["s2"]["id"]
    lab.ok("s1", "k3s kubectl annotate node s2 etcd.k3s.cattle.io/remove=true")
    assert _why(lab, "s2") == "This node has been removed from the cluster - please restart k3s to rejoin the cluster"
    notes = _cluster(lab)["nodes"]["s2"]["metadata"]["annotations"]
    assert (notes["etcd.k3s.cattle.io/removed-node-name"], "etcd.k3s.cattle.io/node-name" in notes) == (
        f"s2-{first[:8]}",
        False,
    )
    assert _voter(lab) == {"s1": "MemberNotLearner", "s2": "NotAMember"}
    lab.rack.reboot("id-s2")
    # With them k3s' unit does not start (nix/modules/k3s/unit.nix); k3s itself would join again.
    assert sorted(_cluster(lab)["members"]) == ["s1"]
    lab.ok("s2", "rm -rf $NIXFLEET_ROOT/var/lib/rancher/k3s/server/db/etcd; systemctl start k3s")
    assert _cluster(lab)["members"]["s2"]["id"] != first
    notes = _cluster(lab)["nodes"]["s2"]["metadata"]["annotations"]
    assert (notes["etcd.k3s.cattle.io/remove"], "etcd.k3s.cattle.io/removed-node-name" in notes) == ("false", False)


def test_one_that_was_removed_while_it_was_off_learns_that_at_its_start(lab: Lab) -> None:
    _form(lab, "s1", "s2", "s3")
    lab.rack.power("id-s3", on=False)
    lab.ok("s1", "k3s kubectl delete node s3")
    lab.rack.power("id-s3", on=True)
    assert _why(lab, "s3") == "This node has been removed from the cluster - please restart k3s to rejoin the cluster"
    assert sorted(_cluster(lab)["members"]) == ["s1", "s2"]


def test_a_learner_has_no_vote_and_there_is_one_at_a_time(lab: Lab) -> None:
    _form(lab, "s1")
    lab.world.inject(Fault(machine="s2", step="etcd promote", kind="hang", times=99))
    _form(lab, "s2", "s3")
    assert _voter(lab) == {"s1": "MemberNotLearner", "s2": "MemberIsLearner"}
    assert _why(lab, "s3") == "etcdserver: too many learner members in cluster"
    lab.rack.power("id-s2", on=False)
    assert lab.ok("s1", "k3s kubectl get --raw /readyz") == "ok"
    lab.world.clear_faults()
    lab.rack.power("id-s2", on=True)
    assert _voter(lab) == dict.fromkeys(("s1", "s2", "s3"), "MemberNotLearner")


def test_a_server_that_becomes_an_agent_stays_a_member_that_does_not_vote_for_anybody(lab: Lab) -> None:
    _form(lab, "s1", "s2", "s3")
    lab.contract["hosts"]["s3"]["role"] = "agent"
    system = lab.rebuild("s3")
    lab.ok("s3", f"$NIXFLEET_ROOT{system}/bin/switch-to-configuration switch")
    assert _ready(lab)["s3"] == "True"
    assert _voter(lab)["s3"] == "Unhealthy"
    lab.rack.power("id-s2", on=False)
    assert _cluster(lab)["available"] is False


def _voter(lab: Lab) -> dict[str, str]:
    conditions = {name: node["status"]["conditions"] for name, node in _cluster(lab)["nodes"].items()}
    return {name: each[1]["reason"] for name, each in conditions.items() if len(each) > 1}


def _await_active(lab: Lab, name: str) -> None:
    """Until what the seed's unit runs before k3s has ended."""
    lab.ok(name, 'until [ "$(systemctl is-active k3s)" = active ]; do sleep 0.1; done')


def test_a_node_tells_its_version_and_an_agent_sees_only_itself(lab: Lab) -> None:
    _form(lab, "s1", "a1")
    path = '{.status.conditions[?(@.type=="Ready")].status} {.status.nodeInfo.kubeletVersion}'
    kubelet = "--kubeconfig $NIXFLEET_ROOT/var/lib/rancher/k3s/agent/kubelet.kubeconfig"
    assert lab.ok("a1", f"k3s kubectl {kubelet} get node a1 -o 'jsonpath={path}'") == "True v1.35.6+k3s1"
    assert "Forbidden" in lab.ssh("a1", f"k3s kubectl {kubelet} get node s1").stderr
    assert "refused" in lab.ssh("a1", "k3s kubectl get nodes").stderr


def test_cordon_shows_in_the_node_and_outlives_a_reboot(lab: Lab) -> None:
    _form(lab, "s1", "a1")
    lab.ok("s1", "k3s kubectl drain a1 --ignore-daemonsets --timeout=60s")
    lab.rack.reboot("id-a1")
    assert "a1 Ready,SchedulingDisabled v1.35.6+k3s1" in lab.ok("s1", "k3s kubectl get nodes").splitlines()
    lab.ok("s1", "k3s kubectl uncordon a1")
    assert "a1 Ready v1.35.6+k3s1" in lab.ok("s1", "k3s kubectl get nodes").splitlines()


def test_the_kubeconfig_is_the_clusters_own_and_stays_over_a_reboot(lab: Lab) -> None:
    _form(lab, "s1")
    text = lab.ok("s1", "cat $NIXFLEET_ROOT/etc/rancher/k3s/k3s.yaml")
    shown = yaml.safe_load(text)["clusters"][0]["cluster"]["certificate-authority-data"]
    assert base64.b64decode(shown).decode() == _cluster(lab)["authority"]["certificate"]
    lab.rack.reboot("id-s1")
    assert lab.ok("s1", "cat $NIXFLEET_ROOT/etc/rancher/k3s/k3s.yaml") == text


def _wireguard() -> tuple[str, str]:
    private = X25519PrivateKey.from_private_bytes(secrets.token_bytes(32))
    raw = serialization.Encoding.Raw
    public = private.public_key().public_bytes(raw, serialization.PublicFormat.Raw)
    secret = private.private_bytes(raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
    return base64.b64encode(secret).decode(), base64.b64encode(public).decode()


def test_in_a_mesh_hosts_meet_only_when_both_know_the_others_real_key(lab: Lab) -> None:
    lab.contract["cluster"]["mesh"] = {"range": "10.0.0.0/24", "port": 51820, "mtu": 1380}
    _form(lab, "s1", "s2")
    keys = {"s1": _wireguard(), "s2": _wireguard()}

    def peer(name: str, other: str, key: str) -> None:
        address = lab.contract["hosts"][other]["address"]
        document = json.dumps({"peers": {other: {"address": address, "publicKey": key}}})
        folder = "$NIXFLEET_ROOT/etc/nixfleet"
        lab.ok(
            name,
            f"printf %s '{keys[name][0]}' >{folder}/secrets/wireguard-key; printf %s '{document}' >{folder}/mesh.json",
        )
        lab.ok(name, "systemctl reload nixfleet-mesh")

    peer("s1", "s2", keys["s2"][1])
    assert list(_cluster(lab)["members"]) == ["s1"]
    peer("s2", "s1", _wireguard()[1])
    assert list(_cluster(lab)["members"]) == ["s1"]
    peer("s2", "s1", keys["s1"][1])
    assert sorted(_cluster(lab)["members"]) == ["s1", "s2"]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{.items[*].name}", "a b"),
        ("{.items[1].name}", "b"),
        ("{.items[-1].name}", "b"),
        ('{.items[?(@.name=="a")].dotted\\.key}', "1"),
        ('{range .items[*]}<{.name}>{"\\n"}{end}.', "<a>\n<b>\n."),
        ("{.absent}", ""),
    ],
)
def test_jsonpath_answers_as_kubectl_does(template: str, expected: str) -> None:
    document = {"items": [{"name": "a", "dotted.key": 1}, {"name": "b"}]}
    assert jsonpath.render(template, document) == expected


def test_other_jsonpath_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^jsonpath {\.\.x} is not simulated from '\.\.x' on$"):
        jsonpath.render("{..x}", {})

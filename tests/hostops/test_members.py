"""Members that come and go, with machines that answer, die and come back: who may form, who may be touched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from hostops.failure import Failure
from hostops.quorum import Members, check_departure, check_touch
from tests.hostops.bench import BOARD, SEED, SERVERS, members

if TYPE_CHECKING:
    from tests.hostops.bench import Bench


def voters(letters: str) -> Members:
    """Members a, b, c...; a capital one is sick."""
    return Members(voters={letter.lower(): letter.islower() for letter in letters}, asked="a")


class TestQuorum:
    """By what would be left, not by who is sick."""

    @pytest.mark.parametrize(
        ("letters", "host", "leaves"),
        [
            ("abc", "b", False),
            ("abc", "b", True),
            # Touching a sick one costs nothing, however many others are sick too.
            ("abC", "c", False),
            ("abcDE", "e", False),
            ("abcDE", "e", True),
            # A sick one more than the quorum needs is no reason to leave the others as they are.
            ("abcdE", "b", False),
            ("abcdE", "b", True),
            # There is no better moment for a member of two.
            ("ab", "b", False),
            ("a", "a", False),
            # What has no vote is not missed.
            ("abC", "x", True),
        ],
    )
    def test_a_server_is_touched_while_the_others_are_a_quorum(self, letters: str, host: str, *, leaves: bool) -> None:
        assert check_touch(voters(letters), host, leaves=leaves).startswith("members Ready: a")

    @pytest.mark.parametrize(
        ("letters", "host", "leaves", "text"),
        [
            (
                "abC",
                "b",
                False,
                (
                    "not touched, because c is a member of etcd and not Ready (asked: a): without b, 1 of 3 would be "
                    "left, and a quorum needs 2; bring back one that is down (status shows why), then run again"
                ),
            ),
            (
                "abcDE",
                "b",
                False,
                (
                    "not touched, because d and e are members of etcd and not Ready (asked: a): without b, 2 of 5 "
                    "would be left, and a quorum needs 3; bring back one that is down (status shows why), then run "
                    "again"
                ),
            ),
            (
                "ab",
                "b",
                True,
                (
                    "not touched, because the members of etcd are a and b (asked: a): without b, 1 of 2 would be left, "
                    "and a quorum needs 2; add another server first, then run again"
                ),
            ),
        ],
    )
    def test_it_is_not_touched_if_they_would_be_none(self, letters: str, host: str, *, leaves: bool, text: str) -> None:
        with pytest.raises(Failure) as refused:
            check_touch(voters(letters), host, leaves=leaves)
        assert refused.value.text == text

    @pytest.mark.parametrize(
        ("letters", "host", "lives"),
        [("abc", "b", True), ("abC", "c", False), ("ab", "b", True), ("abcdE", "e", False), ("abC", "x", False)],
    )
    def test_a_member_leaves_if_the_rest_is_a_quorum_of_itself(self, letters: str, host: str, *, lives: bool) -> None:
        assert check_departure(voters(letters), host, lives=lives)

    @pytest.mark.parametrize(
        ("letters", "host", "lives", "text"),
        [
            (
                "abC",
                "b",
                True,
                (
                    "not removed, because of the members of etcd 1 of 2 would be left healthy (c is not Ready), and a "
                    "quorum needs 2 (asked: a); bring back or add another server first, then run again"
                ),
            ),
            (
                "aB",
                "b",
                False,
                (
                    "not removed, because of the members of etcd 1 of 1 would be left healthy, and a quorum needs 1 "
                    "(asked: a); bring back or add another server first, then run again"
                ),
            ),
        ],
    )
    def test_it_does_not_leave_if_the_rest_would_be_none(
        self, letters: str, host: str, *, lives: bool, text: str
    ) -> None:
        with pytest.raises(Failure) as refused:
            check_departure(voters(letters), host, lives=lives)
        assert refused.value.text == text

    def test_a_sick_server_is_updated_first_which_may_be_its_cure(self, trio: Bench) -> None:
        trio.change("Europe/Rome")
        # Its kubelet is down, its machine is not.
        trio.fault("hcloud-3", "k3s start")
        trio.rack.reboot("id-hcloud-3")
        done = trio.run("switch", "hcloud-2")
        assert done.code == 0, done.err
        said = "quorum: hcloud-3 is a member and not Ready: it is brought to its own system first"
        assert f"hostops: hcloud-2: {said}\n" in done.err
        assert "quorum: healed hcloud-3 first; members Ready: hcloud-1, hcloud-2, hcloud-3 (" in done.err
        hosts = json.loads(trio.run("status").out)["hosts"]
        assert {name: host["upToDate"] for name, host in hosts.items() if host["upToDate"]} == {
            "hcloud-2": True,
            "hcloud-3": True,
        }

    @pytest.mark.parametrize("verb", ["switch", "halt"])
    def test_a_dead_server_that_was_taken_out_of_the_file_keeps_no_other_from_its_change(
        self, verb: str, trio: Bench
    ) -> None:
        trio.rack.remove("id-hcloud-3")
        trio.change("Europe/Rome")
        kept = trio.run(verb, "hcloud-2")
        assert (kept.code, "quorum: failed: not touched, because hcloud-3 is a member" in kept.last) == (3, True)
        environment = trio.remove("hcloud-3")
        done = trio.run(verb, "hcloud-2")
        assert done.code == 0, done.err
        said = (
            "quorum: hcloud-3 is in the stack file no more: hcloud-2 forgot the old node hcloud-3 and its member of "
            "etcd; members Ready: hcloud-1, hcloud-2 ("
        )
        assert f"hostops: hcloud-2: {said}" in done.err
        assert sorted(members(trio)) == ["hcloud-1", "hcloud-2"]
        left = trio.run("leave", "hcloud-3", NIXFLEET_ANSWER_SECONDS="1", **environment)
        if verb == "switch":
            assert (left.code, "node: hcloud-1 knows no node hcloud-3 (" in left.err) == (0, True), left.err

    def test_a_token_goes_on_beside_a_dead_server_that_was_taken_out_of_the_file(self, trio: Bench) -> None:
        trio.rack.remove("id-hcloud-3")
        trio.remove("hcloud-3")
        done = trio.run("install", "hcloud-2", NIXFLEET_REINSTALL="hcloud-2@1")
        assert done.code == 0, done.err
        assert "quorum: hcloud-3 is in the stack file no more: hcloud-1 forgot the old node hcloud-3" in done.err
        assert (sorted(members(trio)), trio.world.names("clusters")) == (["hcloud-1", "hcloud-2"], ("clusters/sim",))

    def test_a_member_in_its_installer_is_not_formatted_while_the_rest_is_no_quorum(self, trio: Bench) -> None:
        trio.fault("hcloud-2", "nixos-anywhere disko")
        token = "hcloud-2@1"  # noqa: S105 - it names an installation
        assert trio.run("install", "hcloud-2", NIXFLEET_REINSTALL=token).code == 6
        before = trio.content("hcloud-2")
        trio.rack.power("id-hcloud-3", on=False)
        refused = trio.run("install", "hcloud-2", NIXFLEET_REINSTALL=token, NIXFLEET_ANSWER_SECONDS="1")
        start = (
            "hostops: hcloud-2: quorum: failed: not formatted, because hcloud-2 was a member and nobody answers for "
            "the cluster (hcloud-1 has data of a cluster that does not answer; hcloud-3: "
        )
        assert (refused.code, refused.last[: len(start)]) == (3, start)
        assert refused.last.endswith("bring the others back (status shows who is down), then run again")
        assert trio.content("hcloud-2") == before
        trio.rack.power("id-hcloud-3", on=True)
        done = trio.run("install", "hcloud-2", NIXFLEET_REINSTALL=token)
        assert (done.code, len(members(trio))) == (0, 3), done.err

    def test_a_member_is_not_formatted_after_the_quorum_was_lost(self, trio: Bench) -> None:
        before = trio.content("hcloud-2")
        for name in ("hcloud-1", "hcloud-3"):
            trio.rack.power(f"id-{name}", on=False)
        refused = trio.run("install", "hcloud-2", NIXFLEET_REINSTALL="hcloud-2@1", NIXFLEET_ANSWER_SECONDS="1")
        start = "hostops: hcloud-2: cluster: failed: no server answers that could let hcloud-2 go (hcloud-1: "
        assert (refused.code, refused.last[: len(start)]) == (4, start)
        assert (trio.content("hcloud-2"), trio.events("kexec", "hcloud-2")) == (before, 1)


class TestForming:
    """Silence is not absence."""

    def test_a_replaced_seed_joins_the_cluster_that_lives(self, trio: Bench) -> None:
        before = members(trio)
        trio.rack.remove("id-hcloud-1")
        trio.rack_cloud("hcloud-1", serial="NEW")
        done = trio.run("install", "hcloud-1", NIXFLEET_MACHINE_ID="id-hcloud-1NEW")
        assert done.code == 0, done.err
        assert "guard: joins the cluster of hcloud-2, hcloud-3; goes on with kexec" in done.err
        assert trio.world.names("clusters") == ("clusters/sim",)
        after = members(trio)
        assert {name for name in SERVERS if after[name] != before[name]} == {"hcloud-1"}

    def test_a_seed_with_a_token_leaves_and_joins_again(self, trio: Bench) -> None:
        done = trio.run("install", "hcloud-1", NIXFLEET_REINSTALL="hcloud-1@1")
        assert (done.code, trio.world.names("clusters")) == (0, ("clusters/sim",)), done.err
        assert len(members(trio)) == 3

    @pytest.mark.parametrize("token", ["", "hcloud-1@1"])
    def test_a_seed_is_not_installed_while_other_servers_are_silent(self, token: str, trio: Bench) -> None:
        for name in ("hcloud-2", "hcloud-3"):
            trio.rack.power(f"id-{name}", on=False)
        if not token:
            trio.rack.remove("id-hcloud-1")
            trio.rack_cloud("hcloud-1", serial="NEW")
        formats = trio.events("format", "hcloud-1")
        refused = trio.run("install", "hcloud-1", NIXFLEET_REINSTALL=token, NIXFLEET_CONTACT_SECONDS="1")
        start = (
            "hostops: hcloud-1: guard: failed: hcloud-1 is cluster.seed and forms a cluster only if no other server "
            "has one, and nobody can say that of hcloud-2, hcloud-3 (last seen: hcloud-2: "
        )
        assert (refused.code, refused.last[: len(start)]) == (3, start)
        assert refused.last.endswith("or remove the entries of those that are gone for good, then run again")
        assert trio.events("format", "hcloud-1") == formats

    def test_a_cluster_without_quorum_is_a_cluster(self, trio: Bench) -> None:
        trio.rack.remove("id-hcloud-1")
        trio.rack.power("id-hcloud-3", on=False)
        trio.rack_cloud("hcloud-1", serial="NEW")
        refused = trio.run("install", "hcloud-1", NIXFLEET_CONTACT_SECONDS="1")
        text = (
            "hcloud-1 is cluster.seed and would form a second cluster: hcloud-2 has data of one that does not answer; "
            "bring back its quorum (status shows who is down) or restore it (docs/runbooks.md), then run again: this "
            "host joins it then"
        )
        assert (refused.code, refused.last) == (3, f"hostops: hcloud-1: guard: failed: {text}")

    def test_a_member_that_booted_an_installer_by_mistake_is_still_one(self, trio: Bench) -> None:
        trio.fault("hcloud-2", "nixos-anywhere disko")
        assert trio.run("install", "hcloud-2", NIXFLEET_REINSTALL="hcloud-2@1").code == 6
        for name in ("hcloud-1", "hcloud-3"):
            trio.rack.remove(f"id-{name}")
            trio.rack_cloud(name, serial="NEW")
        refused = trio.run("install", "hcloud-1", NIXFLEET_CONTACT_SECONDS="1")
        what = "would form a second cluster: hcloud-2 has data of one that does not answer"
        assert (refused.code, what in refused.last) == (3, True), refused.err

    def test_a_seed_that_lost_the_others_after_its_installation_forms_nothing(self, trio: Bench) -> None:
        trio.rack.remove("id-hcloud-1")
        trio.rack_cloud("hcloud-1", serial="NEW")
        trio.fault("hcloud-1", "nixos-anywhere reboot")
        assert trio.run("install", "hcloud-1").code == 6
        for name in ("hcloud-2", "hcloud-3"):
            trio.rack.power(f"id-{name}", on=False)
        trio.rack.reboot("id-hcloud-1NEW")
        late = trio.run("install", "hcloud-1", NIXFLEET_ANSWER_SECONDS="1", NIXFLEET_READY_SECONDS="1")
        assert late.code != 0
        assert trio.world.names("clusters") == ("clusters/sim",)
        for name in ("hcloud-2", "hcloud-3"):
            trio.rack.power(f"id-{name}", on=True)
        done = trio.run("install", "hcloud-1")
        assert (done.code, trio.world.names("clusters"), len(members(trio))) == (0, ("clusters/sim",), 3), done.err


class TestComingBack:
    def test_a_board_that_was_taken_out_and_put_back_joins_without_a_format(self, pair: Bench) -> None:
        content, entry = pair.content(BOARD), pair.hosts[BOARD]
        assert pair.run("leave", BOARD, **pair.remove(BOARD)).code == 0
        pair.hosts[BOARD] = entry
        pair.write()
        done = pair.run("install", BOARD)
        assert (done.code, done.phases) == (0, ["contact", "guard", "forget", "join", "ready"]), done.err
        assert "join: forms no cluster; delivered agent-token, wireguard-key, started k3s (" in done.err
        assert pair.content(BOARD) == content
        again = pair.run("install", BOARD)
        assert again.phases == ["contact", "guard", "ready"]

    def test_a_board_that_is_still_in_an_older_cluster_is_brought_into_the_new_one(self, pair: Bench) -> None:
        content = pair.content(BOARD)
        renew(pair)
        done = pair.run("install", BOARD)
        assert (done.code, done.phases) == (0, ["contact", "guard", "release", "forget", "join", "ready"]), done.err
        assert pair.content(BOARD) == content
        assert BOARD in pair.world.read("clusters/sim-2")["nodes"]

    def test_a_server_with_the_data_of_another_cluster_is_not_taken_out_of_it_unasked(self, trio: Bench) -> None:
        content = trio.content("hcloud-3")
        for name in ("hcloud-1", "hcloud-2"):
            path = trio.world.root / f"machines/id-{name}/root/var/lib/rancher/k3s/agent/client-ca.crt"
            path.write_text("another")
        trio.fault("hcloud-3", "k3s start")
        trio.rack.reboot("id-hcloud-3")
        refused = trio.run("install", "hcloud-3")
        text = (
            "hcloud-3 has the data of another cluster than the one of hcloud-1, hcloud-2; if that other one is not "
            "needed any more, say so on hcloud-3 (ssh 198.51.100.3 sudo touch /etc/nixfleet/released), then run again: "
            "it joins without a format"
        )
        assert (refused.code, refused.last) == (3, f"hostops: hcloud-3: guard: failed: {text}")
        (trio.world.root / "machines/id-hcloud-3/root/etc/nixfleet/released").touch()
        done = trio.run("install", "hcloud-3")
        assert (done.code, done.phases) == (0, ["contact", "guard", "release", "forget", "join", "ready"]), done.err
        assert (trio.content("hcloud-3"), len(members(trio))) == (content, 3)

    def test_a_pair_is_installed_again_one_after_the_other(self, trio: Bench) -> None:
        assert trio.run("leave", "hcloud-3", **trio.remove("hcloud-3")).code == 0
        before = members(trio)
        for name in ("hcloud-2", "hcloud-1"):
            done = trio.run("install", name, NIXFLEET_REINSTALL=f"{name}@1")
            assert done.code == 0, done.err
            assert "member: its member of etcd was removed (" in done.err
        after = members(trio)
        assert {name for name in after if after[name] != before[name]} == {"hcloud-1", "hcloud-2"}
        assert trio.world.names("clusters") == ("clusters/sim",)


class TestRoles:
    def test_a_server_that_becomes_an_agent_leaves_etcd_first(self, trio: Bench) -> None:
        content = trio.content("hcloud-3")
        trio.hosts["hcloud-3"]["role"] = "agent"
        trio.write()
        done = trio.run("switch", "hcloud-3")
        assert done.code == 0, done.err
        left = ["cluster", "node", "quorum", "drain", "member", "stop", "forget"]
        # What follows is any switch's.
        assert done.phases[:12] == ["look", *left, "secrets", "quorum", "copy", "weigh"]
        assert sorted(members(trio)) == ["hcloud-1", "hcloud-2"]
        node = trio.world.read("clusters/sim")["nodes"]["hcloud-3"]
        assert "node-role.kubernetes.io/etcd" not in node["metadata"]["labels"]
        folder = trio.world.root / "machines/id-hcloud-3/root"
        assert not (folder / "var/lib/rancher/k3s/server").exists()
        assert sorted(path.name for path in (folder / "etc/nixfleet/secrets").iterdir()) == [
            "agent-token",
            "wireguard-key",
        ]
        assert trio.content("hcloud-3") == content
        trio.hosts["hcloud-3"]["role"] = "server"
        trio.write()
        back = trio.run("switch", "hcloud-3")
        assert back.code == 0, back.err
        assert sorted(members(trio)) == list(SERVERS)

    @pytest.mark.parametrize(("host", "role"), [("hcloud-3", "agent"), ("a-worker", "server")])
    def test_a_role_changes_by_leaving_and_the_next_system(self, host: str, role: str, trio: Bench) -> None:
        if host not in trio.hosts:
            trio.hosts[host] = trio.hosts["hcloud-3"] | {"role": "agent", "address": "10.90.0.14"}
            trio.hosts[host]["privateAddress"] = "10.20.0.14"
            trio.write()
            trio.rack_cloud(host)
            assert trio.run("mesh").code == 0
            trio.installed(host)
        content, environment = trio.content(host), trio.remove(host)
        trio.hosts[host] = trio.kept | {"role": role}
        trio.write()
        left = trio.run("leave", host, **environment)
        assert left.code == 0, left.err
        assert "evict" not in left.phases
        assert host not in members(trio)
        done = trio.run("switch", host)
        assert done.code == 0, done.err
        assert (host in members(trio), trio.content(host)) == (role == "server", content)
        node = trio.world.read("clusters/sim")["nodes"][host]
        assert node["status"]["conditions"][0]["status"] == "True"

    def test_one_that_was_stopped_between_leaving_and_the_new_system_goes_on(self, trio: Bench) -> None:
        trio.hosts["hcloud-3"]["role"] = "agent"
        trio.write()
        trio.fault("hcloud-3", "sim-receive")
        assert trio.run("switch", "hcloud-3").code != 0
        assert sorted(members(trio)) == ["hcloud-1", "hcloud-2"]
        done = trio.run("switch", "hcloud-3")
        assert done.code == 0, done.err
        assert trio.world.read("clusters/sim")["nodes"]["hcloud-3"]["status"]["conditions"][0]["status"] == "True"

    def test_one_that_goes_back_after_leaving_is_a_server_again(self, trio: Bench) -> None:
        trio.hosts["hcloud-3"]["role"] = "agent"
        trio.write()
        trio.fault("hcloud-3", "sim-receive")
        assert trio.run("switch", "hcloud-3").code != 0
        trio.hosts["hcloud-3"]["role"] = "server"
        trio.write()
        done = trio.run("switch", "hcloud-3")
        assert (done.code, sorted(members(trio))) == (0, list(SERVERS)), done.err

    def test_a_server_does_not_become_an_agent_if_the_rest_would_be_no_quorum(self, trio: Bench) -> None:
        trio.hosts["hcloud-3"]["role"] = "agent"
        trio.write()
        trio.rack.power("id-hcloud-2", on=False)
        refused = trio.run("switch", "hcloud-3")
        assert (refused.code, "quorum: failed: not removed, because of the members" in refused.last) == (3, True)
        assert len(members(trio)) == 3


class TestTokens:
    def test_a_server_token_that_does_not_fit_the_cluster_is_never_written(self, trio: Bench) -> None:
        path = trio.world.root / "machines/id-hcloud-2/root/etc/nixfleet/secrets/server-token"
        before = path.read_text()
        trio.ring.cluster = trio.ring.cluster.model_copy(update={"server_token": "f" * 64})
        refused = trio.run("switch", "hcloud-2")
        text = (
            "the server token is another one than the cluster runs with, and k3s would not start with it again: "
            "nothing was changed; put the old nixfleet:clusterKeys back into the stack file (git has them), or rotate "
            "the token as docs/runbooks.md says, then run again"
        )
        assert (refused.code, refused.last) == (3, f"hostops: hcloud-2: secrets: failed: {text}")
        assert path.read_text() == before


def renew(made: Bench) -> None:
    """Make the seed's machine, and with it the cluster, anew: what `destroy` and `up` do in a cloud."""
    made.rack.remove(f"id-{SEED}")
    made.rack_cloud(SEED, serial="NEW")
    done = made.run("install", SEED)
    assert done.code == 0, done.err

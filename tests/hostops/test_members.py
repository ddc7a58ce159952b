"""Members that come and go, with machines that answer, die and come back: who may form, who may be touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hostops.failure import Failure
from hostops.quorum import Members, check_departure, check_touch
from tests.hostops.bench import SERVERS, members

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

    def test_a_sick_server_is_updated_which_may_be_its_cure(self, trio: Bench) -> None:
        path = trio.world.root / "machines/id-hcloud-3/root/etc/nixfleet/secrets/agent-token"
        trio.change("Europe/Rome")
        # Its kubelet is down, its machine is not.
        trio.fault("hcloud-3", "k3s start")
        trio.rack.reboot("id-hcloud-3")
        assert path.exists()
        refused = trio.run("switch", "hcloud-2")
        assert (refused.code, "because hcloud-3 is a member of etcd and not Ready" in refused.last) == (3, True)
        cured = trio.run("switch", "hcloud-3")
        assert cured.code == 0, cured.err
        assert trio.run("switch", "hcloud-2").code == 0

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
        refused = trio.run("install", "hcloud-2", NIXFLEET_REINSTALL="hcloud-2@1")
        assert (refused.code, "quorum: failed: not formatted, because hcloud-2 was a member" in refused.last) == (
            3,
            True,
        )
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

"""Snapshots of etcd, and bringing every server's data back from one, on simulated machines."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from hostops.ssh import script
from tests.hostops.bench import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hostops.bench import Bench
    from tests.hostops.fakes import Fakes

SERVERS = ("hcloud-1", "hcloud-2", "hcloud-3")
DATA = "var/lib/rancher/k3s/server/db"
BUCKET = {
    "etcd-s3-access-key": "access-1234",
    "etcd-s3-bucket": "snapshots",
    "etcd-s3-endpoint": "s3.sim.example.net",
    "etcd-s3-folder": "sim",
    "etcd-s3-region": "fsn1",
    "etcd-s3-secret-key": "secret-1234",
}


def root(made: Bench, host: str) -> Path:
    """A host's root folder."""
    return made.world.root / "machines" / made.machine(host).spec.id / "root"


def with_bucket(made: Bench) -> None:
    """Let the cluster know the bucket, as the program does."""
    with made.world.edit("clusters/sim") as document:
        document["objects"]["/Secret/kube-system/nixfleet-etcd-s3"] = {"stringData": BUCKET}
    made.more = {"bucketAccessKey": "access-1234", "bucketSecretKey": "secret-1234"}


def saved(made: Bench) -> str:
    """Save etcd; the snapshot's name."""
    ended = made.run("snapshot", NIXFLEET_SNAPSHOT="before")
    assert ended.code == 0, ended.err
    name: str = json.loads(ended.out)["saved"]
    return name


def lose(made: Bench, *hosts: str) -> None:
    """Lose etcd's data of servers."""
    for host in hosts:
        machine = made.machine(host).spec.id
        made.rack.power(machine, on=False)
        shutil.rmtree(root(made, host) / DATA / "etcd")
        made.rack.power(machine, on=True)


def mark(made: Bench) -> None:
    """Write something into the cluster that a snapshot has or has not."""
    with made.world.edit("clusters/sim") as document:
        document["nodes"]["hcloud-1"]["metadata"]["labels"]["mark"] = "yes"


def is_whole(made: Bench) -> None:
    """One cluster of three voters that is healthy on every server."""
    assert made.world.names("clusters") == ("clusters/sim",)
    members = made.world.read("clusters/sim")["members"]
    assert {name: member["learner"] for name, member in members.items()} == dict.fromkeys(SERVERS, False)
    hosts = json.loads(made.run("status").out)["hosts"]
    assert {name: host["healthy"] for name, host in hosts.items()} == dict.fromkeys(SERVERS, True)


class TestSnapshot:
    def test_one_is_saved_and_all_are_listed_with_their_places(self, trio: Bench) -> None:
        with_bucket(trio)
        name = saved(trio)
        found = json.loads(trio.run("snapshot").out)
        assert found["saved"] is None
        assert {(one["name"], one["where"]) for one in found["snapshots"]} == {(name, "hcloud-1"), (name, "bucket")}

    def test_snapshots_on_disks_are_listed_while_nothing_runs(self, trio: Bench) -> None:
        name = saved(trio)
        lose(trio, *SERVERS)
        found = json.loads(trio.run("snapshot").out)["snapshots"]
        assert [(one["name"], one["where"]) for one in found] == [(name, "hcloud-1")]
        refused = trio.run("snapshot", NIXFLEET_SNAPSHOT="now")
        assert (refused.code, "no server saved etcd: hcloud-1: " in refused.last) == (6, True)


class TestRestore:
    def test_all_data_lost_comes_back_on_every_server_and_no_snapshot_goes(self, trio: Bench) -> None:
        name = saved(trio)
        mark(trio)
        lose(trio, *SERVERS)
        done = trio.run("restore", NIXFLEET_SNAPSHOT=name)
        assert done.code == 0, done.err
        is_whole(trio)
        assert "mark" not in trio.world.read("clusters/sim")["nodes"]["hcloud-1"]["metadata"]["labels"]
        assert (root(trio, "hcloud-1") / DATA / "snapshots" / name).exists()
        assert not list(root(trio, "hcloud-2").glob("etc/rancher/k3s/config.yaml.d/91-*"))

    def test_a_snapshot_on_a_server_that_is_no_seed_forms_no_second_cluster(self, trio: Bench) -> None:
        """k3s refuses a reset while its configuration names a server to join, which a seed's alone does not."""
        name = saved(trio)
        source, target = (root(trio, host) / DATA / "snapshots" for host in ("hcloud-1", "hcloud-2"))
        target.mkdir()
        shutil.move(source / name, target / name)
        lose(trio, *SERVERS)
        done = trio.run("restore", NIXFLEET_SNAPSHOT=name)
        assert (done.code, "hcloud-2: reset: serves" in done.err, "hcloud-1: join: is a member" in done.err) == (
            0,
            True,
            True,
        ), done.err
        is_whole(trio)

    def test_one_in_the_bucket_needs_no_server_s_disk_and_its_credential_is_no_argument(self, trio: Bench) -> None:
        with_bucket(trio)
        name = saved(trio)
        lose(trio, *SERVERS)
        shutil.rmtree(root(trio, "hcloud-1") / DATA / "snapshots")
        done = trio.run("restore", NIXFLEET_SNAPSHOT=name, NIXFLEET_FROM="bucket")
        assert done.code == 0, done.err
        is_whole(trio)
        assert not [event for event in trio.world.events() if "secret-1234" in f"{event.step} {event.detail}"]
        assert not [path for host in SERVERS for path in root(trio, host).glob("run/nixfleet/restore*")]

    def test_servers_that_are_gone_for_good_are_named_and_left_out(self, trio: Bench) -> None:
        name = saved(trio)
        for host in ("hcloud-2", "hcloud-3"):
            trio.rack.power(trio.machine(host).spec.id, on=False)
        refused = trio.run("restore", NIXFLEET_SNAPSHOT=name)
        assert (refused.code, refused.last.startswith("hostops: sim: restore: failed: servers with the old data")) == (
            3,
            True,
        )
        assert refused.last.endswith("name those that are gone for good: LOST='hcloud-2 hcloud-3'")
        done = trio.run("restore", NIXFLEET_SNAPSHOT=name, NIXFLEET_LOST="hcloud-2 hcloud-3")
        assert done.code == 0, done.err
        assert set(trio.world.read("clusters/sim")["members"]) == {"hcloud-1"}

    def test_a_cluster_that_works_is_replaced_on_purpose_only(self, trio: Bench) -> None:
        name = saved(trio)
        mark(trio)
        refused = trio.run("restore", NIXFLEET_SNAPSHOT=name)
        text = (
            "the cluster works (served by hcloud-1, hcloud-2, hcloud-3): what was written since the snapshot would be "
            "lost; nothing was changed; if that is meant: OVER=yes"
        )
        assert (refused.code, refused.last) == (3, f"hostops: sim: restore: failed: {text}")
        assert trio.run("restore", NIXFLEET_SNAPSHOT=name, NIXFLEET_OVER="yes").code == 0
        is_whole(trio)
        assert "mark" not in trio.world.read("clusters/sim")["nodes"]["hcloud-1"]["metadata"]["labels"]

    def test_a_run_that_was_killed_begins_again_from_the_snapshot(self, trio: Bench) -> None:
        name = saved(trio)
        lose(trio, *SERVERS)
        trio.fault("hcloud-2", "systemctl start", "hang")
        process = trio.start("restore", NIXFLEET_SNAPSHOT=name)
        wait_for(lambda: not any(fault["times"] for fault in trio.world.read("faults").get("faults", [])), 60)
        process.kill()
        process.communicate()
        done = trio.run("restore", NIXFLEET_SNAPSHOT=name, NIXFLEET_OVER="yes")
        assert done.code == 0, done.err
        is_whole(trio)

    @pytest.mark.parametrize(
        ("environment", "text"),
        [
            ({}, "no snapshot is named; make snapshot LIST=yes STACK=sim lists them"),
            (
                {"NIXFLEET_SNAPSHOT": "nothing"},
                "there is no snapshot nothing on any server's disk; nothing was changed; FROM=bucket takes it "  # noqa: ISC004 - one text
                "from the bucket; make snapshot LIST=yes STACK=sim lists them",
            ),
            (
                {"NIXFLEET_SNAPSHOT": "x", "NIXFLEET_LOST": "hcloud-2"},
                "LOST names hcloud-2, which answers; leave it out: it joins the restored cluster",
            ),
        ],
    )
    def test_what_cannot_be_restored_changes_nothing(self, environment: dict[str, str], text: str, trio: Bench) -> None:
        refused = trio.run("restore", **environment)
        assert refused.last == f"hostops: sim: restore: failed: {text}"
        is_whole(trio)


def test_the_bucket_s_secrets_travel_in_a_file_that_goes(fakes: Fakes) -> None:
    fakes.write("etc/rancher/k3s/config.yaml", "etcd-s3: true\nnode-name: a\nserver: https://10.0.0.1:6443\n")
    fakes.command("systemd-run", f"cat {fakes.root}/run/nixfleet/restore.yaml >{fakes.root}/seen")
    lines = script("restore", act="reset", bucket="etcd-s3-secret-key: hunter2\n", seconds="1", server="", snapshot="s")
    assert fakes.feed(lines).facts == {"restore": "1", "resetting": "s"}
    assert (fakes.root / "seen").read_text() == "node-name: a\netcd-s3-secret-key: hunter2\n\n"
    assert not [line for line in fakes.commands if "hunter2" in line]
    assert (fakes.root / "run/nixfleet/restore.yaml").stat().st_mode & 0o777 == 0o600

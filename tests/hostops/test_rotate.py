"""New tokens, host keys and certificates on running hosts: nothing is installed, and a killed run goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fleet.keys.authority import authority_hash, join_token, new_authority
from fleet.keys.pairs import another_host_key, authority_of, other_tokens
from hostops.keyring import fingerprint, public_half
from tests.hostops.bench import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hostops.bench import Bench
    from tests.hostops.fakes import Fakes

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
            **authority_of(new),
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
        kept = join_token(new.authority, "server", new.server_token)
        assert [secret(trio, host, "server-token") for host in SERVERS] == [kept] * 3
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
        own = trio.ring.cluster
        assert secret(trio, "hcloud-1", "server-token") == join_token(own.authority, "server", own.server_token)


class TestAuthority:
    """Joins check whose cluster it is: tokens name the authority that the stack has, and the running cluster too."""

    def test_the_cluster_has_the_one_that_was_made_before_any_machine(self, trio: Bench) -> None:
        own = trio.ring.cluster
        assert trio.world.read("clusters/sim")["authority"]["certificate"] == own.authority
        assert secret(trio, "hcloud-2", "server-token").startswith(f"K10{authority_hash(own.authority)}::server:")
        assert secret(trio, "hcloud-2", "agent-token").startswith(f"K10{authority_hash(own.authority)}::node:")
        told = json.loads(trio.run("authority").out)
        assert told == {"authority": own.authority, "authorityKey": own.authority_key}

    def test_tokens_of_another_one_are_never_written(self, trio: Bench) -> None:
        certificate, key = new_authority()
        before = secret(trio, "hcloud-2", "server-token")
        trio.ring.cluster = trio.ring.cluster.model_copy(update={"authority": certificate, "authority_key": key})
        refused = trio.run("switch", "hcloud-2")
        text = (
            "hcloud-2 runs in a cluster whose authority is another one than the stack's, and no token of the stack "
            "fits there: nothing was written; put the old nixfleet:clusterKeys back into the stack file (git has "
            "them), then run again"
        )
        assert (refused.code, refused.last) == (3, f"hostops: hcloud-2: secrets: failed: {text}")
        trio.more = {"formerServerToken": trio.ring.cluster.server_token, **trio.secrets("hcloud-1")}
        refused = trio.run("tokens")
        assert (refused.code, refused.last) == (
            3,
            f"hostops: sim: secrets: failed: {text.replace('hcloud-2', 'hcloud-1')}",
        )
        assert secret(trio, "hcloud-2", "server-token") == before

    def test_keys_of_before_go_on_and_learn_the_running_one(self, trio: Bench) -> None:
        """Bare tokens work as they did; a rotation brings long ones, and nothing else of the cluster changes."""
        own = trio.ring.cluster
        trio.more = {"serverToken": own.server_token, "agentToken": own.agent_token}
        trio.ring.cluster = own.model_copy(update={"authority": "", "authority_key": ""})
        for host in SERVERS:
            root: Path = trio.world.root / "machines" / trio.machine(host).spec.id / "root/etc/nixfleet/secrets"
            (root / "server-token").write_text(f"{own.server_token}\n")
            (root / "agent-token").write_text(f"{own.agent_token}\n")
            trio.rack.reboot(trio.machine(host).spec.id)
        assert healthy(trio)
        new = other_tokens(trio.ring.cluster).model_copy(update=renamed(json.loads(trio.run("authority").out)))
        trio.more = {
            "serverToken": new.server_token,
            "agentToken": new.agent_token,
            "formerServerToken": own.server_token,
            **authority_of(new),
        }
        done = trio.run("tokens")
        assert done.code == 0, done.err
        assert secret(trio, "hcloud-3", "server-token") == join_token(own.authority, "server", new.server_token)
        trio.more = {}
        assert healthy(trio)


def renamed(told: dict[str, str]) -> dict[str, str]:
    """What the verb authority prints, by the names of the stack's keys."""
    return {"authority": told["authority"], "authority_key": told["authorityKey"]}


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

    def test_a_host_that_has_lost_its_key_takes_one_once_somebody_has_read_the_other_there(self, trio: Bench) -> None:
        """Whoever answers with another key is refused, also whoever answers with another one than was read."""
        fresh, strange = another_host_key(trio.ring.hosts["hcloud-2"]), another_host_key(trio.ring.hosts["hcloud-2"])
        path = trio.world.root / "machines" / trio.machine("hcloud-2").spec.id / "root/etc/ssh/ssh_host_ed25519_key"
        path.write_text(strange.host_key)
        trio.rack.reboot(trio.machine("hcloud-2").spec.id)
        trio.more = {"hostKey": fresh.host_key}
        unknown = trio.run("hostkey", "hcloud-2")
        assert (unknown.code, "another machine answered" in unknown.last) == (4, True)
        shown, other = (fingerprint(public_half(keys.host_key)) for keys in (strange, fresh))
        refused = trio.run("hostkey", "hcloud-2", NIXFLEET_SEEN=other)
        text = f" shows {shown}, and {other} was seen on hcloud-2; read it again there: ssh-keygen -lf "
        assert (refused.code, text in refused.last, path.read_text()) == (3, True, strange.host_key)
        done = trio.run("hostkey", "hcloud-2", NIXFLEET_SEEN=shown)
        assert (done.code, path.read_text().strip()) == (0, fresh.host_key.strip()), done.err

    def test_where_etc_is_mounted_over_both_places_have_the_new_key(self, fakes: Fakes) -> None:
        """The key on /persist is the next boot's; what is mounted over it is what sshd reads now."""
        for place in ("etc/ssh", "persist/etc/ssh"):
            fakes.write(f"{place}/ssh_host_ed25519_key", "old\n")
            fakes.write(f"{place}/ssh_host_ed25519_key.pub", "old\n")
        mounted = (fakes.root / "etc/ssh/ssh_host_ed25519_key").stat().st_ino
        fakes.command("systemctl", "exit 0")
        said = fakes.run("hostkey", private="PRIVATE", public="PUBLIC")
        assert (said.status, said.facts) == (0, {"hostkey": "written"}), said.error
        for place in ("etc/ssh", "persist/etc/ssh"):
            assert (fakes.root / place / "ssh_host_ed25519_key").read_text() == "PRIVATE\n"
            assert (fakes.root / place / "ssh_host_ed25519_key.pub").read_text() == "PUBLIC\n"
        assert (fakes.root / "persist/etc/ssh/ssh_host_ed25519_key").stat().st_mode & 0o777 == 0o600
        # A mount point is written to, and never replaced.
        assert (fakes.root / "etc/ssh/ssh_host_ed25519_key").stat().st_ino == mounted
        assert fakes.commands == ["systemctl restart sshd.service"]


class TestRun:
    def test_a_persons_command_runs_as_root_and_its_failure_is_told(self, trio: Bench) -> None:
        done = trio.run("run", "hcloud-2", NIXFLEET_RUN="hostname; nix-collect-garbage -d")
        assert (done.code, done.out) == (0, "hcloud-2\n512 store paths deleted, 2048.00 MiB freed\n")
        failed = trio.run("run", "hcloud-2", NIXFLEET_RUN="echo 'so it is' >&2; exit 3")
        text = "hostops: hcloud-2: run: failed: the command ended with status 3; what it said is above"
        assert (failed.code, failed.err.splitlines()[-2:]) == (6, ["so it is", text])
        usage = trio.run("run", "hcloud-2")
        assert usage.last == "hostops: hcloud-2: run: failed: no command is given: make run HOST=NAME RUN='...'"
        # A disk that is full has room after that.
        trio.rack.fill(trio.machine("hcloud-2").spec.id, full=True)
        full = trio.run("run", "hcloud-2", NIXFLEET_RUN="nix-env -p /nix/var/nix/profiles/system --list-generations")
        assert (full.code, "No space left on device" in full.err) == (6, True)
        assert trio.run("run", "hcloud-2", NIXFLEET_RUN="nix-collect-garbage --delete-older-than 14d").code == 0
        assert not trio.machine("hcloud-2").full


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

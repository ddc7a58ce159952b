"""The parts without a host: secrets, journal, processes, the call's environment, the private folder, kubeconfigs."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from fleet.cluster import Rollout
from fleet.durations import told, verb_seconds
from fleet.keys.authority import new_authority
from fleet.keys.pairs import new_cluster_keys
from hostops import process
from hostops.__main__ import VERBS
from hostops.failure import Code, Failure
from hostops.journal import Journal
from hostops.keyring import Secrets, fingerprint, public_half
from hostops.kubeconfig import rename
from hostops.task import ROOT, Limits, load_contract, read_peers
from hostops.workspace import Workspace

if TYPE_CHECKING:
    from fleet.contract.facts import Contract


@pytest.fixture(scope="module")
def sim() -> Contract:
    """The contract of the checkout's stack `sim`."""
    return load_contract("sim", {})


@pytest.fixture(scope="module")
def key() -> str:
    """A private key."""
    return new_cluster_keys().deploy_key


WRONG = (
    "; give one object with the keys deployKey, formerDeployKey, hostKey, wireguardKey, serverToken, agentToken, "
    "formerServerToken, authority, authorityKey, bucketAccessKey, bucketSecretKey, late as needed, "
    'for example {"deployKey": "-----BEGIN ..."}'
)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("hunter2-hunter2", "stdin is no JSON"),
        ('["hunter2"]', "stdin is no JSON object of strings"),
        ('{"deployKey": 5}', "stdin is no JSON object of strings"),
        ('{"deploykey": "hunter2"}', "stdin has the unknown key 'deploykey'"),
    ],
)
def test_secrets_that_cannot_be_read_are_not_repeated(text: str, what: str) -> None:
    with pytest.raises(Failure) as caught:
        Secrets.read(text)
    assert (caught.value.code, caught.value.text) == (Code.USAGE, what + WRONG)


def test_secrets_that_a_verb_needs_are_named() -> None:
    with pytest.raises(Failure) as caught:
        Secrets.read('{"deployKey": "x"}').need("deployKey", "hostKey", "agentToken")
    assert caught.value.text == "stdin lacks hostKey, agentToken" + WRONG


def test_secrets_have_no_representation() -> None:
    assert repr(Secrets(deploy_key="hunter2")) == "Secrets(...)"


def test_tokens_name_the_authority_where_the_stack_has_one() -> None:
    """k3s reads `K10HASH::USER:PASSWORD`; only servers have what forms a cluster."""
    certificate, key = new_authority()
    stdin = {"serverToken": "s", "agentToken": "a", "authority": certificate, "authorityKey": key}
    secrets = Secrets.read(json.dumps(stdin))
    digest = hashlib.sha256(certificate.encode()).hexdigest()
    assert secrets.on_host("agent") == {"agent-token": f"K10{digest}::node:a\n"}
    assert secrets.on_host("server") == {
        "agent-token": f"K10{digest}::node:a\n",
        "server-ca": certificate,
        "server-ca-key": key,
        "server-token": f"K10{digest}::server:s\n",
    }


def test_an_agent_gets_no_server_token() -> None:
    secrets = Secrets.read('{"serverToken": "s", "agentToken": "a", "wireguardKey": "w"}')
    assert secrets.on_host("agent") == {"agent-token": "a\n", "wireguard-key": "w\n"}
    assert set(secrets.on_host("server")) == {"agent-token", "server-token", "wireguard-key"}


def test_public_half_and_fingerprint_are_openssh_s(tmp_path: Path, key: str) -> None:
    path = tmp_path / "key"
    path.write_text(key)
    path.chmod(0o600)
    public = subprocess.run(["ssh-keygen", "-y", "-f", path], capture_output=True, text=True, check=True).stdout
    (tmp_path / "key.pub").write_text(public)
    shown = subprocess.run(["ssh-keygen", "-l", "-f", tmp_path / "key.pub"], capture_output=True, text=True, check=True)
    assert public_half(key) == " ".join(public.split()[:2])
    assert fingerprint(public_half(key)) == shown.stdout.split()[1]
    assert [public_half(text) for text in ("", "nonsense", "QUJD")] == ["", "", ""]


def test_the_journal_blots_out_secrets_and_control_characters(capsys: pytest.CaptureFixture[str], key: str) -> None:
    journal = Journal()
    journal.conceal([key, "token-of-the-cluster", "short"])
    line = key.splitlines()[1]
    journal.say("a", "kexec", f"{line} and token-of-the-cluster, \x1b[31mred\x07, short")
    assert capsys.readouterr().err == "hostops: a: kexec: (secret) and (secret), red, short\n"


def test_a_child_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with pytest.raises(process.TooLong):
        process.run(["sh", "-c", f"sleep 60 & echo $! >{note}; wait"], seconds=0.5)
    child = int(note.read_text())
    deadline = time.monotonic() + 5
    while Path(f"/proc/{child}/status").exists() and time.monotonic() < deadline:
        if "State:\tZ" in Path(f"/proc/{child}/status").read_text():
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{child}").exists()


def test_a_followed_child_hands_over_its_lines_and_has_a_limit() -> None:
    lines: list[str] = []
    assert process.follow(["sh", "-c", "echo one; echo two >&2; exit 3"], seconds=5, line=lines.append) == 3
    assert sorted(lines) == ["one", "two"]
    with pytest.raises(process.TooLong):
        process.follow(["sleep", "60"], seconds=0.3, line=lines.append)


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        ({"NIXFLEET_PEERS": "nonsense"}, "NIXFLEET_PEERS is no JSON object of peers"),
        ({"NIXFLEET_PEERS": '{"a": "192.0.2.1"}'}, "NIXFLEET_PEERS is no JSON object of peers"),
        ({"NIXFLEET_PEERS": "[]"}, "NIXFLEET_PEERS is no JSON object of peers"),
    ],
)
def test_peers_that_cannot_be_read_are_refused(environment: dict[str, str], text: str) -> None:
    with pytest.raises(Failure) as caught:
        read_peers(environment, None)
    law = 'give an object such as {"node-1": {"endpoint": "192.0.2.7"}}'
    assert (caught.value.code, caught.value.text) == (Code.USAGE, f"{text}; {law}")


def test_the_address_of_the_call_wins_over_the_peers() -> None:
    environment = {"NIXFLEET_PEERS": '{"a": {"endpoint": "192.0.2.1"}, "b": {}}', "NIXFLEET_ADDRESS": "192.0.2.9"}
    assert read_peers(environment, "a") == {"a": "192.0.2.9"}
    assert read_peers(environment, None) == {"a": "192.0.2.1"}


def test_when_a_verb_s_time_is_over_every_wait_and_every_child_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_whole", [])
    monkeypatch.setattr(process, "LAST_SECONDS", 0)
    assert process.Deadline(60).seconds == 60
    process.end_within(0.2)
    wait = process.Deadline(60)
    assert wait.seconds <= 0.2
    with pytest.raises(process.TooLong):
        process.run(["sleep", "60"], seconds=60)
    with pytest.raises(process.TooLong):
        process.follow(["sleep", "60"], seconds=60, line=print)
    assert wait.over
    # What is left to do then, to let a node in again or to give a lease back, still may.
    monkeypatch.setattr(process, "LAST_SECONDS", 60)
    assert process.run(["true"], seconds=60).status == 0


def test_every_limit_that_a_verb_is_told_is_its_own_and_whole_seconds() -> None:
    odd = Rollout(copy_timeout_seconds=86001, drain_timeout_seconds=602, ready_timeout_seconds=903)
    for verb in VERBS:
        told_seconds = told(verb, odd, 7)
        read = Limits.read(told_seconds, verb, 1)
        assert (read.copy, read.drain, read.ready, read.whole) == (86001, 602, 903, verb_seconds(odd, 7)[verb])
        # Nobody said anything: as a stack file that says nothing.
        assert Limits.read({}, verb, 7) == Limits.read(told(verb, Rollout(), 7), verb, 1)
    for text in ("0", "1.5", "-1", "soon"):
        with pytest.raises(Failure) as caught:
            Limits.read({"NIXFLEET_READY_SECONDS": text}, "switch", 1)
        assert caught.value.text == f"NIXFLEET_READY_SECONDS is {text!r}; give whole seconds, 1 or more"


def test_a_contract_that_is_not_there_names_its_command(tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        load_contract("x", {"NIXFLEET_CONTRACTS": str(tmp_path)})
    path = tmp_path / "x.json"
    text = f"cannot read {path} (No such file or directory); make it with: make contract STACK=x"
    assert (caught.value.code, caught.value.text) == (Code.USAGE, text)


def test_a_contract_of_another_shape_or_stack_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{}")
    with pytest.raises(Failure) as caught:
        load_contract("x", {"NIXFLEET_CONTRACTS": str(tmp_path)})
    cure = "make it with: make contract STACK=x"
    assert caught.value.text == f"{path} is no contract (stack: Field required); {cure}"
    path.write_text((ROOT / "nix/fleet/sim.json").read_text())
    with pytest.raises(Failure) as caught:
        load_contract("x", {"NIXFLEET_CONTRACTS": str(tmp_path)})
    assert caught.value.text == f"{path} is the contract of stack 'sim'; {cure}"


def test_the_private_folder_is_private_and_goes_away(sim: Contract, key: str) -> None:
    with Workspace(sim, key, None) as workspace:
        folder = workspace.folder
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(workspace.key.stat().st_mode) == 0o600
        assert len(str(workspace.fresh("s"))) < 80
    assert not folder.exists()


def test_the_shim_pins_before_any_option_of_a_tool(sim: Contract, key: str) -> None:
    """What `ssh -G` makes of a tool's own `StrictHostKeyChecking=no`: nothing."""
    host = min(sim.hosts)
    with Workspace(sim, key, "/dev/null") as workspace:
        shim = workspace.shim(host, bootstrap=True)
        asked = subprocess.run(
            ["ssh", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-G", "root@192.0.2.1"],
            env={**os.environ, "PATH": f"{shim}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=True,
        )
        options = dict(line.split(" ", 1) for line in asked.stdout.splitlines() if " " in line)
        known = Path(options["userknownhostsfile"]).read_text()
    entry = sim.hosts[host]
    assert options["stricthostkeychecking"] in ("true", "yes")
    assert (options["hostkeyalias"], options["batchmode"], options["identitiesonly"]) == (host, "yes", "yes")
    assert known == f"{host} {entry.host_key}\n{host} {entry.bootstrap_key}\n"


def test_only_the_installed_key_is_known_once_a_host_is_installed(sim: Contract, key: str) -> None:
    host = min(sim.hosts)
    with Workspace(sim, key, None) as workspace:
        assert workspace.known_hosts(host, bootstrap=False).read_text() == f"{host} {sim.hosts[host].host_key}\n"


K3S = {
    "clusters": [
        {"name": "default", "cluster": {"server": "https://127.0.0.1:6443", "certificate-authority-data": "CA"}}
    ],
    "users": [{"name": "default", "user": {"client-certificate-data": "CERT", "client-key-data": "KEY"}}],
}


def test_a_kubeconfig_names_the_cluster_and_its_endpoint() -> None:
    made = yaml.safe_load(
        rename(json.dumps(K3S), "lab", {"server": "https://192.0.2.1:6443", "tls-server-name": "api"})
    )
    assert made == {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "lab",
                "cluster": {
                    "server": "https://192.0.2.1:6443",
                    "tls-server-name": "api",
                    "certificate-authority-data": "CA",
                },
            }
        ],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
        "current-context": "lab",
        "preferences": {},
        "users": [{"name": "lab", "user": {"client-certificate-data": "CERT", "client-key-data": "KEY"}}],
    }


@pytest.mark.parametrize("text", ["", "[]", "clusters: []", json.dumps({**K3S, "users": []})])
def test_what_is_no_kubeconfig_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match=r"^no kubeconfig with one cluster and one client certificate$"):
        rename(text, "lab", {"server": "x"})


def hostops(*argv: str, stdin: str = "{}") -> tuple[int, str, str]:
    ended = subprocess.run(
        [sys.executable, "-m", "hostops", *argv], input=stdin, capture_output=True, text=True, check=False, cwd=ROOT
    )
    return ended.returncode, ended.stdout, ended.stderr


def test_bad_calls_end_with_one_message_and_code_2() -> None:
    code, out, err = hostops("install", "--stack", "sim", "--host", "nobody")
    assert (code, out) == (2, "")
    assert err.startswith("hostops: nobody: contract: failed: stack sim has no host 'nobody'; its hosts are hcloud-1")
    code, _, err = hostops("switch", "--stack", "sim", "--host", "hcloud-1")
    assert (code, err) == (2, f"hostops: hcloud-1: secrets: failed: stdin lacks deployKey{WRONG}\n")
    code, _, err = hostops("switch", "--stack", "sim")
    assert (code, err.splitlines()[-1]) == (2, "hostops: error: switch needs --host")
    code, _, err = hostops("switch", "--stack", "sim", "--host", "hcloud-1", stdin='{"deployKey": "x"}')
    cure = "its cloud gives the address; pass it as NIXFLEET_ADDRESS, or by host in NIXFLEET_PEERS"
    assert (code, err) == (2, f"hostops: hcloud-1: look: failed: no address of hcloud-1 is known; {cure}\n")

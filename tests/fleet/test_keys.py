"""Keys: their forms, what is missing, and what `make keys` writes with the real CLI."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key, load_ssh_public_key

from fleet import stackfile
from fleet.faults import FleetError
from fleet.files import read_text, write_whole
from fleet.keys import encryption, keystore
from fleet.keys.age import bech32, montgomery, recipient
from fleet.keys.encryption import EncryptionError, Vault, find_cli
from fleet.keys.keystore import complete, plan
from fleet.keys.pairs import CLUSTER_KEY, deploy_public, host_config_key, host_identity, make_identities, read_secret
from fleet.laws.identities import identity_faults

PASSPHRASE = re.findall(r"^SIM_PASSPHRASE := (\S+)$", read_text(stackfile.ROOT / "Makefile"), re.MULTILINE)[0]
ENVIRONMENT = os.environ | {"PULUMI_CONFIG_PASSPHRASE": PASSPHRASE}


def test_bech32_is_that_of_bip_173() -> None:
    assert bech32("a", b"") == "a12uel5l"
    program = bytes.fromhex("751e76e8199196d454941c45d1b3a323f1433bd6")
    words = bech32("bc", program)
    # The same 20 bytes as the address of BIP 173, which has the witness version before them.
    assert words.startswith("bc1w508d6qejxtdg4y5r3zarvary0c5xw7k")


def test_the_age_recipient_is_the_x25519_form_of_the_same_key() -> None:
    for seed in (bytes(32), bytes(range(32)), hashlib.sha256(b"x").digest()):
        public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        # The X25519 private key of an ed25519 seed is the first half of its SHA-512, which X25519 clamps.
        twin = X25519PrivateKey.from_private_bytes(hashlib.sha512(seed).digest()[:32])
        assert montgomery(public) == twin.public_key().public_bytes_raw()


def test_a_recipient_has_the_form_of_age() -> None:
    identities, _ = make_identities(["a"])
    assert recipient(identities.deploy_key).startswith("age1")
    assert len(recipient(identities.deploy_key)) == 62


def test_a_fresh_set_is_whole_and_every_key_is_its_own() -> None:
    identities, secrets = make_identities(["b", "a"])
    assert sorted(identities.hosts) == ["a", "b"]
    assert sorted(secrets) == [CLUSTER_KEY, host_config_key("a"), host_config_key("b")]
    assert list(identity_faults(identities)) == []
    cluster = json.loads(secrets[CLUSTER_KEY])
    assert sorted(cluster) == ["agentToken", "authority", "authorityKey", "deployKey", "serverToken"]
    assert cluster["agentToken"] != cluster["serverToken"]
    assert len(bytes.fromhex(cluster["serverToken"])) == 32


def test_private_halves_belong_to_the_public_ones() -> None:
    identities, secrets = make_identities(["a"])
    private = json.loads(secrets[host_config_key("a")])
    for word, public in (
        ("hostKey", identities.hosts["a"].host_key),
        ("bootstrapKey", identities.hosts["a"].bootstrap_key),
    ):
        signature = load_ssh_private_key(private[word].encode(), None).sign(b"x")  # type: ignore[call-arg]
        load_ssh_public_key(public.encode()).verify(signature, b"x")  # type: ignore[call-arg]
    twin = X25519PrivateKey.from_private_bytes(base64.b64decode(private["wireguardKey"])).public_key()
    assert base64.b64encode(twin.public_bytes_raw()).decode() == identities.hosts["a"].wireguard_key


def test_shared_and_mismatched_public_halves_are_refused() -> None:
    identities, _ = make_identities(["a", "b"])
    twin = identities.hosts["b"].model_copy(update={"bootstrap_key": identities.hosts["a"].host_key})
    swapped = twin.model_copy(update={"age_recipient": identities.hosts["a"].age_recipient})
    broken = identities.model_copy(update={"hosts": {"a": identities.hosts["a"], "b": swapped}})
    assert [str(fault) for fault in identity_faults(broken)] == [
        (
            f"nixfleet:identities.hosts.b.bootstrapKey: {identities.hosts['a'].host_key}: "
            "it is nixfleet:identities.hosts.a.hostKey already; "
            "remove nixfleet:identities.hosts.b on purpose to get new keys from make keys"
        ),
        (
            f"nixfleet:identities.hosts.b.ageRecipient: {identities.hosts['a'].age_recipient}: "
            f"the recipient is the host key in another form; write {identities.hosts['b'].age_recipient}"
        ),
    ]


# --- what is missing


def _private(*hosts: str) -> frozenset[str]:
    return frozenset({CLUSTER_KEY, *(host_config_key(host) for host in hosts)})


def test_nothing_is_planned_for_a_whole_set() -> None:
    identities, _ = make_identities(["a", "b"])
    assert not plan(("a", "b"), identities, _private("a", "b"), "x")


def test_a_new_host_gets_keys_and_nobody_else() -> None:
    identities, _ = make_identities(["a"])
    todo = plan(("a", "b"), identities, _private("a"), "x")
    assert (todo.new_hosts, todo.new_cluster, todo.restored, todo.dropped) == (("b",), False, (), ())


def test_an_example_set_is_replaced_as_a_whole() -> None:
    identities, _ = make_identities(["a", "gone"])
    example = identities.model_copy(update={"example": True})
    todo = plan(("a",), example, frozenset(), "x")
    assert (todo.new_hosts, todo.new_cluster, todo.dropped) == (("a",), True, ("a", "gone"))
    assert todo.lines() == (
        "the example keys are replaced",
        "made the cluster's tokens and deploy key",
        "made the keys of a",
    )


def test_public_halves_without_private_ones_are_refused_all_at_once() -> None:
    identities, _ = make_identities(["a", "b"])
    with pytest.raises(FleetError) as caught:
        plan(("a", "b"), identities, frozenset({host_config_key("b")}), "Pulumi.x.yaml")
    assert str(caught.value) == (
        "Pulumi.x.yaml has 2 faults:\n"
        "  nixfleet:clusterKeys: absent: the public deploy key has its private half and the tokens beside it; "
        "restore the secret, or remove nixfleet:identities as a whole on purpose to start over\n"
        "  nixfleet:keys-a: absent: the public half of a has its private half beside it; "
        "restore the secret, or remove nixfleet:identities.hosts.a on purpose to get new keys "
        "(the host is then unknown until it is installed again)"
    )


def test_private_halves_without_public_ones_are_not_made_again() -> None:
    todo = plan(("a",), None, _private("a"), "x")
    assert (todo.new_hosts, todo.new_cluster) == ((), False)
    assert todo.restored == (CLUSTER_KEY, host_config_key("a"))


# --- with the real CLI


TINY = """\
# A comment at the top.
config:
  pulumi:disable-default-providers: ["*"]
  nixfleet:fleet:
    cluster: {name: tiny, seed: n1}
    endpoint: {kind: virtualIp, name: api.tiny.example.net, address: 192.168.1.10} # a comment at the end of a line
    network: {kind: profile, profile: simple}
    firewall: {adminRanges: [192.168.1.0/24]}
    users: {ada: {keys: {laptop: %s}}}
    addons: {longhorn: {enabled: false}, smokeTest: {enabled: false}}
    # A comment before the hosts.
    hosts:
      n1: %s
  nixfleet:identities:
# A comment before the next key.
  hcloud:example: 1
"""


def _entry(role: str, number: int) -> str:
    disk = f"{{device: /dev/disk/by-id/nvme-{number}, serial: S{number}, sizeGib: 465, layout: n100-standard}}"
    return f"{{kind: bare-metal, role: {role}, hardware: n100, address: 192.168.1.{number}, disk: {disk}}}"


def _checkout(folder: Path) -> Path:
    shutil.copytree(stackfile.ROOT / "nix/network", folder / "nix/network")
    shutil.copy(stackfile.ROOT / "Pulumi.yaml", folder)
    identities = make_identities(["n1"])[0].model_copy(update={"example": True})
    text = TINY % (identities.deploy_key, _entry("server", 11))
    write_whole(folder / "Pulumi.tiny.yaml", stackfile.replace_identities(text, identities, {}, {}))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with a small stack and its example keys."""
    return _checkout(tmp_path)


@pytest.fixture(scope="module")
def example_and_real(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The stack file with example keys, and a checkout that `make keys` has made real."""
    folder = _checkout(tmp_path_factory.mktemp("real"))
    before = _text(folder)
    complete("tiny", folder, ENVIRONMENT)
    return before, folder


@pytest.fixture
def real(example_and_real: tuple[str, Path], tmp_path: Path) -> Path:
    """A copy of that checkout."""
    return Path(shutil.copytree(example_and_real[1], tmp_path / "real"))


def _text(root: Path) -> str:
    return read_text(root / "Pulumi.tiny.yaml")


def _clear(root: Path) -> dict[str, str]:
    """All private halves of the stack's file."""
    path = root / "Pulumi.tiny.yaml"
    document = stackfile.document_of(path, _text(root))
    assert isinstance(document, dict)
    provider = {key: document[key] for key in encryption.PROVIDER_KEYS if key in document}
    ciphertexts = {key: document["config"][key]["secure"] for key in stackfile.secret_keys(document["config"])}
    with Vault("nixfleet", "tiny", provider, ENVIRONMENT) as vault:
        return vault.decrypt(ciphertexts)


def _remove(root: Path, key: str) -> None:
    from fleet.yamltext import set_config  # noqa: PLC0415 - what the user's editor does

    write_whole(root / "Pulumi.tiny.yaml", set_config(_text(root), key, None))


def test_example_keys_become_real_ones_and_every_comment_stays(example_and_real: tuple[str, Path]) -> None:
    before, root = example_and_real
    example = re.findall(r"(?:ssh-ed25519 |age1|wireguardKey: )(\S+)", before[before.index("  nixfleet:identities:") :])
    stack = stackfile.load("tiny", root)
    assert not stack.identities.example
    assert stack.secrets == _private(*stack.fleet.hosts)
    assert len(example) == 5
    assert not any(key in _text(root)[before.index("  nixfleet:identities:") :] for key in example)
    start, end = before.index("  nixfleet:identities:"), before.index("# A comment before the next key.")
    assert _text(root).startswith(before[:start])
    assert before[end:] in _text(root)
    clear = _clear(root)
    for host, identity in stack.identities.hosts.items():
        assert host_identity(read_secret(host, clear)) == identity
    assert deploy_public(read_secret(None, clear)) == stack.identities.deploy_key


def test_a_second_run_changes_no_byte(real: Path) -> None:
    before = _text(real)
    assert not complete("tiny", real, ENVIRONMENT)
    assert _text(real) == before


def test_a_host_that_was_added_gets_keys_and_the_others_keep_theirs(real: Path) -> None:
    before = stackfile.load("tiny", real).identities
    text = _text(real).replace("      n1:", f"      n2: {_entry('agent', 12)}\n      n1:", 1)
    write_whole(real / "Pulumi.tiny.yaml", text)
    assert complete("tiny", real, ENVIRONMENT).new_hosts == ("n2",)
    after = stackfile.load("tiny", real).identities
    assert {name: host for name, host in after.hosts.items() if name != "n2"} == before.hosts
    assert after.deploy_key == before.deploy_key
    assert sorted(_clear(real)) == sorted(_private(*after.hosts))


def test_public_halves_that_were_lost_are_derived_again(real: Path) -> None:
    before = _text(real)
    _remove(real, "nixfleet:identities")
    todo = complete("tiny", real, ENVIRONMENT)
    assert (todo.new_hosts, todo.new_cluster) == ((), False)
    after = _text(real)
    assert sorted(after.splitlines()) == sorted(before.splitlines())


def test_a_lost_private_half_stops_everything(real: Path) -> None:
    _remove(real, "nixfleet:keys-n1")
    before = _text(real)
    with pytest.raises(FleetError, match=r"nixfleet:keys-n1: absent"):
        complete("tiny", real, ENVIRONMENT)
    assert _text(real) == before


def test_a_wrong_passphrase_is_named_and_nothing_is_written(real: Path) -> None:
    _remove(real, "nixfleet:keys-n1")
    _remove(real, "nixfleet:identities")
    before = _text(real)
    with pytest.raises(EncryptionError) as caught:
        complete("tiny", real, ENVIRONMENT | {"PULUMI_CONFIG_PASSPHRASE": "guess"})
    assert str(caught.value) == (
        "the passphrase is not the one of stack tiny; set PULUMI_CONFIG_PASSPHRASE, "
        "or PULUMI_CONFIG_PASSPHRASE_FILE, to the one that its secrets were encrypted with"
    )
    assert _text(real) == before


def test_no_passphrase_is_named_and_nothing_is_written(root: Path) -> None:
    before = _text(root)
    environment = {key: value for key, value in ENVIRONMENT.items() if not key.startswith("PULUMI_CONFIG_PASSPHRASE")}
    with pytest.raises(EncryptionError) as caught:
        complete("tiny", root, environment)
    assert str(caught.value) == (
        "stack tiny encrypts its secrets with a passphrase and none is set; set PULUMI_CONFIG_PASSPHRASE or "
        "PULUMI_CONFIG_PASSPHRASE_FILE (a new stack: choose one and keep it)"
    )
    assert _text(root) == before


def test_being_killed_before_the_last_step_leaves_the_file_as_it_was(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _text(root)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        complete("tiny", root, ENVIRONMENT)
    assert _text(root) == before
    assert sorted(path.name for path in root.iterdir()) == ["Pulumi.tiny.yaml", "Pulumi.yaml", "nix"]
    monkeypatch.undo()
    complete("tiny", root, ENVIRONMENT)
    assert not stackfile.load("tiny", root).identities.example


def test_secrets_of_the_pulumi_service_are_left_alone(root: Path) -> None:
    write_whole(root / "Pulumi.tiny.yaml", _text(root) + "  hcloud:token:\n    secure: AAABAMG7\n")
    with pytest.raises(EncryptionError) as caught:
        complete("tiny", root, ENVIRONMENT)
    assert str(caught.value) == (
        "Pulumi.tiny.yaml has secrets but neither encryptionsalt nor secretsprovider: "
        "the Pulumi service encrypts them; run `pulumi stack change-secrets-provider passphrase` once, then this again"
    )


def test_private_halves_never_stand_in_a_command_line_or_in_the_file(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    run = subprocess.run

    def watched(argv: list[str], **options: object) -> object:
        seen.extend(argv)
        return run(argv, **options)  # type: ignore[call-overload]

    monkeypatch.setattr("fleet.keys.encryption.subprocess.run", watched)
    complete("tiny", root, ENVIRONMENT)
    monkeypatch.undo()
    assert seen
    words = " ".join([*seen, _text(root)])
    assert "PRIVATE KEY" not in words
    for secret in _clear(root).values():
        assert not any(value in words for value in json.loads(secret).values())


def test_the_keys_of_sim_open_with_the_passphrase_of_the_makefile() -> None:
    stack = stackfile.load("sim")
    assert not stack.identities.example
    document = stackfile.document_of(stack.path, read_text(stack.path))
    assert isinstance(document, dict)
    ciphertexts = {key: document["config"][key]["secure"] for key in sorted(stack.secrets)}
    with Vault("nixfleet", "sim", {"encryptionsalt": document["encryptionsalt"]}, ENVIRONMENT) as vault:
        clear = vault.decrypt(ciphertexts)
    for host, identity in stack.identities.hosts.items():
        assert host_identity(read_secret(host, clear)) == identity
    assert deploy_public(read_secret(None, clear)) == stack.identities.deploy_key


# --- finding the CLI


def test_the_cli_is_found_by_name_on_path_and_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path / "venv"))
    assert find_cli({"NIXFLEET_PULUMI": "/opt/pulumi"}) == "/opt/pulumi"
    for folder in ("path", "cache/nixfleet/pulumi-3.259.0", "venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
    environment = {"PATH": str(tmp_path / "path"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    with pytest.raises(EncryptionError) as caught:
        find_cli(environment)
    assert str(caught.value) == (
        "the Pulumi CLI was not found; run `make setup`, or name it with NIXFLEET_PULUMI=/path/to/pulumi"
    )
    for folder in ("cache/nixfleet/pulumi-3.259.0", "path", "venv/bin"):
        file = tmp_path / folder / "pulumi"
        file.touch(mode=0o755)
        assert find_cli(environment) == str(file)


def test_a_cli_that_cannot_be_run_is_named(root: Path) -> None:
    with pytest.raises(EncryptionError) as caught:
        complete("tiny", root, ENVIRONMENT | {"NIXFLEET_PULUMI": "/nonexistent/pulumi"})
    assert str(caught.value) == (
        "/nonexistent/pulumi cannot be run: No such file or directory; run `make setup`, or set NIXFLEET_PULUMI"
    )


def test_a_cli_that_hangs_is_given_up(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    slow.chmod(0o755)
    monkeypatch.setattr(encryption, "LIMIT_SECONDS", 0.2)
    with pytest.raises(EncryptionError) as caught:
        complete("tiny", root, ENVIRONMENT | {"NIXFLEET_PULUMI": str(slow)})
    assert str(caught.value) == "`pulumi stack init` did not end within 0.2 seconds; run it by hand to see why"


def test_another_refusal_of_the_cli_is_repeated(root: Path, tmp_path: Path) -> None:
    sick = tmp_path / "sick"
    sick.write_text("#!/bin/sh\necho 'error: no' >&2\nexit 255\n", encoding="utf-8")
    sick.chmod(0o755)
    with pytest.raises(EncryptionError) as caught:
        complete("tiny", root, ENVIRONMENT | {"NIXFLEET_PULUMI": str(sick)})
    assert str(caught.value) == "the Pulumi CLI refused: error: no"


def test_the_plan_is_false_only_when_nothing_is_missing() -> None:
    empty = keystore.Plan(new_hosts=(), restored=(), new_cluster=False, dropped=())
    assert not empty
    assert not empty.lines()

"""A preview without passphrase: when it is one, and what of a state it sees."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from hashlib import sha1
from typing import TYPE_CHECKING

import pytest

from fleet.contract.kubeconfig import certificate_authority
from operate.engine import Place
from operate.public import NOWHERE, PASSPHRASES, SECRET, SIGNATURE, blinded, is_public

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    for name in PASSPHRASES:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "Pulumi.lab.yaml").write_text("config: {}\nencryptionsalt: v1:abc\n")
    return Place(stack="lab", folder=tmp_path)


def test_it_is_one_where_no_passphrase_is_set(place: Place) -> None:
    assert is_public("preview", place)


@pytest.mark.parametrize("verb", ["up", "refresh", "destroy"])
def test_what_changes_something_never_is(verb: str, place: Place) -> None:
    assert not is_public(verb, place)


@pytest.mark.parametrize("name", PASSPHRASES)
def test_an_empty_passphrase_is_one_too(name: str, place: Place) -> None:
    assert not is_public("preview", replace(place, environment={name: ""}))


def test_secrets_that_a_key_service_opens_need_no_passphrase(place: Place) -> None:
    place.stack_file.write_text("config: {}\nsecretsprovider: gcpkms://key\nencryptedkey: abc\n")
    assert not is_public("preview", place)


def test_every_secret_of_a_state_is_a_stand_in_however_deep_it_is() -> None:
    hidden = {SIGNATURE: SECRET, "ciphertext": "v1:of-a-token"}
    state = {"resources": [{"inputs": {"stdin": hidden, "environment": {"A": "b"}}, "outputs": [hidden, 1, None]}]}
    told = json.dumps(blinded(state))
    assert "of-a-token" not in told
    assert json.loads(told) == {
        "resources": [
            {
                "inputs": {
                    "stdin": {SIGNATURE: SECRET, "plaintext": json.dumps(NOWHERE)},
                    "environment": {"A": "b"},
                },
                "outputs": [{SIGNATURE: SECRET, "plaintext": json.dumps(NOWHERE)}, 1, None],
            }
        ]
    }


def test_the_stand_in_is_a_kubeconfig_that_leads_nowhere() -> None:
    """One of the secrets is what the Kubernetes provider is configured with, and the program reads its authority."""
    assert certificate_authority(NOWHERE)
    assert json.loads(NOWHERE)["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:1"


def test_a_stand_in_has_the_form_that_its_reader_expects() -> None:
    def told(kind: str, side: str, key: str) -> object:
        hidden = {SIGNATURE: SECRET, "ciphertext": "x"}
        resource = {"urn": f"urn:pulumi:x::y::{kind}::z", "type": kind, side: {key: hidden}}
        return json.loads(blinded({"resources": [resource]})["resources"][0][side][key]["plaintext"])

    assert told("pulumi:providers:hcloud", "inputs", "token") == "0" * 64
    assert told("kubernetes:core/v1:Secret", "inputs", "stringData") == {"withheld": "d2l0aGhlbGQ="}
    server, instance = "hcloud:index/server:Server", "ovh:CloudProject/instance:Instance"
    assert told(server, "inputs", "userData") == told(instance, "outputs", "userData") == NOWHERE
    # Hetzner's plugin keeps a digest of what it was told, and compares digests.
    assert (
        told(server, "outputs", "userData")
        == b64encode(sha1(NOWHERE.encode(), usedforsecurity=False).digest()).decode()
    )

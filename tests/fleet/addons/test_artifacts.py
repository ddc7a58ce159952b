"""What comes from registries is named in one lock, and pulled by content where that is known."""

from __future__ import annotations

import hashlib
import io
import json
import urllib.error
from email.message import Message
from typing import TYPE_CHECKING, Any

import pytest

from fleet.addons import multus, pinned, smoke_test, storage_network
from fleet.addons.artifacts import Artifacts, names
from tests.components.stacks import inputs_of
from tools import artifacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

DIGEST = f"sha256:{'a' * 64}"
OTHER = f"sha256:{'b' * 64}"
IMAGE = smoke_test.IMAGE


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A lock that knows one digest."""
    path = tmp_path / "artifacts.json"
    path.write_text(json.dumps({"images": {IMAGE: DIGEST, storage_network.IMAGE: None}, "charts": {}}))
    monkeypatch.setattr(pinned, "LOCK", path)
    pinned._digests.cache_clear()  # noqa: SLF001 - it has read the project's own
    yield path
    pinned._digests.cache_clear()  # noqa: SLF001 - as above


def images_of(manifest: Any) -> Iterator[str]:
    if isinstance(manifest, dict):
        if isinstance(manifest.get("image"), str):
            yield manifest["image"]
        for value in manifest.values():
            yield from images_of(value)
    elif isinstance(manifest, list):
        for value in manifest:
            yield from images_of(value)


def test_the_lock_names_all_that_the_program_may_ask_for_and_nothing_else() -> None:
    """After a change of a version: `make lock`, on a machine that reaches the registries."""
    known = Artifacts.model_validate_json(pinned.LOCK.read_text())
    assert (set(known.images), set(known.charts)) == (set(names().images), set(names().charts))
    assert artifacts.rendered(known) == pinned.LOCK.read_text()


def test_no_name_moves_by_itself() -> None:
    for image in names().images:
        assert artifacts.parts(image)[2] not in {"", "latest", "master", "main", "stable"}


@pytest.mark.usefixtures("lock")
def test_a_known_content_is_what_nodes_pull() -> None:
    assert set(images_of(smoke_test.jobs(inputs_of("sim").fleet, storage_attachment=None))) == {f"{IMAGE}@{DIGEST}"}
    assert pinned.pinned(storage_network.IMAGE) == storage_network.IMAGE


@pytest.mark.usefixtures("lock")
def test_every_image_of_ours_goes_through_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (multus, smoke_test):
        monkeypatch.setattr(module, "pinned", lambda image: f"locked {image}")
    told = {
        *images_of(multus.daemon_set("v4.3.0")),
        *images_of(smoke_test.jobs(inputs_of("sim").fleet, storage_attachment=None)),
    }
    assert {image.split()[0] for image in told} == {"locked"}


class TestAsking:
    def test_who_does_not_answer_keeps_what_is_known_and_is_named(self) -> None:
        def ask(name: str) -> str:
            if name == "silent":
                raise OSError("no route to host")
            return OTHER

        told: list[str] = []
        assert artifacts.asked({"silent": DIGEST, "talks": DIGEST}, ask, told.append) == {
            "silent": DIGEST,
            "talks": OTHER,
        }
        assert told == [f"silent: keeps {DIGEST}, nobody answered: no route to host"]

    def test_another_content_behind_a_known_name_is_found(self) -> None:
        before = Artifacts(images={"a": DIGEST, "b": None}, charts={"c": DIGEST})
        after = Artifacts(images={"a": OTHER, "b": OTHER}, charts={"c": DIGEST})
        assert artifacts.changed(before, after) == ["a"]

    def test_a_registry_is_asked_for_the_index_with_the_token_that_it_wants(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[tuple[str, str]] = []

        def answer(url: str, headers: Mapping[str, str]) -> io.BytesIO:
            seen.append((url, headers.get("Authorization", "")))
            if "token?" in url:
                return io.BytesIO(b'{"token": "t"}')
            if "Authorization" not in headers:
                refusal = Message()
                refusal["WWW-Authenticate"] = (
                    'Bearer realm="https://auth.example.net/token",service="registry",scope="repository:a/b:pull"'
                )
                raise urllib.error.HTTPError(url, 401, "", refusal, None)
            return io.BytesIO(b"index")

        monkeypatch.setattr(artifacts, "_open", answer)
        digest = artifacts.image_digest("docker.io/a/b:1.0")
        assert digest == f"sha256:{hashlib.sha256(b'index').hexdigest()}"
        manifest = "https://registry-1.docker.io/v2/a/b/manifests/1.0"
        token = "https://auth.example.net/token?service=registry&scope=repository%3Aa%2Fb%3Apull"  # noqa: S105 - an address
        assert seen == [(manifest, ""), (token, ""), (manifest, "Bearer t")]

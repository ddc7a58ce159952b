"""A preview where nobody has the stack's passphrase, as for a pull request: of the file's public part alone.

The engine opens every secret of a stack file and of a state before it does anything. So it is given both without
secrets: in a folder and a backend of their own, which end with the preview. Nothing is decrypted, and nothing of the
stack is changed. What the program makes of it is components/withheld.py's matter.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pulumi.automation import CommandError

from operate.command import EngineCommand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from operate.engine import Place

PASSPHRASES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")
OWN = "nixfleet:"
"""Our own part of a stack file's configuration; the rest is the providers'."""

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the engine's mark of a secret in a state

NOWHERE = json.dumps(
    {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "withheld",
                "cluster": {"server": "https://127.0.0.1:1", "certificate-authority-data": "d2l0aGhlbGQ="},
            }
        ],
        "users": [{"name": "withheld", "user": {"token": "withheld"}}],
        "contexts": [{"name": "withheld", "context": {"cluster": "withheld", "user": "withheld"}}],
        "current-context": "withheld",
    },
    sort_keys=True,
)
"""What stands in a state for a secret: a kubeconfig that leads nowhere, as one of the secrets is a provider's."""

MAPS = ("data", "stringData")
"""Secrets that are maps of texts: the content of a Kubernetes Secret."""

HASHED = ("hcloud:index/server:Server", "outputs", "userData")
"""Where Hetzner's plugin keeps a digest: it compares that with the digest of the input (its `userDataHashSum`)."""

PROVIDER = "pulumi:providers:"

HCLOUD_TOKEN = "0" * 64
"""Hetzner's provider looks at a token's length before it does anything."""

CREDENTIALS = {
    "HCLOUD_TOKEN": HCLOUD_TOKEN,
    "OVH_APPLICATION_KEY": "withheld",
    "OVH_APPLICATION_SECRET": "withheld",
    "OVH_CONSUMER_KEY": "withheld",
    "OVH_ENDPOINT": "ovh-eu",
}
"""What providers want to see before they foretell; a preview asks no cloud."""

NO_STATE = "The state of stack {stack} cannot be read here, so everything counts as new: {cause}"


def is_public(verb: str, place: Place) -> bool:
    """Whether only the public part is at hand: a preview, secrets under a passphrase or none, and no passphrase."""
    if verb != "preview" or not place.stack_file.is_file():
        return False
    if any(name in {**os.environ, **place.environment} for name in PASSPHRASES):
        return False
    document = yaml.safe_load(place.stack_file.read_bytes())
    return isinstance(document, dict) and "secretsprovider" not in document


@contextmanager
def public_part(place: Place, tell: Callable[[str], object]) -> Iterator[Place]:
    """The stack without its secrets; `tell` hears what is not known of it."""
    state = _state(place, tell)
    with tempfile.TemporaryDirectory(prefix="nixfleet-public-") as base:
        folder, backend = Path(base) / "project", Path(base) / "state"
        folder.mkdir()
        backend.mkdir()
        shutil.copy(place.folder / "Pulumi.yaml", folder)
        alone = replace(
            place,
            folder=folder,
            environment={
                **{name: value for name, value in CREDENTIALS.items() if name not in os.environ},
                **place.environment,
                "PULUMI_BACKEND_URL": backend.as_uri(),
                # It guards stand-ins for an hour at most.
                PASSPHRASES[0]: secrets.token_hex(16),
            },
        )
        alone.stack_file.write_text(_without_secrets(place.stack_file.read_bytes()), encoding="utf-8")
        _call(alone, "stack", "init", alone.stack, "--no-select")
        if state:
            salt = yaml.safe_load(alone.stack_file.read_bytes())["encryptionsalt"]
            state["deployment"]["secrets_providers"] = {"type": "passphrase", "state": {"salt": salt}}
            (Path(base) / "state.json").write_text(json.dumps(state), encoding="utf-8")
            _call(alone, "stack", "import", "--stack", alone.stack, "--file", str(Path(base) / "state.json"))
        yield alone


def _call(place: Place, *words: str) -> str:
    variables = place.variables()
    return EngineCommand(variables["PATH"]).run(list(words), str(place.folder), variables).stdout


def _state(place: Place, tell: Callable[[str], object]) -> dict[str, Any] | None:
    """The stack's state, without its secrets; None where there is none to be read, which is told."""
    try:
        exported: dict[str, Any] = json.loads(_call(place, "stack", "export", "--stack", place.stack))
    except CommandError as error:
        lines = [line.removeprefix("stderr: ").strip() for line in str(error).splitlines()]
        cause = next((line for line in lines if line.startswith("error:")), "the engine refused")
        tell(NO_STATE.format(stack=place.stack, cause=cause.removeprefix("error: ")))
        return None
    deployment = exported.get("deployment") or {}
    return {**exported, "deployment": blinded(deployment)}


def blinded(value: Any, key: str = "", within: str = "", kind: str = "") -> Any:  # noqa: ANN401 - JSON
    """JSON of the engine with a stand-in for every secret, of the kind that whoever reads it expects.

    Args:
        value: the JSON.
        key: under which it stands.
        within: the key above that.
        kind: type of the resource that it is of; empty: none.
    """
    if isinstance(value, list):
        return [blinded(item, key, within, kind) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get(SIGNATURE) == SECRET:
        return {SIGNATURE: SECRET, "plaintext": json.dumps(_stand_in(key, within, kind))}
    if "urn" in value:
        kind = str(value.get("type", ""))
    return {name: blinded(item, name, key, kind) for name, item in value.items()}


def _stand_in(key: str, within: str, kind: str) -> object:
    if key in MAPS:
        return {"withheld": "d2l0aGhlbGQ="}
    if (kind, within, key) == HASHED:
        return _digest(NOWHERE)
    return _credential(f"{kind.removeprefix(PROVIDER)}:{key}" if kind.startswith(PROVIDER) else key)


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha1(text.encode(), usedforsecurity=False).digest()).decode()


def _credential(key: str) -> str:
    return HCLOUD_TOKEN if key == "hcloud:token" else NOWHERE


def _without_secrets(text: bytes) -> str:
    """The stack file with its public part, and stand-ins for credentials of providers."""
    document = yaml.safe_load(text)
    config = {key: _public(key, value) for key, value in (document.get("config") or {}).items()}
    return yaml.safe_dump({"config": {key: value for key, value in config.items() if value is not None}})


def _public(key: str, value: object) -> object:
    if not _is_secret(value):
        return value
    return None if key.startswith(OWN) else _credential(key)


def _is_secret(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"}

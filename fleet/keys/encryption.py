"""Encrypting and decrypting config secrets with the Pulumi CLI, in a folder of its own and with no login.

What encrypts is named in the stack file (`encryptionsalt`, or `secretsprovider` with `encryptedkey`), so a throwaway
file backend serves; secrets travel by stdin, never as arguments. A stack whose secrets the Pulumi service itself
encrypts has none of these keys: such a stack is refused in keystore.py, with the way out.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from fleet.yamltext import parse, set_top

if TYPE_CHECKING:
    from collections.abc import Mapping

PROVIDER_KEYS = ("secretsprovider", "encryptedkey", "encryptionsalt")
"""Keys of a stack file that say how its secrets are encrypted."""

LIMIT_SECONDS: float = 120
"""Limit of one call of the CLI; the slowest part is the derivation of a key from the passphrase."""


class EncryptionError(Exception):
    """The CLI is missing or refused; the message has the cause and the next step."""


def find_cli(environment: Mapping[str, str]) -> str:
    """The Pulumi CLI: NIXFLEET_PULUMI, beside this Python, on PATH, in the user's cache folder."""
    if named := environment.get("NIXFLEET_PULUMI"):
        return named
    beside = shutil.which("pulumi", path=str(Path(sys.prefix) / "bin"))
    if found := beside or shutil.which("pulumi", path=environment.get("PATH", "")):
        return found
    cache = Path(environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME", "/")) / ".cache")
    kept = sorted((cache / "nixfleet").glob("pulumi-*/pulumi"))
    if kept:
        return str(kept[-1])
    raise EncryptionError(
        "the Pulumi CLI was not found; run `make setup`, or name it with NIXFLEET_PULUMI=/path/to/pulumi"
    )


class Vault:
    """The secrets of one stack, encrypted by the provider that its file names; use it as a context."""

    def __init__(self, project: str, stack: str, provider: Mapping[str, str], environment: Mapping[str, str]) -> None:
        """Prepare a throwaway project; `provider` are the stack file's PROVIDER_KEYS, empty for a new passphrase."""
        self._cli = find_cli(environment)
        self._stack = stack
        self._project = project
        self._provider = dict(provider)
        self._environment = dict(environment)

    def __enter__(self) -> Self:
        """Make the folder and the stack in it; raises EncryptionError for a wrong or missing passphrase."""
        self._folder = tempfile.TemporaryDirectory(prefix="nixfleet-keys-")
        folder = Path(self._folder.name)
        (folder / "backend").mkdir()
        (folder / "Pulumi.yaml").write_text(f"name: {self._project}\nruntime: yaml\n", encoding="utf-8")
        text = ""
        for key in sorted(self._provider):
            text = set_top(text, key, self._provider[key]).lstrip("\n")
        self._file = folder / f"Pulumi.{self._stack}.yaml"
        if text:
            self._file.write_text(text, encoding="utf-8")
        self._environment |= {
            "PULUMI_BACKEND_URL": (folder / "backend").as_uri(),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        try:
            self._run("stack", "init", self._stack, "--no-select")
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the folder."""
        self._folder.cleanup()

    def _run(self, *words: str, stdin: str | None = None) -> str:
        argv = [self._cli, *words, "--non-interactive", "--cwd", self._folder.name]
        try:
            done = subprocess.run(
                argv,
                input=stdin or "",
                env=self._environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=LIMIT_SECONDS,
            )
        except OSError as error:
            raise EncryptionError(
                f"{self._cli} cannot be run: {error.strerror}; run `make setup`, or set NIXFLEET_PULUMI"
            ) from None
        except subprocess.TimeoutExpired:
            raise EncryptionError(
                f"`pulumi {words[0]} {words[1]}` did not end within {LIMIT_SECONDS} seconds; run it by hand to see why"
            ) from None
        if done.returncode:
            raise EncryptionError(self._explained(done.stderr))
        return done.stdout

    def _explained(self, stderr: str) -> str:
        if "incorrect passphrase" in stderr:
            return (
                f"the passphrase is not the one of stack {self._stack}; set PULUMI_CONFIG_PASSPHRASE, "
                "or PULUMI_CONFIG_PASSPHRASE_FILE, to the one that its secrets were encrypted with"
            )
        if "passphrase must be set" in stderr:
            return (
                f"stack {self._stack} encrypts its secrets with a passphrase and none is set; "
                "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE (a new stack: choose one and keep it)"
            )
        return "the Pulumi CLI refused: " + " ".join(stderr.split())

    def _document(self) -> dict[str, Any]:
        document = parse(self._file.read_text(encoding="utf-8"))
        return document if isinstance(document, dict) else {}

    @property
    def provider(self) -> dict[str, str]:
        """What the stack file must say so that the secrets can be read."""
        document = self._document()
        return {key: str(document[key]) for key in PROVIDER_KEYS if key in document}

    def encrypt(self, secrets: Mapping[str, str]) -> dict[str, str]:
        """Ciphertexts by config key."""
        for key in sorted(secrets):
            self._run("config", "set", key, "--secret", "--stack", self._stack, stdin=secrets[key])
        config = self._document().get("config", {})
        return {key: config[key]["secure"] for key in secrets}

    def decrypt(self, ciphertexts: Mapping[str, str]) -> dict[str, str]:
        """Private halves by config key; raises EncryptionError where one was encrypted otherwise."""
        lines = [line for key in sorted(ciphertexts) for line in (f"  {key}:", f"    secure: {ciphertexts[key]}")]
        provider = "".join(f"{key}: {value}\n" for key, value in sorted(self.provider.items()))
        self._file.write_text(provider + "\n".join(["config:", *lines]) + "\n", encoding="utf-8")
        shown = json.loads(self._run("config", "--show-secrets", "--json", "--stack", self._stack))
        return {key: shown[key]["value"] for key in ciphertexts}


def environment() -> Mapping[str, str]:
    """The process' environment, read in this one place."""
    return os.environ

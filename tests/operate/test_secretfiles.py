"""Users' secrets files, by the real sops: whoever may read them, by the stack files, does, and nobody else."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import yaml

from fleet.keys.age import identity
from fleet.keys.pairs import another_deploy_key, another_host_key
from fleet.keys.recipients import render_sops
from fleet.stackfile import load
from operate.messages import OperateError
from operate.secretfiles import IDENTITIES, update_keys
from sim.throwaway import Ring

if TYPE_CHECKING:
    from pathlib import Path

HOST = "n100-1"
FILE = f"nix/secrets/sim/{HOST}.yaml"
SECRET = "not for everybody"  # noqa: S105 - of nobody


class Vault:
    """A checkout with one secrets file, encrypted to those who may read it."""

    def __init__(self, root: Path, sops: str) -> None:
        self.root, self.sops, self.ring, self.stack = root, sops, Ring(), load("sim")
        self.write()
        path = root / FILE
        path.parent.mkdir(parents=True)
        path.write_text(yaml.safe_dump({"password": SECRET}))
        done = self.run("encrypt", "--in-place", FILE)
        assert (done.returncode, SECRET in path.read_text()) == (0, False), done.stderr

    def write(self) -> None:
        """Write `.sops.yaml` for the keys of now."""
        identities = self.ring.identities(tuple(sorted(self.stack.fleet.hosts)))
        (self.root / ".sops.yaml").write_text(render_sops([replace(self.stack, identities=identities)]))

    def run(self, *words: str, key: str = "") -> subprocess.CompletedProcess[str]:
        """Run sops as whoever has that private key, and nobody's own."""
        known = {"HOME": str(self.root), "PATH": os.environ["PATH"], **({IDENTITIES: identity(key)} if key else {})}
        return subprocess.run(
            [self.sops, "--disable-version-check", *words],
            cwd=self.root,
            env=known,
            capture_output=True,
            text=True,
            check=False,
        )

    def reads(self, key: str) -> bool:
        """Whether that private key opens the file."""
        done = self.run("decrypt", FILE, key=key)
        assert (done.returncode == 0) == (yaml.safe_load(done.stdout or "{}") == {"password": SECRET})
        return done.returncode == 0


@pytest.fixture
def vault(tmp_path: Path, sops: str, monkeypatch: pytest.MonkeyPatch) -> Vault:
    """A vault; `sops` is what PATH has."""
    monkeypatch.setenv("PATH", f"{os.path.dirname(sops)}:{os.environ['PATH']}")  # noqa: PTH120 - of a string
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(IDENTITIES, raising=False)
    return Vault(tmp_path, sops)


def test_a_new_host_key_reads_what_the_old_one_did_and_the_old_one_no_more(vault: Vault) -> None:
    old, deploy = vault.ring.hosts[HOST], vault.ring.cluster.deploy_key
    new = another_host_key(old)
    assert [vault.reads(key) for key in (old.host_key, deploy, new.host_key)] == [True, True, False]
    vault.ring.hosts[HOST] = new
    vault.write()
    for _ in range(2):
        assert update_keys(vault.root, "sim", (deploy, "")) == [vault.root / FILE]
        assert [vault.reads(key) for key in (old.host_key, deploy, new.host_key)] == [False, True, True]
    # Another host of the stack reads its own file only.
    assert not vault.reads(vault.ring.hosts["jetson-1"].host_key)


def test_while_the_deploy_key_is_rotated_the_former_one_opens_the_files(vault: Vault) -> None:
    former = vault.ring.cluster.deploy_key
    vault.ring.cluster = another_deploy_key(vault.ring.cluster)
    vault.write()
    own = vault.ring.cluster
    update_keys(vault.root, "sim", (own.deploy_key, own.former_deploy_key))
    assert [vault.reads(key) for key in (own.deploy_key, former)] == [True, False]


def test_a_file_that_nobody_here_can_read_is_named(vault: Vault) -> None:
    stranger = another_deploy_key(vault.ring.cluster).deploy_key
    vault.ring.hosts[HOST] = another_host_key(vault.ring.hosts[HOST])
    vault.write()
    before = (vault.root / FILE).read_text()
    with pytest.raises(OperateError) as refused:
        update_keys(vault.root, "sim", (stranger,))
    said = str(refused.value)
    assert said.startswith(f"sops updatekeys {FILE} failed and said: ")
    assert said.endswith("; the deploy key or one of yours must read it (SOPS_AGE_KEY_FILE names yours); run again")
    assert (vault.root / FILE).read_text() == before

"""The users' secrets files (nix/secrets): encrypted anew to those who may read them now, by sops."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from fleet.keys.age import identity
from operate.messages import OperateError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SOPS_SECONDS = 120
"""Limit of one file."""

IDENTITIES = "SOPS_AGE_KEY"
"""Where sops takes age identities from, one per line. By environment: it reads none from its standard input."""


def update_keys(root: Path, stack: str, deploy_keys: Iterable[str]) -> list[Path]:
    """Encrypt the stack's secrets files to the recipients of `.sops.yaml`; those that there are, raises OperateError.

    The deploy key may read all of them, so that nobody needs a key of his own for it; `deploy_keys` are private halves.
    """
    files = sorted((root / "nix" / "secrets" / stack).glob("*.yaml"))
    if not files:
        return files
    sops = shutil.which("sops")
    if sops is None:
        raise OperateError(
            "no sops on PATH, and this stack has secrets files: install it (nix develop has it), run again"
        )
    known = [os.environ.get(IDENTITIES, ""), *(identity(key) for key in deploy_keys if key)]
    environment = {**os.environ, IDENTITIES: "\n".join(filter(None, known))}
    for path in files:
        done = subprocess.run(
            [sops, "updatekeys", "--yes", str(path)],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=SOPS_SECONDS,
        )
        if done.returncode:
            said = " ".join(done.stderr.split()[-30:]) or "nothing"
            cure = "the deploy key or one of yours must read it (SOPS_AGE_KEY_FILE names yours); run again"
            raise OperateError(f"sops updatekeys {path.relative_to(root)} failed and said: {said}; {cure}")
    return files

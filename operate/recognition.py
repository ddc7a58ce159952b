"""Whether a machine in a cloud is the host that it is said to be: asked by its pinned key, as at an installation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fleet.keys.pairs import CLUSTER_KEY, ClusterKeys, logins
from operate.messages import OperateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from operate.clouds.ask import Found

CONTACT = "NIXFLEET_CONTACT_SECONDS"
CONTACT_SECONDS = "180"
"""Longer than a machine takes to boot that its cloud says is running."""

ROOT = Path(__file__).resolve().parent.parent


def recognize(stack: str, found: Found, opened: Callable[[str], str | None]) -> None:
    """Raise OperateError unless the host answers there with its key, and an installation would go on with it."""
    if not found.address:
        raise OperateError(f"nothing was begun: {found.title} is off, so nobody can say what it is: switch it on")
    keys = ClusterKeys.model_validate_json(opened(CLUSTER_KEY) or "{}")
    done = subprocess.run(
        [sys.executable, "-m", "hostops", "recognize", "--stack", stack, "--host", found.host],
        input=json.dumps(logins(keys)),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={CONTACT: CONTACT_SECONDS, **os.environ, "NIXFLEET_ADDRESS": found.address},
        check=False,
    )
    said = [line.removeprefix("hostops: ") for line in done.stderr.splitlines() if line.strip()]
    for line in said:
        print(line, file=sys.stderr)
    if done.returncode:
        last = said[-1] if said else f"hostops recognize ended with code {done.returncode}"
        raise OperateError(f"nothing was begun: {found.title}: {last}")

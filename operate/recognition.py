"""Whether a machine in a cloud is the host that it is said to be: asked by its pinned key, as at an installation."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from fleet.keys.pairs import CLUSTER_KEY, ClusterKeys, logins
from operate.calling import call_hostops
from operate.messages import OperateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from operate.clouds.ask import Found

CONTACT = "NIXFLEET_CONTACT_SECONDS"
CONTACT_SECONDS = "180"
"""Longer than a machine takes to boot that its cloud says is running."""


def recognize(stack: str, found: Found, opened: Callable[[str], str | None]) -> None:
    """Raise OperateError unless the host answers there with its key, and an installation would go on with it."""
    if not found.address:
        raise OperateError(f"nothing was begun: {found.title} is off, so nobody can say what it is: switch it on")
    keys = ClusterKeys.model_validate_json(opened(CLUSTER_KEY) or "{}")
    environment = {CONTACT: CONTACT_SECONDS, **os.environ, "NIXFLEET_ADDRESS": found.address}
    try:
        call_hostops("recognize", stack, found.host, data=json.dumps(logins(keys)), environment=environment)
    except OperateError as error:
        raise OperateError(f"nothing was begun: {found.title}: {error}") from None

"""`make run`: a command on one host, as root, by the deploy key and the pinned host key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operate.hosts import hosts_of
from operate.messages import OperateError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operate.engine import Place

RUN_WORDS = {"HOST": "the host", "RUN": "the command, in quotes: a shell on the host reads it, as root"}


def run(place: Place, words: Mapping[str, str]) -> int:
    """Run it and print what it printed; raises OperateError where it failed."""
    with hosts_of(place) as hosts:
        host = words.get("HOST", "")
        if host not in hosts.outputs.hosts:
            raise OperateError(f"HOST={host}: name one of {', '.join(sorted(hosts.outputs.hosts))}")
        if not words.get("RUN"):
            raise OperateError(f"RUN=: name the command, for example make run HOST={host} RUN='systemctl --failed'")
        print(hosts.call("run", host=host, settings={"NIXFLEET_RUN": words["RUN"]}), end="")
    return 0

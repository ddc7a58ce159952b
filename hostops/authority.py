"""The cluster's own authority: whether the stack's is that one, and the verb authority, which tells it.

A stack whose keys were made before authorities has none, and its tokens are bare: nodes join as they always did, until
`make rotate WHAT=tokens` learns the running one.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from fleet.keys.authority import authority_hash
from hostops.failure import Code, Failure
from hostops.servers import ask
from hostops.ssh import Line, NoAnswer, script

if TYPE_CHECKING:
    from hostops.task import Task

READ_SECONDS = 30


def check_authority(task: Task, server_ca: str, whose: str) -> None:
    """Raise Failure where the running cluster has another authority than the stack; `server_ca` is its hash."""
    ours = task.secrets.authority
    if not ours or not server_ca or authority_hash(ours) == server_ca:
        return
    raise Failure(
        Code.REFUSED,
        "secrets",
        f"{whose} runs in a cluster whose authority is another one than the stack's, and no token of the stack fits "
        "there: nothing was written; put the old nixfleet:clusterKeys back into the stack file (git has them), then "
        "run again",
    )


def authority(task: Task) -> str:
    """Certificate and key of the running cluster's authority, as JSON, from the first server that serves."""
    task.secrets.need("deployKey")
    found = ask(task, task.formation)
    if found.first is None:
        cure = "bring the cluster's quorum back first (make status shows who is down), then run again"
        raise Failure(Code.UNREACHABLE, "authority", f"no server serves the cluster: {found.said or 'none'}; {cure}")
    line = Line(task, found.first)
    try:
        facts = line.run(script("authority"), seconds=READ_SECONDS).facts()
        certificate, key = (base64.b64decode(facts[name]).decode() for name in ("certificate", "key"))
    except NoAnswer as error:
        raise Failure(Code.UNREACHABLE, "authority", f"{line.destination}: {error.text}; run again") from None
    except (KeyError, ValueError):
        text = f"{found.first} has no readable authority; see there: ls /var/lib/rancher/k3s/server/tls"
        raise Failure(Code.FAILED, "authority", text) from None
    finally:
        line.drop()
    return json.dumps({"authority": certificate, "authorityKey": key})

"""`make kubeconfig`: a credential for kubectl in a file of one's own, and how to use it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from operate.engine import translated
from operate.hosts import hosts_of
from operate.messages import OperateError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operate.engine import Place

KUBECONFIG_WORDS = {
    "FILE": "where to write it; ~/.kube/nixfleet-STACK.yaml",
    "SCOPED": "yes, what other stacks get instead of the administrator's",
}


def kubeconfig(place: Place, words: Mapping[str, str]) -> int:
    """Write the credential to a file of mode 0600 and say how to use it."""
    scoped = words.get("SCOPED") == "yes"
    path = Path(words.get("FILE") or f"~/.kube/nixfleet-{place.stack}.yaml").expanduser().absolute()
    with hosts_of(place) as hosts:
        if scoped:
            exported = translated(place, hosts.stack.outputs).get("kubeconfig")
            if exported is None:
                raise OperateError(f"stack {place.stack} exports no credential yet: run `make up STACK={place.stack}`")
            text: str = exported.value
        else:
            address = hosts.outputs.cluster.endpoint_address
            port = hosts.outputs.cluster.endpoint.rpartition(":")[2]
            text = hosts.call("kubeconfig", settings={"NIXFLEET_ENDPOINT": f"https://{address}:{port}"})
        cluster = hosts.outputs.cluster.name
    write_private(path, text)
    whose = "the credential of other stacks" if scoped else "the administrator"
    print(f"wrote {path}: {whose} of cluster {cluster}\n\nNext:  export KUBECONFIG={path}\n       kubectl get nodes")
    return 0


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else can read at any time, in one step."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)

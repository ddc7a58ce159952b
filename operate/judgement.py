"""Laws over what the engine says it would do: those that neither the stack file nor a single resource can break.

The laws of a step (fleet/transition) are held before the engine starts. These read its preview.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fleet.faults import Fault
from operate.record import package_of

if TYPE_CHECKING:
    from fleet.settings import Fleet
    from operate.record import Operation, Run

SERVER = "hcloud:index/server:Server"
INSTANCE = "ovh:CloudProject/instance:Instance"
VOLUME = "hcloud:index/volume:Volume"
NOUN = re.compile(r"-(server|instance|volume)$")
"""End of a machine's or a volume's name, behind its host's."""

MEANT = {SERVER: ("location",), INSTANCE: ("flavor", "network", "region"), VOLUME: ("location",)}
"""Inputs that are another machine when they change, by type: what the stack file says of it (fleet/transition)."""

LOST = {
    SERVER: "its system disk goes with it",
    INSTANCE: "its system disk goes with it",
    VOLUME: "replicas of Longhorn lie on it",
}
ADMIN_PORTS = frozenset({"22", "6443"})
EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})
LABELS = ("cluster", "name", "stack")
"""What everything in a cloud carries, so that what a broken run leaves behind can be found."""

SECRET = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|K10[0-9a-f]{64}::|AGE-SECRET-KEY-1[A-Z0-9]{20}")
"""Keys and tokens as they are written; what the engine keeps as a secret, it has blinded by then."""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What is judged."""

    run: Run
    fleet: Fleet
    """What the stack file wants."""


Judge = Callable[[Preview], Iterator[Fault]]


def _at(operation: Operation) -> str:
    return f"{operation.type} {operation.name}"


def machines_go_only_where_the_file_says_so(preview: Preview) -> Iterator[Fault]:
    """A machine or a volume is deleted only if its host has it no more, and replaced only for another place or type.

    The state is not asked what was wanted last: of a run that failed half way, the rest is still meant.
    """
    for operation in preview.run.operations:
        lost, meant = LOST.get(operation.type), MEANT.get(operation.type, ())
        host = preview.fleet.hosts.get(NOUN.sub("", operation.name))
        if lost is None or host is None or operation.op not in {"delete", "replace"}:
            continue
        if operation.type == VOLUME and getattr(host, "volume", None) is None:
            continue
        others = [path for path in operation.changes if re.split(r"[.\[]", path)[0] not in meant]
        if operation.op == "delete" or others or not operation.changes:
            yield Fault(
                path=_at(operation),
                value=f"{operation.op} for {', '.join(others)}" if others else operation.op,
                law=f"{lost}, and nothing in the stack file means that",
                cure="find out what changed beside the file: a provider's version, or something in the cloud's console",
            )


def nothing_is_open_to_the_world(preview: Preview) -> Iterator[Fault]:
    """SSH and the API of Kubernetes are open to the admin ranges alone, unless the stack file says otherwise."""
    for operation in preview.run.operations:
        for rule in _list(operation.new.get("rules")) if "irewall" in operation.type else ():
            ranges = EVERYWHERE & set(_list(rule.get("sourceIps")))
            if rule.get("port") in ADMIN_PORTS and ranges and not preview.fleet.firewall.allow_everyone:
                yield Fault(
                    path=_at(operation),
                    value=f"port {rule['port']} from {', '.join(sorted(ranges))}",
                    law="SSH and the API of Kubernetes are open to the admin ranges alone",
                    cure="name the admins' ranges, or say firewall.allowEveryone: true",
                )


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def no_secret_stands_in_clear(preview: Preview) -> Iterator[Fault]:
    """No input and no output has a private key or a token that the engine does not know as a secret."""
    for operation in preview.run.operations:
        for word, values in (("input", operation.new), ("output", operation.results)):
            for key in sorted(key for key, value in values.items() if SECRET.search(json.dumps(value, default=str))):
                yield Fault(
                    path=_at(operation),
                    value=f"{word} {key}",
                    law="keys and tokens stand in the state and in logs encrypted, or not at all",
                    cure="pass it as a secret (Output.secret), by standard input",
                )


def everything_in_a_cloud_is_labelled(preview: Preview) -> Iterator[Fault]:
    """What a cloud that knows labels makes for the stack says whose it is."""
    for operation in preview.run.operations:
        labels = operation.new.get("labels")
        if package_of(operation.urn) != "hcloud" or operation.op not in {"create", "update"} or labels is None:
            continue
        missing = [name for name in LABELS if not (isinstance(labels, dict) and labels.get(name))]
        if missing:
            yield Fault(
                path=_at(operation),
                value=f"no label {', '.join(missing)}",
                law="what is made in a cloud can be found again by its labels",
                cure="give it args.labels(...) of components/clouds/registry.py",
            )


JUDGES: tuple[Judge, ...] = (
    # keep-sorted start
    everything_in_a_cloud_is_labelled,
    machines_go_only_where_the_file_says_so,
    no_secret_stands_in_clear,
    nothing_is_open_to_the_world,
    # keep-sorted end
)


def broken(run: Run, fleet: Fleet) -> tuple[Fault, ...]:
    """Every law that a preview breaks, sorted."""
    preview = Preview(run=run, fleet=fleet)
    return tuple(sorted({fault for judge in JUDGES for fault in judge(preview)}))

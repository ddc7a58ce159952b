"""What the state knows of a stack: the fleet as it was, and what is protected. Nothing is decrypted or changed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from fleet.contract.facts import HostFacts
from fleet.contract.late import LATE, WORD
from fleet.hosts import HOST_KINDS
from fleet.transition import HostPrecedent, Installed, Precedent
from operate.record import name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fleet.inventory import Resource

TRANSITION = "fleet-transition"
"""The command whose output is the fleet as it was wanted last."""

INSTALLATION = "-install"
"""End of the name of what stands in the state for a host's last installation that succeeded."""

MEMBERSHIP = "-membership"
"""End of the name of what stands in the state while a host is a member."""

LATECOMERS = "fleet-latecomers"
"""What brought hosts up to date that were off when it was their turn."""

LONGHORN = "longhorn-release"
RELEASE = "kubernetes:helm.sh/v3:Release"

SYSTEM = "-system"
"""End of the name of what brings a host to its closure."""

CLOUDS = ("hcloud:", "ovh:")
"""Packages whose resources are objects in a cloud."""

COMMAND = "command:local:Command"
STACK = "pulumi:pulumi:Stack"


@dataclass(frozen=True, kw_only=True)
class Past:
    """A stack's state, as far as a step is judged by it."""

    precedent: Precedent | None
    """The fleet that was; None where nothing is remembered."""

    protected: tuple[str, ...]
    """Names of what the engine would refuse to delete, sorted."""

    closures: Mapping[str, Mapping[str, Mapping[str, str]]]
    """By host, to which closure, of which weight, a content was evaluated in the last run that was whole."""

    machines: Mapping[str, str] = field(default_factory=dict)
    """By host, the machine on which its last installation succeeded."""

    resources: Mapping[Resource, str] = field(default_factory=dict)
    """Ids of what the state has in clouds, by type and name."""

    leaving: frozenset[Resource] = frozenset()
    """Type and id of what is still to be deleted after a replacement."""


def past(deployment: Any) -> Past:  # noqa: ANN401 - JSON of the engine
    """Read the deployment that `pulumi stack export` prints; an empty stack has none of it."""
    resources: list[dict[str, Any]] = (deployment or {}).get("resources") or []
    protected = sorted({name_of(resource["urn"]) for resource in resources if resource.get("protect")})
    commands = [resource for resource in resources if resource["type"] == COMMAND and not resource.get("delete")]
    made = [one for one in resources if one["type"].startswith(CLOUDS) and one.get("id")]
    remembered = next((_remembered(found) for found in commands if name_of(found["urn"]) == TRANSITION), None)
    if remembered and (longhorn := _longhorn(resources)):
        remembered = remembered.model_copy(update={"longhorn_version": longhorn})
    outputs = next((found.get("outputs") or {} for found in resources if found["type"] == STACK), {})
    return Past(
        precedent=_with_members(remembered, commands),
        protected=tuple(protected),
        closures=_closures(outputs, commands),
        machines=dict(_machines(commands)),
        resources={(one["type"], name_of(one["urn"])): one["id"] for one in made if not one.get("delete")},
        leaving=frozenset((one["type"], one["id"]) for one in made if one.get("delete")),
    )


def _closures(outputs: Mapping[str, Any], commands: Iterable[dict[str, Any]]) -> dict[str, dict[str, dict[str, str]]]:
    hosts, contents = (outputs.get("fleet") or {}).get("hosts") or {}, outputs.get("contents") or {}
    systems = {name_of(command["urn"]): command.get("inputs", {}).get("environment") or {} for command in commands}
    weights = {name: systems.get(f"{name}{SYSTEM}", {}).get("NIXFLEET_WEIGHT", "") for name in hosts}
    return {
        name: {contents[name]: {"closure": host["closure"], "weight": weights[name]}}
        for name, host in hosts.items()
        if name in contents
    }


def _remembered(command: dict[str, Any]) -> Precedent | None:
    try:
        return Precedent.model_validate_json(command.get("outputs", {}).get("stdout") or "")
    except ValidationError:
        return None  # in a form that this program does not know


def _with_members(remembered: Precedent | None, commands: Iterable[dict[str, Any]]) -> Precedent | None:
    """The fleet with those that a failed run should have taken out, and that are members still."""
    if remembered is None:
        return None
    known = tuple(commands)
    hosts, installed = {**dict(_members(known)), **remembered.hosts}, dict(_installations(known))
    running = dict(_running(known))
    told = {
        name: host.model_copy(update={"installed": installed.get(name), "k3s_version": running.get(name, "")})
        for name, host in sorted(hosts.items())
    }
    return remembered.model_copy(update={"hosts": told})


def _longhorn(resources: Iterable[dict[str, Any]]) -> str:
    """Version of Longhorn's release; an upgrade that failed has left the old one there."""
    found = (one for one in resources if one["type"] == RELEASE and name_of(one["urn"]) == LONGHORN)
    return next((str((one.get("inputs") or {}).get("version") or "") for one in found if not one.get("delete")), "")


def _running(commands: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """What k3s each host ran when it was last brought to a system: what its switch answered, or the one after that."""
    named = {name_of(command["urn"]): command for command in commands}
    late = named.get(LATECOMERS, {})
    brought = _json((late.get("inputs", {}).get("environment") or {}).get("NIXFLEET_LATE"))
    after = _json((late.get("outputs") or {}).get("stdout"))
    for name, command in named.items():
        host, answer = name.removesuffix(SYSTEM), _json((command.get("outputs") or {}).get("stdout"))
        if not name.endswith(SYSTEM):
            continue
        # It was left out, and brought up to date by the same run or a later one.
        if answer.get(LATE) and answer[LATE] in brought.get(host, {}).get(WORD, "").split():
            answer = after.get(host, answer)
        if answer.get("k3s"):
            yield host, str(answer["k3s"])


def _json(text: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON of the engine
    try:
        found = json.loads(text or "{}")
    except (ValueError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _installations(commands: Iterable[dict[str, Any]]) -> Iterator[tuple[str, Installed]]:
    """What installations fixed: their environment stays as it was when they were done (components/host.py)."""
    for command in commands:
        name = name_of(command["urn"])
        environment = command.get("inputs", {}).get("environment") or {}
        if not name.endswith(INSTALLATION) or "NIXFLEET_REINSTALL" not in environment:
            continue
        try:
            fixed = Installed.model_validate_json(environment.get("NIXFLEET_FIXED") or "{}")
        except ValidationError:
            fixed = Installed()
        token = environment["NIXFLEET_REINSTALL"]
        yield name.removesuffix(INSTALLATION), fixed.model_copy(update={"reinstall": token})


def _machines(commands: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for command in commands:
        name, environment = name_of(command["urn"]), command.get("inputs", {}).get("environment") or {}
        machine = environment.get("NIXFLEET_MACHINE_ID")
        if name.endswith(INSTALLATION) and isinstance(machine, str) and machine:
            yield name.removesuffix(INSTALLATION), machine


def _members(commands: Iterable[dict[str, Any]]) -> Iterator[tuple[str, HostPrecedent]]:
    for command in commands:
        name = name_of(command["urn"])
        if not name.endswith(MEMBERSHIP):
            continue
        environment = command.get("inputs", {}).get("environment") or {}
        try:
            facts = HostFacts.model_validate(json.loads(environment.get("NIXFLEET_MEMBER") or "null"))
        except ValidationError:
            continue
        kind = HOST_KINDS.get(facts.kind)
        host = HostPrecedent(role=facts.role, created=kind is not None and kind.created, storage=facts.storage)
        yield name.removesuffix(MEMBERSHIP), host

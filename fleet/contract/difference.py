"""What a change of a stack means for its hosts: which closures change, by which keys, and how hard the change is.

Two contracts tell which closures change; two fleets also tell what changes in clouds only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from fleet.contract.facts import HostFacts
from fleet.model import camel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fleet.contract.facts import Contract
    from fleet.settings import Fleet


class Impact(IntEnum):
    """How hard a change is, for one host."""

    NONE = 0
    """No host changes: resources in a cloud or in the cluster only."""

    ROLLING = 1
    """The host gets a new generation, in its turn."""

    RESTART = 2
    """Its machine is drained, shut down and changed by its cloud, in its turn."""

    INSTALL = 3
    """The host is installed: its disk is formatted, now or when its token says so."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two that are compared."""

    contract: Contract
    fleet: Fleet | None
    """None where only the contract is at hand."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What changes for one subject: a host, all hosts, or the stack."""

    subject: str
    impact: Impact
    reasons: tuple[str, ...]


_INSTALL_KEYS = ("address", "ageRecipient", "arch", "dataDisk", "disk", "hostKey", "kind")
"""Keys of a host's entry in the contract that take effect at install only."""

_MACHINE_INSTALL = ("flavorId", "location", "region", "reinstall", "serviceName")
"""Keys of a host in the stack file, and not in the contract, that mean another machine or another install."""

_MACHINE_RESTART = ("serverType",)
"""Keys of a host in the stack file, and not in the contract, that its cloud changes with the machine off."""

_ENTRY_KEYS = frozenset(camel(field) for field in HostFacts.model_fields)
_CONTRACTED = ("cluster", "endpoint", "firewall", "network", "users", "timezone")
"""Sections of the fleet that reach every host through the contract; of the others only parts do."""


def _flat(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else key)
    else:
        yield path, value


def pairs(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Keys whose values differ, sorted, each with both values as people read them."""
    before, after = dict(_flat(old)), dict(_flat(new))
    keys = sorted(key for key in {*before, *after} if before.get(key, _ABSENT) != after.get(key, _ABSENT))
    return {key: (_shown(before, key), _shown(after, key)) for key in keys}


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """Keys whose values differ, with both values as one text."""
    return {key: f"{key}: {before} -> {after}" for key, (before, after) in pairs(old, new).items()}


_ABSENT = object()


def _shown(flat: Mapping[str, Any], key: str) -> str:
    value = flat.get(key, _ABSENT)
    return "absent" if value is _ABSENT else "none" if value is None else str(value)


def _entry_impact(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Impact:
    if key.partition(".")[0] in _INSTALL_KEYS:
        return Impact.INSTALL
    # With a volume, Longhorn's directory is no partition of the disk any more, or becomes one.
    if key == "volumeSizeGib" and (old[key] is None) != (new[key] is None):
        return Impact.INSTALL
    return Impact.ROLLING


def entry_of(contract: Contract, name: str) -> dict[str, Any]:
    """A host's entry; what follows from it and the stack's name alone is no difference of its own."""
    return contract.hosts[name].model_dump(mode="json", exclude={"label_prefix"})


def _machine_impact(key: str) -> Impact:
    if key in _MACHINE_INSTALL:
        return Impact.INSTALL
    return Impact.RESTART if key in _MACHINE_RESTART else Impact.NONE


def machine_of(fleet: Fleet, name: str) -> dict[str, Any]:
    """What the stack file says of a host beyond its contract, which has the volume's size."""
    facts = fleet.hosts[name].model_dump(mode="json")
    return {key: value for key, value in facts.items() if key not in _ENTRY_KEYS and key != "volume"}


def _host(name: str, old: Side, new: Side) -> Change | None:
    if name not in old.contract.hosts:
        return Change(subject=name, impact=Impact.INSTALL, reasons=("a new host",))
    if name not in new.contract.hosts:
        return Change(subject=name, impact=Impact.NONE, reasons=("it leaves the fleet",))
    before, after = (entry_of(side.contract, name) for side in (old, new))
    entry = differences(before, after)
    machine = differences(machine_of(old.fleet, name), machine_of(new.fleet, name)) if old.fleet and new.fleet else {}
    impacts = [_entry_impact(key, before, after) for key in entry]
    impacts += [_machine_impact(key) for key in machine]
    if not impacts:
        return None
    return Change(subject=name, impact=max(impacts), reasons=(*entry.values(), *machine.values()))


def _stack(old: Side, new: Side, known: Mapping[str, str]) -> Change | None:
    if old.fleet is None or new.fleet is None:
        return None
    before, after = (side.fleet.model_dump(mode="json", exclude={"hosts"}) for side in (old, new) if side.fleet)
    differ = {
        key: text
        for key, text in differences(before, after).items()
        # What all hosts know is told there already.
        if not (known and key.partition(".")[0] in _CONTRACTED)
    }
    return Change(subject="stack", impact=Impact.NONE, reasons=tuple(differ.values())) if differ else None


def changes(old: Side, new: Side) -> tuple[Change, ...]:
    """All that changes from `old` to `new`: all hosts first, then hosts by name, then what touches no host."""
    facts = differences(*(side.contract.cluster.model_dump(mode="json") for side in (old, new)))
    everywhere = Change(subject="all hosts", impact=Impact.ROLLING, reasons=tuple(facts.values())) if facts else None
    names = sorted({*old.contract.hosts, *new.contract.hosts})
    found = [everywhere, *(_host(name, old, new) for name in names), _stack(old, new, facts)]
    return tuple(change for change in found if change is not None)


def render_changes(found: tuple[Change, ...]) -> str:
    """The changes as people read them."""
    if not found:
        return "nothing changes\n"
    return "".join(
        f"{change.subject}: {change.impact.name.lower()}\n" + "".join(f"  {reason}\n" for reason in change.reasons)
        for change in found
    )

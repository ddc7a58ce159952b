"""Reading a document into a model, with all its faults at once: those of the types and those of the laws.

A fleet with faults of type is read in part, so that its laws speak in the same run; each law says what it needs
whole (laws/law.py).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from fleet.faults import FleetError
from fleet.hosts import AnyHost
from fleet.laws import EVERY_HOST, Reading, broken_laws
from fleet.model import Name, camel
from fleet.settings import Fleet
from fleet.typefaults import type_fault
from fleet.version import LANGUAGE, newer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.faults import Fault
    from fleet.network import Profile

M = TypeVar("M", bound=BaseModel)


def _validated(model: type[M], document: object) -> tuple[M | None, tuple[Fault, ...]]:
    try:
        return model.model_validate(document, by_alias=True, by_name=False), ()
    except ValidationError as error:
        return None, tuple(type_fault(detail) for detail in error.errors())


def read(model: type[M], document: object, source: str) -> M:
    """Read `document` (plain data) as `model`; raises FleetError with every fault that the types can see."""
    found, faults = _validated(model, document)
    if found is None:
        raise FleetError(source, faults)
    return found


@cache
def _adapter(section: str) -> TypeAdapter[Any]:
    field = Fleet.model_fields[section]
    return TypeAdapter(field.rebuild_annotation())


_HOSTS = TypeAdapter(dict[Name, AnyHost])


def _tried(adapter: TypeAdapter[Any], value: object) -> tuple[Any, bool]:
    try:
        return adapter.validate_python(value, by_alias=True, by_name=False), True
    except ValidationError:
        return None, False


def _hosts(value: object) -> tuple[dict[str, Any], bool]:
    """The hosts that can be read, and whether these are all."""
    entries = value if isinstance(value, dict) else {}
    tried = {name: _tried(_HOSTS, {name: entry}) for name, entry in entries.items()}
    found = {name: host[name] for name, (host, good) in tried.items() if good}
    return found, bool(entries) and len(found) == len(entries)


def _in_part(document: object, profiles: Mapping[str, Profile]) -> Reading:
    """The sections and hosts of a faulty document that can be read."""
    document = document if isinstance(document, dict) else {}
    sections: dict[str, Any] = {}
    readable: set[str] = {"hosts"}
    for name, field in Fleet.model_fields.items():
        if name == "hosts":
            sections[name], whole = _hosts(document.get(name))
            readable |= {EVERY_HOST} if whole else set()
        elif camel(name) in document:
            sections[name], good = _tried(_adapter(name), document[camel(name)])
            readable |= {name} if good else set()
        elif not field.is_required():
            sections[name] = field.get_default(call_default_factory=True)
            readable.add(name)
    return Reading(fleet=Fleet.model_construct(**sections), readable=frozenset(readable), profiles=profiles)


def read_whole(document: object, profiles: Mapping[str, Profile]) -> tuple[Fleet | None, tuple[Fault, ...]]:
    """The fleet (None where its types are broken), and every fault of types and laws.

    Of a document in a newer language nothing else is said: its words may mean something else.
    """
    if isinstance(document, dict) and (later := newer("version", document.get("version"), LANGUAGE)):
        return None, (later,)
    fleet, faults = _validated(Fleet, document)
    if fleet is None:
        return None, (*faults, *broken_laws(_in_part(document, profiles)))
    readable = frozenset({*Fleet.model_fields, EVERY_HOST})
    return fleet, broken_laws(Reading(fleet=fleet, readable=readable, profiles=profiles))


def read_fleet(document: object, source: str, profiles: Mapping[str, Profile]) -> Fleet:
    """Read a fleet and hold it to every law, given the project's profiles; raises FleetError with all faults."""
    fleet, faults = read_whole(document, profiles)
    if fleet is None or faults:
        raise FleetError(source, faults)
    return fleet

"""Reading a document into a model, with all its faults at once. The laws between fields are in laws.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from fleet.faults import Fault, FleetError
from fleet.laws import broken_laws
from fleet.settings import Fleet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

    from fleet.network import Profile

M = TypeVar("M", bound=BaseModel)


def _fault(error: ErrorDetails) -> Fault:
    path = ".".join(str(part) for part in error["loc"]) or "document"
    cures = {"extra_forbidden": "remove it or correct its spelling", "missing": "add it"}
    value = "absent" if error["type"] == "missing" else repr(error["input"])
    return Fault(path=path, value=value, law=error["msg"], cure=cures.get(error["type"], "correct the value"))


def read(model: type[M], document: Any, source: str) -> M:
    """Read `document` (plain data) as `model`; raises FleetError with every fault that the types can see."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise FleetError(source, tuple(_fault(detail) for detail in error.errors())) from None


def read_fleet(document: Any, source: str, profiles: Mapping[str, Profile]) -> Fleet:
    """Read a stack's fleet and hold it to every law; raises FleetError with all faults. `profiles` are those of the project."""
    fleet = read(Fleet, document, source)
    faults = broken_laws(fleet)
    if faults:
        raise FleetError(source, faults)
    return fleet

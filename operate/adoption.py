"""Objects of a stack in its clouds that its state does not know: after a lost answer, or a lost state.

They are named before the engine starts, so that nothing is made twice, and `make adopt` takes them into the state.
Clouds are asked only when the state lacks something that is wanted there: an unchanged stack makes no call.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from fleet import inventory, stackfile
from fleet.document import read, read_fleet
from fleet.faults import FleetError
from fleet.hosts import HcloudHost
from fleet.keys.identities import Identities
from fleet.profiles import load_profiles
from operate.clouds import hetzner
from operate.clouds.ask import Found, NotAnsweredError
from operate.clouds.hetzner import Hetzner
from operate.clouds.ovh import Ovh
from operate.messages import OperateError
from operate.recognition import recognize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from fleet.inventory import Resource
    from fleet.settings import Fleet
    from operate.past import Past

ADOPTED = "NIXFLEET_ADOPTED"
"""Names the file that components/adoption.py reads."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a stack file wants of clouds, and with which credentials they are asked."""

    fleet: Fleet
    deploy_key: str
    config: Mapping[str, Any]
    """The stack file's own, secrets closed."""

    opened: Callable[[str], str | None]
    """A secret of it."""

    def setting(self, key: str, variable: str, usual: str = "") -> str:
        """A provider's setting: the stack's, else the environment's, as the plugin takes it."""
        value = self.config.get(key)
        if isinstance(value, dict):
            value = self.opened(key)
        return str(value or os.environ.get(variable) or usual)


@dataclass(frozen=True, kw_only=True)
class Strays:
    """What clouds have of a stack that its state does not know."""

    wanted: tuple[Found, ...] = ()
    """Would be made again; can be taken into the state."""

    doubles: tuple[Found, ...] = ()
    """Would be made again, and the plugin can take none of their kind into a state."""

    others: tuple[Found, ...] = ()
    """Neither in the file nor in the state, or second ones of a name."""

    unasked: tuple[str, ...] = ()
    """Why a cloud was not asked."""


def wanted_of(file: Path, root: Path, opened: Callable[[str], str | None]) -> Wanted | None:
    """What the file wants; None where the program will say what is wrong with it."""
    try:
        config: Any = yaml.safe_load(file.read_bytes())["config"]
        fleet = read_fleet(config[stackfile.FLEET_KEY], file.name, load_profiles(root))
        identities = read(Identities, config[stackfile.IDENTITIES_KEY], file.name)
    except (FleetError, KeyError, TypeError, OSError, yaml.YAMLError):
        return None
    return Wanted(fleet=fleet, deploy_key=identities.deploy_key, config=config, opened=opened)


def strays(stack: str, wanted: Wanted, known: Past, *, always: bool = False) -> Strays:
    """Ask the clouds, each where the state lacks something of it, or in any case."""
    parts = [
        ask_cloud(stack, wanted, known)
        for ask_cloud, resources in (
            (_hetzner, inventory.hetzner_resources(wanted.fleet, wanted.deploy_key)),
            (_ovh, inventory.ovh_resources(wanted.fleet)),
        )
        if resources and (always or resources - set(known.resources))
    ]
    return Strays(
        wanted=tuple(one for part in parts for one in part.wanted),
        doubles=tuple(one for part in parts for one in part.doubles),
        others=tuple(one for part in parts for one in part.others),
        unasked=tuple(one for part in parts for one in part.unasked),
    )


def _unknown(found: Iterable[Found], known: Past) -> tuple[Found, ...]:
    ids = {(kind, ident) for (kind, _), ident in known.resources.items()} | known.leaving
    return tuple(one for one in found if (one.type, one.state_id or one.id) not in ids)


def _lacking(one: Found, resources: frozenset[Resource], known: Past) -> bool:
    return (one.type, one.name) in resources and (one.type, one.name) not in known.resources


def _hetzner(stack: str, wanted: Wanted, known: Past) -> Strays:
    token = wanted.setting("hcloud:token", "HCLOUD_TOKEN")
    if not token:
        return Strays(unasked=("Hetzner: no token is set or can be opened (hcloud:token or HCLOUD_TOKEN)",))
    project = Hetzner(token=token, endpoint=wanted.setting("hcloud:endpoint", "HCLOUD_ENDPOINT", hetzner.ENDPOINT))
    try:
        unknown = _unknown(project.found(stack), known)
    except NotAnsweredError as error:
        return Strays(unasked=(f"Hetzner: {error}",))
    resources = inventory.hetzner_resources(wanted.fleet, wanted.deploy_key)
    lacking = tuple(one for one in unknown if _lacking(one, resources, known))
    return Strays(wanted=lacking, others=tuple(one for one in unknown if one not in lacking))


def _ovh(_stack: str, wanted: Wanted, known: Past) -> Strays:
    settings = wanted.fleet.providers.ovh
    keys = {
        "application_key": wanted.setting("ovh:applicationKey", "OVH_APPLICATION_KEY"),
        "application_secret": wanted.setting("ovh:applicationSecret", "OVH_APPLICATION_SECRET"),
        "consumer_key": wanted.setting("ovh:consumerKey", "OVH_CONSUMER_KEY"),
    }
    if settings is None or not all(keys.values()):
        return Strays(unasked=("OVH: no application key, its secret and consumer key are set or can be opened",))
    endpoint = wanted.setting("ovh:endpoint", "OVH_ENDPOINT", "ovh-eu")
    resources = inventory.ovh_resources(wanted.fleet)
    names = {name.removesuffix("-instance") for _, name in resources}
    try:
        unknown = _unknown(Ovh(endpoint=endpoint, project=settings.service_name, **keys).found(names), known)
    except NotAnsweredError as error:
        return Strays(unasked=(f"OVH: {error}",))
    lacking = tuple(one for one in unknown if _lacking(one, resources, known))
    return Strays(doubles=lacking, others=tuple(one for one in unknown if one not in lacking))


def _titles(found: Iterable[Found]) -> str:
    return ", ".join(one.title for one in found)


def notices(stack: str, seen: Strays) -> tuple[str, ...]:
    """What is said of them where nothing is refused."""
    said = []
    if seen.wanted or seen.doubles:
        said.append(_refusal(stack, seen))
    if seen.others:
        said.append(
            f"there are objects of stack {stack} in its clouds that neither its state knows nor its file wants: "
            f"{_titles(seen.others)}; delete them in the cloud's console, or give their entries back and run "
            f"`make adopt STACK={stack}`"
        )
    said += [f"no one asked whether there are objects that the state does not know; {why}" for why in seen.unasked]
    return tuple(said)


def _refusal(stack: str, seen: Strays) -> str:
    parts = []
    if seen.wanted:
        parts.append(
            f"Hetzner has objects of stack {stack} that its state does not know: {_titles(seen.wanted)}; `make adopt "
            f"STACK={stack}` takes them into the state; one that holds nothing can be deleted in Hetzner's console"
        )
    if seen.doubles:
        parts.append(
            f"OVH has instances with names of stack {stack} that its state does not know, and its plugin takes none "
            f"into a state: {_titles(seen.doubles)}; where one holds nothing, delete it in OVH's console; else bring "
            "the state back (`make recall` has the copy of the last run here)"
        )
    return "; ".join(parts)


def hold_strays(verb: str, stack: str, seen: Strays) -> tuple[str, ...]:
    """What is to be said before a run; raises OperateError where an `up` would make something a second time."""
    if verb == "up" and (seen.wanted or seen.doubles):
        raise OperateError(f"nothing was begun: {_refusal(stack, seen)}")
    return notices(stack, seen)


def _hold_places(wanted: Wanted, seen: Strays) -> None:
    """Refuse what the plugin would replace at once."""
    for one in seen.wanted:
        host = wanted.fleet.hosts.get(one.name.removesuffix("-server").removesuffix("-volume"))
        if isinstance(host, HcloudHost) and one.place not in ("", host.location):
            raise OperateError(
                f"nothing was begun: {one.title} is in {one.place}, and the file wants it in {host.location}: it would "
                "be replaced; correct the file, or delete it in Hetzner's console"
            )


@contextmanager
def adopted(stack: str, wanted: Wanted, seen: Strays) -> Iterator[dict[str, str]]:
    """Hold what was found to the guards of an installation; inside, a variable with a file of what is taken over.

    Raises OperateError where there is nothing to take, or a guard refuses.
    """
    if seen.unasked:
        raise OperateError(f"nothing was begun: {'; '.join(seen.unasked)}")
    if seen.doubles:
        raise OperateError(f"nothing was begun: {_refusal(stack, Strays(doubles=seen.doubles))}")
    if not seen.wanted:
        raise OperateError(
            f"there is nothing to adopt: the state of stack {stack} knows everything of it that its file wants"
        )
    _hold_places(wanted, seen)
    for one in seen.wanted:
        if one.host:
            recognize(stack, one, wanted.opened)
    taken: dict[str, dict[str, str]] = {}
    for one in seen.wanted:
        taken.setdefault(one.type, {})[one.name] = one.id
    with tempfile.NamedTemporaryFile("w", prefix="nixfleet-", suffix=".json", encoding="utf-8") as file:
        json.dump(taken, file)
        file.flush()
        yield {ADOPTED: file.name}

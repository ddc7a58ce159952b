"""What simulated clouds share: objects in one document of the world, counted calls, injected trouble, free addresses.

The document `clouds/NAME` is
`{"next": id, "calls": {"create Server": 3}, "limits": {"Server": 20}, "objects": {"Server": {id: record}}}`.
A record holds the outputs of a resource; keys that start with `_` are the cloud's own.
"""

from __future__ import annotations

import asyncio
import itertools
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from sim.plugins.kind import Resource, TableKind
from sim.plugins.server import Refused
from sim.plugins.values import Properties, Secret, reveal
from sim.world import SLOW_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from ipaddress import IPv4Network

    from sim.world import FaultKind, World

Record: TypeAlias = dict[str, Any]
"""Outputs of one object, as JSON."""

FIRST_ID = 100001
ACTION_SECONDS = 0.05
"""How long the cloud works on a thing; the real one takes seconds."""


ANSWERS: dict[FaultKind | None, str] = {
    "fail": "the cloud has no resources for this now, try again later (resource_unavailable)",
    "rate": "limit of 3600 requests per hour reached (rate_limit_exceeded)",
    "error": "server responded with status code 503",
}
"""What the API says to a call that does not work. hcloud-go tries again after such an answer only when it reads."""


class Account:
    """The objects of one cloud account, while its document is open for change."""

    def __init__(self, document: dict[str, Any]) -> None:
        """Work on the opened document."""
        self._document = document

    def objects(self, noun: str) -> dict[str, Record]:
        """Return all objects of a kind by id, to read and to change."""
        found: dict[str, Record] = self._document.setdefault("objects", {}).setdefault(noun, {})
        return found

    def limit(self, noun: str, usual: int) -> int:
        """Return how many objects of a kind the account may have; tests lower it in the document."""
        return int(self._document.get("limits", {}).get(noun, usual))

    def new_id(self) -> str:
        """Return an id that was never used."""
        number = int(self._document.get("next", FIRST_ID))
        self._document["next"] = number + 1
        return str(number)

    def count(self, call: str) -> None:
        """Count one call."""
        calls = self._document.setdefault("calls", {})
        calls[call] = calls.get(call, 0) + 1

    def free_address(self, ranges: tuple[IPv4Network, ...], taken: set[str]) -> str | None:
        """Return the lowest host address that is not taken."""
        hosts = (str(host) for host in itertools.chain.from_iterable(network.hosts() for network in ranges))
        return next((host for host in hosts if host not in taken), None)


class Cloud:
    """One cloud in the world."""

    def __init__(self, world: World, name: str) -> None:
        """Name the cloud as faults and documents do."""
        self.world = world
        self.name = name
        self.unusable = ""
        """Why every call fails, when a plugin's configuration was wrong and not looked at."""

        self._at_work: set[str] = set()

    @asynccontextmanager
    async def working(self, thing: str, *, patient: bool) -> AsyncIterator[None]:
        """Be at work on a thing while the block lasts; whoever comes meanwhile is refused, or waits."""
        while thing in self._at_work:
            if not patient:
                raise Refused(f"{thing} is locked by another action (locked)")
            await asyncio.sleep(ACTION_SECONDS)
        if not thing:
            yield
            return
        self._at_work.add(thing)
        try:
            await asyncio.sleep(ACTION_SECONDS)
            yield
        finally:
            self._at_work.discard(thing)

    @property
    def document(self) -> str:
        """The document's name in the world."""
        return f"clouds/{self.name}"

    @contextmanager
    def edit(self, call: str | None = None) -> Iterator[Account]:
        """Open the account for one call (None: for none); a refused call is not counted and changes nothing."""
        with self.world.edit(self.document) as document:
            account = Account(document)
            if call is not None:
                account.count(call)
            yield account

    def look(self, noun: str, ident: str) -> Record | None:
        """Return one object as it is now."""
        objects: dict[str, Record] = self.world.read(self.document).get("objects", {}).get(noun, {})
        return objects.get(ident)

    async def trouble(self, call: str, name: str) -> bool:
        """Let an injected fault happen before a call; True when the call works but its answer is lost."""
        if self.unusable:
            raise Refused(self.unusable)
        fault = self.world.fault(self.name, f"{call} {name}")
        if fault in ANSWERS:
            raise Refused(f"{call} {name}: {ANSWERS[fault]}")
        if fault == "hang":
            await asyncio.Event().wait()
        if fault == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        return fault == "disconnect"


class CloudKind(TableKind):
    """A resource that lives in a cloud's account; subclasses say what the cloud demands."""

    noun: ClassVar[str]
    """The kind's name in the document, in calls and in faults."""

    importable: ClassVar[bool] = True
    """Whether the plugin takes what is there into a state."""

    patient: ClassVar[bool] = False
    """Whether the plugin tries again where the cloud says that it is still at work on the same thing."""

    def __init__(self, cloud: Cloud) -> None:
        """Work in that cloud."""
        self.cloud = cloud

    def works_on(self, inputs: Properties) -> str:
        """Name what the cloud does one thing at a time to while it makes this; empty: nothing."""
        return ""

    def examine(self, inputs: Properties) -> None:
        """Refuse inputs that need no look at the account; they are revealed and complete."""

    def make(self, account: Account, inputs: Properties) -> tuple[str, Record]:
        """Return id and record of a new object, or refuse; inputs are revealed and as the state stores them."""
        raise NotImplementedError

    async def made(self, ident: str, record: Record, inputs: Properties) -> None:
        """Do what follows outside the account; inputs are revealed and complete."""

    def change(self, account: Account, ident: str, record: Record, news: Properties) -> None:
        """Change the record, or refuse."""
        record.update(news)

    async def changed(self, ident: str, before: Record, record: Record) -> None:
        """Do what follows a change outside the account."""

    def drop(self, account: Account, ident: str, record: Record) -> None:
        """Clean up in the account, or refuse to lose the object."""

    async def dropped(self, ident: str, record: Record) -> None:
        """Do what follows a removal outside the account."""

    async def create(self, resource: Resource, inputs: Properties) -> tuple[str, Properties]:
        """Make the object; an answer that is lost leaves it behind in the cloud."""
        lost = await self.cloud.trouble(f"create {self.noun}", resource.name)
        self.examine(reveal(inputs))
        stored = self.stored(inputs)
        async with self.cloud.working(self.works_on(reveal(stored)), patient=self.patient):
            with self.cloud.edit(f"create {self.noun}") as account:
                ident, record = self.make(account, reveal(stored))
                account.objects(self.noun)[ident] = record
        await self.made(ident, record, reveal(inputs))
        if lost:
            raise Refused(f"create {self.noun} {resource.name}: unexpected EOF")
        return ident, _public(record) | stored

    async def read(self, resource: Resource, resource_id: str, state: Properties) -> Properties | None:
        """Return the object as the cloud sees it now, secrets still marked."""
        record = self.cloud.look(self.noun, resource_id)
        return None if record is None else _refreshed(state, self._told(record))

    async def take(self, resource: Resource, resource_id: str) -> tuple[str, Properties, Properties] | None:
        """Take an object over that is there, with the inputs that the cloud tells."""
        if not self.importable:
            return await super().take(resource, resource_id)
        ident = self.imported_id(resource_id)
        record = self.cloud.look(self.noun, ident)
        if record is None:
            return None
        state = self._told(record)
        nothing: tuple[Any, ...] = (None, "", [], {})
        return ident, {key: state[key] for key in self.table.fields if state.get(key) not in nothing}, state

    def _told(self, record: Record) -> Record:
        """What the cloud says when it is asked."""
        return {key: item for key, item in _public(record).items() if key not in self.table.unread}

    def imported_id(self, resource_id: str) -> str:
        """The id in a state of what an import names."""
        return resource_id

    async def update(self, resource: Resource, resource_id: str, state: Properties, news: Properties) -> Properties:
        """Change the object; one that has vanished is an error until a refresh."""
        await self.cloud.trouble(f"update {self.noun}", resource.name)
        with self.cloud.edit(f"update {self.noun}") as account:
            record = account.objects(self.noun).get(resource_id)
            if record is None:
                raise self.vanished(resource_id)
            before = dict(record)
            self.change(account, resource_id, record, reveal(self.merged(state, news)))
        await self.changed(resource_id, before, record)
        return _refreshed(self.merged(state, news), self._told(record))

    async def delete(self, resource: Resource, resource_id: str, state: Properties) -> None:
        """Remove the object."""
        await self.cloud.trouble(f"delete {self.noun}", resource.name)
        with self.cloud.edit(f"delete {self.noun}") as account:
            record = account.objects(self.noun).get(resource_id)
            if record is None:
                return
            self.drop(account, resource_id, record)
            del account.objects(self.noun)[resource_id]
        await self.dropped(resource_id, record)

    def vanished(self, ident: str) -> Refused:
        """Say that an object is not there."""
        return Refused(f"{self.noun} with ID '{ident}' not found (not_found)")


def _public(record: Record) -> Record:
    return {key: item for key, item in record.items() if not key.startswith("_")}


def _refreshed(state: Properties, record: Record) -> Properties:
    """Lay what the cloud says over a state; what is equal stays as it is, with its secret marks."""
    changed = {key: item for key, item in record.items() if key not in state or reveal(state[key]) != item}
    return state | {key: Secret(item) if isinstance(state.get(key), Secret) else item for key, item in changed.items()}

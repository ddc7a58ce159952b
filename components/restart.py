"""A machine that its cloud restarts: drained and shut down before, Ready again before the next one's turn.

A machine's type is changed by its cloud with the machine off, and the provider's plugin cuts the power of one that
runs. The engine calls these hooks around the update of a machine, also where it is run by hand; a command before the
machine could not know its address, and one behind it would come too late.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi

from components.commands import Verb, Work
from components.hooks import run_verb
from fleet.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from components.clouds.registry import Machine
    from fleet.settings import Fleet

HALT, RESUME = "nixfleet-halt", "nixfleet-resume"
"""Names of the hooks, which the state keeps."""


@dataclass(frozen=True, kw_only=True)
class Turns:
    """Who may be off at the same time: one server, and as many agents as a batch has."""

    servers: asyncio.Semaphore
    agents: asyncio.Semaphore

    @classmethod
    def of(cls, fleet: Fleet) -> Turns:
        """The turns of a fleet."""
        return cls(servers=asyncio.Semaphore(1), agents=asyncio.Semaphore(fleet.rollout.batch_size))


@dataclass(kw_only=True)
class Restarts:
    """The restarts of one run."""

    stack: str
    fleet: Fleet
    secret: pulumi.Input[str] = field(repr=False)
    """The key to log in with as JSON, a secret."""

    everyone: Callable[[], Mapping[str, Machine]]
    """All machines of the fleet by host, once they are registered: also those of other clouds have servers."""

    restarting: str
    """Input of the machine whose change restarts it, as the engine writes it."""

    suffix: str
    """What the name of a machine's resource has after the host's."""

    _turns: Turns = field(init=False)
    _off: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    """Hosts whose turn it is, with what they hold."""

    _addresses: dict[str, asyncio.Future[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Nobody is off yet."""
        self._turns = Turns.of(self.fleet)
        self.hooks = pulumi.ResourceHookBinding(
            before_update=[pulumi.ResourceHook(HALT, self._halt)],
            after_update=[pulumi.ResourceHook(RESUME, self._resume)],
        )

    def follow(self, host: str, machine: pulumi.CustomResource, address: pulumi.Output[str]) -> None:
        """Learn where a machine answers, and give its turn back when the engine is done with it, well or not."""
        self._address(host)
        self._task = asyncio.ensure_future(self._followed(host, machine, address))

    def _address(self, host: str) -> asyncio.Future[str]:
        if host not in self._addresses:
            self._addresses[host] = asyncio.get_event_loop().create_future()
        return self._addresses[host]

    def learnt(self, host: str, address: str | None) -> None:
        """Note where a machine answers; empty: this run did not get it, and nobody waits for it any more."""
        known = self._address(host)
        if address is not None and not known.done():
            known.set_result(address)

    async def _followed(self, host: str, machine: pulumi.CustomResource, address: pulumi.Output[str]) -> None:
        try:
            await machine.urn.future()
            self.learnt(host, await address.future())
        except Exception:  # noqa: BLE001 - the engine tells of it; here the turn ends, and nobody waits for it any more
            self.learnt(host, "")
        finally:
            held = self._off.pop(host, None)
            if held:
                held.release()

    def _concerns(self, args: pulumi.ResourceHookArgs) -> bool:
        """Whether this update restarts the machine."""
        old, new = (inputs or {} for inputs in (args.old_inputs, args.new_inputs))
        return old.get(self.restarting) != new.get(self.restarting)

    async def _halt(self, args: pulumi.ResourceHookArgs) -> None:
        """Wait for the host's turn, then drain it and shut it down."""
        host = args.name.removesuffix(self.suffix)
        # Known from the last run: whoever waits for its turn must not keep the others from asking it.
        self.learnt(host, (args.old_outputs or {}).get("ipv4Address"))
        if not self._concerns(args):
            return
        turns = self._turns.servers if self.fleet.hosts[host].role is Role.SERVER else self._turns.agents
        await turns.acquire()
        self._off[host] = turns
        await self._run("halt", host)

    async def _resume(self, args: pulumi.ResourceHookArgs) -> None:
        """Wait until the host is back, and let pods onto it again."""
        if self._concerns(args):
            await self._run("resume", args.name.removesuffix(self.suffix))

    async def _run(self, verb: Verb, host: str) -> None:
        """Run a verb of hostops; raises RunError with what it said last."""
        work = Work(verb=verb, stack=self.stack, fleet=self.fleet, host=host)
        await run_verb(work, self.secret, await self.environment(host))

    async def environment(self, host: str) -> Mapping[str, str]:
        """What a verb has to know: where the host answers, and all other servers, in whichever cloud they are."""
        servers = [name for name in self.fleet.formation if name != host]
        addresses = {name: await self._endpoint(name) for name in servers}
        peers: dict[str, Any] = {name: {"endpoint": address} for name, address in addresses.items() if address}
        return {
            "NIXFLEET_ADDRESS": await self._addresses[host],
            "NIXFLEET_PEERS": json.dumps(peers, sort_keys=True),
        }

    async def _endpoint(self, host: str) -> str:
        """Where a server answers; empty for one that this run did not get."""
        if host in self._addresses:
            return await self._addresses[host]
        try:
            return await pulumi.Output.from_input(self.everyone()[host].address).future() or ""
        except Exception:  # noqa: BLE001 - the engine tells of it
            return ""

"""Values without edges and order without edges: what they keep, and that a failure goes through."""

from __future__ import annotations

import asyncio
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pulumi
import pytest

from components.edges import Later, behind, gate, unlinked
from tests.components.loops import current_loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@pytest.fixture
def loop() -> asyncio.AbstractEventLoop:
    """The loop that the SDK takes for its outputs, here as in a plan that is recorded."""
    return current_loop()


async def answer(value: Any) -> Any:
    return value


def output(value: Any, *, known: bool = True, secret: bool = False, future: Awaitable[Any] | None = None) -> Any:
    """An output of a resource."""
    source = cast("pulumi.Resource", object())
    facts = [Later(partial(answer, fact)) for fact in (value, known, secret)]
    return pulumi.Output({source}, future or facts[0], *facts[1:])


def resource(done: asyncio.Future[str]) -> pulumi.Resource:
    """A resource that is there when the future says so."""
    return cast("pulumi.Resource", SimpleNamespace(urn=output("urn", future=done)))


def settled(loop: asyncio.AbstractEventLoop, ask: Callable[[], Awaitable[Any]]) -> Any:
    async def asked() -> Any:
        return await ask()

    return loop.run_until_complete(asked())


@pytest.mark.parametrize(("known", "secret"), [(True, False), (True, True), (False, False)])
def test_a_value_without_its_edge_is_as_known_and_as_secret_as_before(
    loop: asyncio.AbstractEventLoop, *, known: bool, secret: bool
) -> None:
    value = "x" if known else None
    found = unlinked(output(value, known=known, secret=secret))
    assert settled(loop, found.resources) == set()
    assert [settled(loop, ask) for ask in (found.future, found.is_known, found.is_secret)] == [value, known, secret]


def test_what_is_behind_a_gate_waits_for_all_of_it_and_keeps_its_own_edges(loop: asyncio.AbstractEventLoop) -> None:
    first, second = loop.create_future(), loop.create_future()
    source = output("secret", secret=True)
    waiting = behind(gate([resource(second)], gate([resource(first)])), source)
    arrived = asyncio.ensure_future(waiting.future(), loop=loop)
    second.set_result("urn")
    loop.run_until_complete(asyncio.sleep(0))
    assert not arrived.done()
    first.set_result("urn")
    assert loop.run_until_complete(arrived) == "secret"
    assert settled(loop, waiting.is_secret)
    assert settled(loop, waiting.resources) == settled(loop, source.resources)


def test_nothing_comes_through_a_gate_before_which_something_failed(loop: asyncio.AbstractEventLoop) -> None:
    first, second = loop.create_future(), loop.create_future()
    waiting = behind(gate([resource(second)], gate([resource(first)])), "value")
    second.set_result("urn")
    first.set_exception(RuntimeError("the host failed"))
    with pytest.raises(RuntimeError, match=r"^the host failed$"):
        settled(loop, waiting.future)

"""What is done for the SDK: outputs are waited for until one has failed, and a resource is traced to this checkout."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from pulumi.runtime.settings import SETTINGS

from operate.sdk import own_frames, settled

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

T = TypeVar("T")


@pytest.fixture(autouse=True)
def _outputs() -> Iterator[None]:
    """No output of another test is left, nor is one of these."""
    SETTINGS.outputs.clear()
    yield
    SETTINGS.outputs.clear()


def run(program: Coroutine[Any, Any, T]) -> T:
    """Run it; asyncio.run() would take the thread's loop away from the SDK's other tests."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(program)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def late(found: list[str]) -> None:
    """An output that makes another one before it is known."""
    SETTINGS.outputs.add(asyncio.ensure_future(later(found)))
    found.append("first")


async def later(found: list[str]) -> None:
    await asyncio.sleep(0)
    found.append("second")


def test_what_an_output_leads_to_is_waited_for_as_well() -> None:
    found: list[str] = []

    async def program() -> None:
        SETTINGS.outputs.add(asyncio.ensure_future(late(found)))
        await settled()

    run(program())
    assert found == ["first", "second"]


def test_after_a_failure_nothing_is_waited_for() -> None:
    async def fails() -> None:
        raise RuntimeError

    async def program() -> tuple[bool, bool]:
        failed, never = asyncio.ensure_future(fails()), asyncio.get_running_loop().create_future()
        SETTINGS.outputs.update((failed, never))
        await settled()
        return failed.exception() is not None, never.done()

    assert run(program()) == (True, False)


class _Resource:
    """As the SDK's classes of a resource are built: each calls the constructor of the one above."""

    def __init__(self) -> None:
        self.trace = own_frames()


class _CustomResource(_Resource):
    def __init__(self) -> None:
        super().__init__()


class _Command(_CustomResource):
    def __init__(self) -> None:
        super().__init__()


def test_a_resource_is_traced_to_whoever_makes_it_and_through_this_checkout_alone() -> None:
    frames = _Command().trace.frames
    here = test_a_resource_is_traced_to_whoever_makes_it_and_through_this_checkout_alone.__code__
    # Below it are pytest's own frames, which are not ours.
    assert [(frame.pc.uri, frame.pc.line) for frame in frames] == [
        (Path(__file__).resolve().as_uri(), here.co_firstlineno + 1)
    ]

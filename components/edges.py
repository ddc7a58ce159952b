"""Values without their edges, and order without edges: what keeps the graph of resources nearly a tree.

When a deletion fails, the engine walks every path from the failed resource, and an output in an input is an edge twice:
once for the resource and once for the property. A value whose edge stands in `depends_on`, or in that of a resource
before, needs none of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import pulumi

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")

Gate: TypeAlias = "pulumi.Output[bool]"
"""There when all that it stands for is done; an error when one of them failed."""


class Later(Awaitable[T]):
    """What is asked only when it is awaited: of an output that failed, nothing else is ever asked."""

    def __init__(self, ask: Callable[[], Awaitable[T]]) -> None:
        """Keep the question."""
        self._ask = ask

    def __await__(self) -> Generator[Any, None, T]:
        """Ask."""
        return self._ask().__await__()


def unlinked(value: pulumi.Input[Any]) -> pulumi.Output[Any]:
    """The same value, secret or unknown as before, without edges to the resources that it comes from."""
    output = pulumi.Output.from_input(value)
    return pulumi.Output(
        set(), Later(lambda: output.future(with_unknowns=True)), Later(output.is_known), Later(output.is_secret)
    )


def foreseen(value: pulumi.Output[T], otherwise: T) -> pulumi.Output[T]:
    """The same value, or `otherwise` where only a run can know it: a preview goes by what is hoped for."""

    async def found() -> T:
        return await value.future() if await value.is_known() else otherwise  # type: ignore[return-value]  # known

    return pulumi.Output(Later(value.resources), Later(found), Later(_true), Later(value.is_secret))


def gate(resources: Iterable[pulumi.Resource], before: Gate | None = None) -> Gate:
    """What opens when `resources` are done, and `before` is open."""
    awaited = tuple(resources)

    async def opened() -> bool:
        if before is not None:
            await before.future()
        for resource in awaited:
            await resource.urn.future()
        return True

    return pulumi.Output(set(), Later(opened), Later(_true))


def behind(opened: Gate | None, value: pulumi.Input[T]) -> pulumi.Output[T]:
    """The value, once the gate is open: whoever takes it as an input waits, and has no edge to what it waits for."""
    output = pulumi.Output.from_input(value)
    if opened is None:
        return output

    async def arrived() -> T:
        await opened.future()
        return await output.future(with_unknowns=True)  # type: ignore[return-value]  # None: unknown

    return pulumi.Output(Later(output.resources), Later(arrived), Later(output.is_known), Later(output.is_secret))


async def _true() -> bool:
    return True

"""How a double is served: the SDK's own provider server, with plain error texts and a log to the engine.

Leaves out what no program here uses: components of other languages, calls, parameters.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc, status_pb2

from sim.plugins.values import Properties, encode_map

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pulumi.provider.experimental.provider import Provider

    Method = Callable[[ProviderServicer, Any, Any], Awaitable[Any]]


class Refused(Exception):  # noqa: N818 - named for what happened, as the engine prints only its text
    """An operation the real plugin or cloud refuses; the text is all that an engine gets."""


class HalfDone(Refused):
    """A resource that exists but did not become ready: it goes to the state and the run fails."""

    def __init__(self, reason: str, *, resource_id: str, state: Properties, inputs: Properties) -> None:
        """Keep what the engine has to store besides the reason."""
        super().__init__(reason)
        self.resource_id = resource_id
        self.state = state
        self.inputs = inputs


def _init_failed(error: HalfDone) -> grpc.Status:
    """Say that a resource exists in spite of the error, in the form an engine understands."""
    detail = provider_pb2.ErrorResourceInitFailed(
        id=error.resource_id,
        properties=PropertyValue.marshal_map(encode_map(error.state)),
        inputs=PropertyValue.marshal_map(encode_map(error.inputs)),
        reasons=[str(error)],
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    status.details.add().Pack(detail)
    answer = grpc.Status()
    answer.code, answer.details = grpc.StatusCode.UNKNOWN, str(error)
    answer.trailing_metadata = (("grpc-status-details-bin", status.SerializeToString()),)
    return answer


def _plain_errors(method: Method) -> Method:
    """Answer a refusal with its text alone; the SDK's Python traceback stays for real faults of a double."""

    async def answer(servicer: ProviderServicer, request: Any, context: Any) -> Any:  # noqa: ANN401 - gRPC's own types
        try:
            return await method(servicer, request, context)
        except Exception as wrapped:
            cause = wrapped.__context__
            if isinstance(cause, HalfDone):
                await context.abort_with_status(_init_failed(cause))
            if isinstance(cause, Refused):
                await context.abort(grpc.StatusCode.UNKNOWN, str(cause))
            raise

    return answer


class Servicer(ProviderServicer):
    """The SDK's servicer with plain errors."""


for _name in (
    "CheckConfig",
    "DiffConfig",
    "Configure",
    "Check",
    "Diff",
    "Create",
    "Read",
    "Update",
    "Delete",
    "Invoke",
):
    setattr(Servicer, _name, _plain_errors(getattr(ProviderServicer, _name)))


class EngineLog:
    """Lines for the operator's terminal, shown under a resource while it is worked on and not kept."""

    def __init__(self, address: str) -> None:
        """Remember where the engine listens; nothing is opened until the first line."""
        self._address = address
        self._stub: Any = None

    async def info(self, urn: str, text: str) -> None:
        """Show one line under the resource."""
        if self._stub is None:
            self._stub = engine_pb2_grpc.EngineStub(grpc.aio.insecure_channel(self._address))
        await self._stub.Log(engine_pb2.LogRequest(severity=engine_pb2.INFO, message=text, urn=urn, ephemeral=True))


LOOK_SECONDS = 1.0
"""How often a plugin looks whether its engine is still there."""


async def _stop_orphan(server: grpc.aio.Server, engine_process: int) -> None:
    """Stop when the engine was killed: it cannot end its plugins then."""
    while os.getppid() == engine_process:  # noqa: ASYNC110 - nothing tells a process that its parent died
        await asyncio.sleep(LOOK_SECONDS)
    await server.stop(None)


async def _serve(provider: Provider, version: str, engine: str) -> None:
    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
    servicer = Servicer([engine], version, provider, engine)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    # The engine interrupts its plugins when it is done with them, from the port on.
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, lambda: asyncio.ensure_future(server.stop(None)))
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    orphan = asyncio.create_task(_stop_orphan(server, os.getppid()))
    await server.wait_for_termination()
    orphan.cancel()


def serve(provider: Provider, version: str, engine: str) -> None:
    """Serve until the engine ends the process; the port is the only line on stdout, as engines expect."""
    asyncio.run(_serve(provider, version, engine))

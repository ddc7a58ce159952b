"""The provider that all doubles are: it knows kinds by token and translates between the wire and plain Python.

It keeps no state of its own: the engine keeps the states, the simulated world keeps what clouds and machines know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi.provider.experimental import provider as sdk

from sim.plugins.kind import Kind, Resource
from sim.plugins.server import Refused
from sim.plugins.values import Properties, decode_map, encode_map

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sim.plugins.changes import Changes


class Double(sdk.Provider):
    """One provider plugin: configuration rules of its own, and kinds for its resources."""

    package: str
    """The plugin's name, as in `pulumi-resource-NAME`."""

    kinds: Mapping[str, Kind]
    """Token to behaviour."""

    def kind(self, token: str) -> Kind:
        """Find the behaviour of a token."""
        if token not in self.kinds:
            raise Refused(
                f"{token}: the simulated {self.package} plugin knows only {', '.join(sorted(self.kinds))}; "
                "use one of these, or add a double of it to sim/plugins"
            )
        return self.kinds[token]

    def check_settings(self, settings: Properties) -> list[tuple[str, str]]:
        """Find what is wrong with the provider's own inputs."""
        raise NotImplementedError

    def diff_settings(self, old: Properties, new: Properties) -> Changes:
        """Compare the provider's own inputs."""
        raise NotImplementedError

    def configure_with(self, settings: Properties) -> None:
        """Take the provider's inputs, or refuse them."""
        raise NotImplementedError

    async def check_config(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        """Check the provider's inputs."""
        return _checked(decode_map(request.new_inputs), self.check_settings(decode_map(request.new_inputs)))

    async def diff_config(self, request: sdk.DiffRequest) -> sdk.DiffResponse:
        """Compare the provider's inputs; the SDK's servicer can carry no details here."""
        answer = self.diff_settings(decode_map(request.old_state), decode_map(request.new_inputs)).answer()
        answer.detailed_diff = {}
        answer.changes = None
        return answer

    async def configure(self, request: sdk.ConfigureRequest) -> sdk.ConfigureResponse:
        """Take the provider's inputs; unknowns and secrets are understood, outputs with dependencies are not needed."""
        self.configure_with(decode_map(request.args))
        return sdk.ConfigureResponse(accept_secrets=True, supports_preview=True)

    async def check(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        """Check a resource's inputs."""
        resource = _resource(request)
        inputs, failures = self.kind(resource.type).check(
            resource, decode_map(request.old_inputs), decode_map(request.new_inputs), request.random_seed
        )
        return _checked(inputs, failures)

    async def diff(self, request: sdk.DiffRequest) -> sdk.DiffResponse:
        """Compare a resource's state with its inputs."""
        resource = _resource(request)
        kind = self.kind(resource.type)
        return kind.diff(resource, decode_map(request.old_state), decode_map(request.new_inputs)).answer()

    async def create(self, request: sdk.CreateRequest) -> sdk.CreateResponse:
        """Make a resource, or foretell it."""
        resource, inputs = _resource(request), decode_map(request.properties)
        kind = self.kind(resource.type)
        if request.preview:
            return sdk.CreateResponse("", encode_map(kind.foresee(resource, inputs)))
        resource_id, state = await kind.create(resource, inputs)
        return sdk.CreateResponse(resource_id, encode_map(state))

    async def read(self, request: sdk.ReadRequest) -> sdk.ReadResponse:
        """Look at a resource; an empty id says that it is gone."""
        resource = _resource(request)
        kind = self.kind(resource.type)
        if not request.properties:
            # An import: the engine knows nothing but an id.
            taken = await kind.take(resource, request.resource_id)
            if taken is None:
                return sdk.ReadResponse("")
            ident, inputs, found = taken
            return sdk.ReadResponse(ident, encode_map(found), encode_map(inputs))
        state = await kind.read(resource, request.resource_id, decode_map(request.properties))
        if state is None:
            return sdk.ReadResponse("")
        return sdk.ReadResponse(request.resource_id, encode_map(state), request.inputs)

    async def update(self, request: sdk.UpdateRequest) -> sdk.UpdateResponse:
        """Change a resource in place, or foretell the change."""
        resource, state, news = _resource(request), decode_map(request.olds), decode_map(request.news)
        kind = self.kind(resource.type)
        if request.preview:
            return sdk.UpdateResponse(encode_map(kind.foresee_update(resource, state, news)))
        return sdk.UpdateResponse(encode_map(await kind.update(resource, request.resource_id, state, news)))

    async def delete(self, request: sdk.DeleteRequest) -> None:
        """Remove a resource."""
        resource = _resource(request)
        await self.kind(resource.type).delete(resource, request.resource_id, decode_map(request.properties))

    async def invoke(self, request: sdk.InvokeRequest) -> sdk.InvokeResponse:
        """Refuse: no look-up is simulated, so that a program that starts to need one is noticed."""
        raise Refused(
            f"{request.tok}: the simulated {self.package} plugin answers no look-ups; give the value in the stack file"
        )


def _resource(
    request: sdk.CheckRequest
    | sdk.DiffRequest
    | sdk.CreateRequest
    | sdk.ReadRequest
    | sdk.UpdateRequest
    | sdk.DeleteRequest,
) -> Resource:
    """Read the URN; its type carries the types of all parents before `$`."""
    _, _, qualified, name = request.urn.split("::", 3)
    return Resource(urn=request.urn, type=qualified.rsplit("$", 1)[-1], name=name)


def _checked(inputs: Properties, failures: list[tuple[str, str]]) -> sdk.CheckResponse:
    return sdk.CheckResponse(encode_map(inputs), [sdk.CheckFailure(path, reason) for path, reason in failures])

"""What a program would register, recorded: every resource with its inputs and options, without an engine."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

import pulumi
from google.protobuf import json_format  # type: ignore[import-untyped]  # published without types
from pulumi.runtime import mocks

from tests.components.loops import current_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 - the wire's mark of a secret value
KUBECONFIG = """clusters:
- name: default
  cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: QUE=}
"""

OUTPUTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "command:local:Command": lambda name: {
        "stdout": KUBECONFIG if name.endswith("-kubeconfig") else "token\n" if name.endswith("-token") else "{}",
        "stderr": "",
    },
    "hcloud:index/loadBalancer:LoadBalancer": lambda _: {"ipv4": "203.0.113.200"},
    "hcloud:index/server:Server": lambda name: {"ipv4Address": f"203.0.113.{number(name) % 200}"},
    "kubernetes:core/v1:Secret": lambda _: {"data": {"token": "dG9rZW4=", "ca.crt": "QUE="}},
    "ovh:CloudProject/instance:Instance": lambda _: {
        "addresses": [{"ip": "2001:db8::1", "version": 6}, {"ip": "198.51.100.7", "version": 4}]
    },
    "ovh:CloudProject/networkPrivate:NetworkPrivate": lambda _: {"regionsOpenstackIds": {"GRA11": "net-gra11"}},
}
"""What clouds and commands would answer, beside the inputs."""


def number(name: str) -> int:
    """A number that is always the same for a name."""
    return zlib.crc32(name.encode()) % 10**8


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One registered resource."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    """Secrets in clear; `secret` says which they are."""

    secret: frozenset[str]
    """Inputs that are secret as a whole."""

    options: Any = field(repr=False)
    """The request to the engine."""

    @property
    def parent(self) -> str:
        """Name of the parent; empty for the stack's own."""
        return name_of(self.options.parent)

    @property
    def depends_on(self) -> frozenset[str]:
        """Names of resources that it waits for: those that it reads and those it was told of."""
        return frozenset(name_of(urn) for urn in self.options.dependencies) - {""}

    @property
    def is_component(self) -> bool:
        return self.type.startswith("nixfleet:")


def name_of(urn: str) -> str:
    name = urn.rsplit("::", maxsplit=1)[-1]
    return "" if "::pulumi:pulumi:Stack::" in urn else name


@dataclass
class Plan:
    """Everything that was registered, in order."""

    resources: list[Resource] = field(default_factory=list)
    finished: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Registered outputs by URN."""

    exports: dict[str, Any] = field(default_factory=dict)
    secret_exports: set[str] = field(default_factory=set)
    urns: dict[tuple[str, str], str] = field(default_factory=dict)
    """URN by type and name."""

    def of(self, kind: str) -> list[Resource]:
        """Resources whose type ends so."""
        return [resource for resource in self.resources if resource.type.rsplit(":", maxsplit=1)[-1] == kind]

    def one(self, name: str) -> Resource:
        """The one real resource of that name."""
        (found,) = [resource for resource in self.resources if resource.name == name and not resource.is_component]
        return found

    def names(self, kind: str) -> set[str]:
        return {resource.name for resource in self.of(kind)}

    def tree(self) -> Iterator[str]:
        """The resources as indented lines, siblings sorted."""
        children: dict[str, list[Resource]] = {}
        for resource in self.resources:
            children.setdefault(resource.options.parent or "", []).append(resource)
        roots = {urn for urn in children if name_of(urn) == ""}
        for root in sorted(roots):
            yield from self._below(children, root, 0)

    def _below(self, children: dict[str, list[Resource]], parent: str, depth: int) -> Iterator[str]:
        for resource in sorted(children.get(parent, []), key=lambda item: (item.type, item.name)):
            yield f"{'  ' * depth}{resource.name} ({resource.type})"
            yield from self._below(children, self.urns[resource.type, resource.name], depth + 1)


def revealed(value: Any) -> Any:
    """The value without marks of secrets."""
    if isinstance(value, dict):
        if SECRET in value:
            return revealed(value["value"])
        return {key: revealed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [revealed(item) for item in value]
    return value


class Recorder(pulumi.runtime.Mocks):
    """Answers as clouds would."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        answer = OUTPUTS.get(args.typ)
        extra = answer(args.name) if answer else {}
        made = args.typ.startswith(("hcloud:", "ovh:"))
        return str(number(args.name)) if made else f"{args.name}-id", {**args.inputs, **extra}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(f"{args.token}: the program looks nothing up, as a preview would then need the cloud")


class Monitor(mocks.MockMonitor):
    """Notes what is registered, options included."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self.plan = Plan()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the SDK's name and untyped messages
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]  # the SDK's
        if request.type != "pulumi:pulumi:Stack":
            inputs = json_format.MessageToDict(request.object)
            secret = frozenset(key for key, value in inputs.items() if isinstance(value, dict) and SECRET in value)
            resource = Resource(
                type=request.type, name=request.name, inputs=revealed(inputs), secret=secret, options=request
            )
            self.plan.resources.append(resource)
            self.plan.urns[request.type, request.name] = answer.urn
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - as above
        assert request.urn not in self.plan.finished, f"{request.urn} registers its outputs twice"
        self.plan.finished[request.urn] = json_format.MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]  # the SDK's


def record(program: Callable[[], object], stack: str = "sim", *, preview: bool = False) -> Plan:
    """Run `program` and wait for everything that it registers and exports."""
    recorder = Recorder()
    monitor = Monitor(recorder)
    exports: dict[str, pulumi.Output[Any]] = {}

    async def store(values: Mapping[str, Any]) -> None:
        monitor.plan.exports.update(values)
        secret = {name for name, output in exports.items() if await output.is_secret()}
        monitor.plan.secret_exports.update(secret)

    def run() -> pulumi.Output[None]:
        program()
        return pulumi.Output.all(**exports).apply(store)

    # The SDK makes the stack's own resource, which holds the exports, only once in a process.
    current_loop()
    with mock.patch.object(pulumi, "export", exports.__setitem__):
        pulumi.runtime.set_mocks(recorder, project="nixfleet", stack=stack, preview=preview, monitor=monitor)
        pulumi.runtime.test(run)()  # type: ignore[no-untyped-call]  # the SDK's
    return monitor.plan

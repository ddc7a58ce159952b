"""Any object of the API, native or custom: made, compared, changed and removed as the plugin does it."""

from __future__ import annotations

import base64
import copy
from typing import TYPE_CHECKING

from sim.plugins.changes import Changes, compare
from sim.plugins.kind import Kind, Resource
from sim.plugins.kubernetes import immutable, schema
from sim.plugins.kubernetes.api import Api, Document, Object, Reference, Unreachable
from sim.plugins.kubernetes.awaiting import settle
from sim.plugins.server import HalfDone, Refused
from sim.plugins.values import UNKNOWN, Properties, Secret, Value, has_unknown, reveal

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.plugins.table import Failure

INPUTS = "__inputs"
"""Where a state keeps the last inputs, as it also holds what the cluster filled in."""

FORGET = (
    "If the cluster was deleted, you can remove this resource from Pulumi state by rerunning the operation with the "
    "PULUMI_K8S_DELETE_UNREACHABLE environment variable set to true"
)
AUTONAMED = "pulumi.com/autonamed"


class ObjectKind(Kind):
    """One kind of object, known by its token only."""

    def __init__(self, api: Callable[[], Api], default_namespace: Callable[[], str]) -> None:
        """Reach the cluster when needed, not before."""
        self.api = api
        self.default_namespace = default_namespace

    def check(
        self, resource: Resource, olds: Properties, news: Properties, seed: bytes
    ) -> tuple[Properties, list[Failure]]:
        """Give it a name, and hold it to its schema when the cluster answers and everything is known."""
        inputs = dict(news)
        if isinstance(reveal(inputs.get("metadata")), dict) and "generateName" in reveal(inputs["metadata"]):
            return inputs, [
                ("metadata", "the `.metadata.generateName` field is not supported in Server-Side Apply mode")
            ]
        inputs["metadata"] = _named(resource, inputs.get("metadata"), reveal(olds.get("metadata")), seed)
        return inputs, self._faults(resource, inputs)

    def diff(self, resource: Resource, state: Properties, news: Properties) -> Changes:
        """Compare with the last inputs; a new object under the same name can only come after the old one is gone."""
        olds = reveal(state.get(INPUTS, {}))
        kind = reveal(news.get("kind", ""))
        names = tuple(sorted(set(olds) | set(news)))
        changes = compare(olds, news, names, replaces=lambda path, _: immutable.replaces(kind, path))
        old, new = _meta(olds), _meta(news)
        same_name = all(old.get(key) == new.get(key) for key in ("name", "namespace"))
        changes.delete_first = same_name and AUTONAMED not in (new.get("annotations") or {})
        return changes

    def foresee(self, resource: Resource, inputs: Properties) -> Properties:
        """Foretell the inputs, and what controllers fill as unknown."""
        filled = {"status": UNKNOWN}
        if reveal(inputs.get("kind")) == "Secret" and "data" not in inputs:
            filled["data"] = UNKNOWN
        return filled | inputs

    def foresee_update(self, resource: Resource, state: Properties, news: Properties) -> Properties:
        """Foretell new inputs over the old object."""
        return state | news

    async def create(self, resource: Resource, inputs: Properties) -> tuple[str, Properties]:
        """Create it and wait until it is ready; one that exists is refused, since 4.29."""
        content = _content(inputs)
        ref = self.reference(content)
        api = self.reach()
        with api.edit(f"create {ref.kind} {ref.id}") as document:
            self.hold(document, ref, content)
            made = document.add(ref, content)
            problem = settle(api, ref, document, made)
            live = copy.deepcopy(made)
        return ref.id, self._judged(ref, problem, live, inputs)

    async def read(self, resource: Resource, resource_id: str, state: Properties) -> Properties | None:
        """Return it as it is, with inputs in which drift shows."""
        try:
            live = self.api().look().get(self.reference(plain(state)))
        except Unreachable:
            raise Refused(f"failed to read resource state due to unreachable cluster. {FORGET}") from None
        if live is None:
            return None
        inputs = state.get(INPUTS, {})
        return laid(live, inputs) | {INPUTS: _seen(inputs, live)}

    async def update(self, resource: Resource, resource_id: str, state: Properties, news: Properties) -> Properties:
        """Apply it: fields that inputs drop go, fields of others stay."""
        content = _content(news)
        ref = self.reference(content)
        api = self.reach()
        with api.edit(f"update {ref.kind} {ref.id}") as document:
            live = document.get(ref)
            if live is None:
                raise Refused(f'{ref.plural} "{ref.name}" not found')
            self.hold(document, ref, content)
            apply_fields(live, reveal(state.get(INPUTS, {})), content)
            live["metadata"]["generation"] = live["metadata"].get("generation", 1) + 1
            problem = settle(api, ref, document, live)
            after = copy.deepcopy(live)
        return self._judged(ref, problem, after, news)

    async def delete(self, resource: Resource, resource_id: str, state: Properties) -> None:
        """Delete it."""
        ref = self.reference(plain(state))
        try:
            api = self.api()
        except Unreachable:
            raise Refused(f"configured Kubernetes cluster is unreachable. {FORGET}") from None
        with api.edit(f"delete {ref.kind} {ref.id}") as document:
            document.remove(ref)

    def reach(self) -> Api:
        """Return the cluster, or fail as the plugin does without one."""
        try:
            return self.api()
        except Unreachable as error:
            raise Refused(f"configured Kubernetes cluster is unreachable: {error}") from error

    def reference(self, content: Object) -> Reference:
        """Say which object inputs or a state mean."""
        metadata, kind, version = content.get("metadata", {}), content["kind"], content["apiVersion"]
        native = schema.is_native(version.rpartition("/")[0])
        namespace = metadata.get("namespace") or ("" if not native else self.default_namespace())
        if native and kind in schema.CLUSTER_WIDE:
            namespace = ""
        return Reference(api_version=version, kind=kind, namespace=namespace, name=metadata["name"])

    def hold(self, document: Document, ref: Reference, content: Object) -> None:
        """Refuse what the API refuses."""
        if not schema.is_native(ref.group):
            schema.hold_custom(document, ref, content)
            return
        for _, fault in schema.faults(content):
            raise Refused(f'{ref.kind} "{ref.name}" is invalid: {fault}')

    def _faults(self, resource: Resource, inputs: Properties) -> list[Failure]:
        content = plain(inputs)
        group = str(content.get("apiVersion", "")).rpartition("/")[0]
        if has_unknown(inputs) or not schema.is_native(group):
            return []
        try:
            self.api()
        except Unreachable:
            return []
        return list(schema.faults(content))

    def _judged(self, ref: Reference, problem: str, live: Object, inputs: Properties) -> Properties:
        state = laid(live, inputs) | {INPUTS: inputs}
        if problem:
            raise HalfDone(problem, resource_id=ref.id, state=state, inputs=inputs)
        return state


def _named(resource: Resource, metadata: Value, old: Value, seed: bytes) -> Value:
    """Name an object that has no name; an earlier name is kept."""
    if metadata is UNKNOWN or isinstance(metadata, Secret) or (metadata or {}).get("name") is not None:
        return metadata
    metadata = dict(metadata or {})
    metadata["annotations"] = (metadata.get("annotations") or {}) | {AUTONAMED: "true"}
    was_made_up = isinstance(old, dict) and AUTONAMED in (old.get("annotations") or {})
    metadata["name"] = old["name"] if was_made_up else f"{resource.name}-{seed.hex()[:8]}"
    return metadata


def _meta(inputs: Properties) -> Properties:
    metadata = reveal(inputs.get("metadata"))
    return metadata if isinstance(metadata, dict) else {}


def plain(properties: Properties) -> Object:
    """Return the object that properties describe: no secret marks, no empty fields, nothing of ours."""
    revealed = reveal(properties).items()
    return {
        key: _dense(item) for key, item in revealed if item is not None and not key.startswith("__") and key != "id"
    }


def _content(properties: Properties) -> Object:
    """Return the object as the API stores it: text of a Secret is encoded into its data."""
    content = plain(properties)
    if content.get("kind") == "Secret" and "stringData" in content:
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in content["stringData"].items()}
        content["data"] = content.get("data", {}) | encoded
    return content


def _dense(value: Value) -> Value:
    if isinstance(value, dict):
        return {key: _dense(item) for key, item in value.items() if item is not None}
    return [_dense(item) for item in value] if isinstance(value, list) else value


def laid(live: Object, inputs: Properties) -> Properties:
    """Make a state of a live object: secret where the inputs are, and all data of a Secret."""
    state = {key: _marked(item, inputs.get(key)) for key, item in live.items()}
    if live.get("kind") == "Secret":
        state |= {key: Secret(reveal(state[key])) for key in ("data", "stringData") if key in state}
    return state


def _marked(live: Value, given: Value) -> Value:
    if isinstance(given, Secret):
        return Secret(live)
    if isinstance(live, dict) and isinstance(given, dict):
        return {key: _marked(item, given.get(key)) for key, item in live.items()}
    if isinstance(live, list) and isinstance(given, list) and len(live) == len(given):
        return [_marked(item, part) for item, part in zip(live, given, strict=True)]
    return live


def _seen(inputs: Value, live: Value) -> Value:
    """Return the inputs with the values that the live object has, so that a drift is a difference."""
    if isinstance(inputs, Secret):
        return Secret(_seen(inputs.value, live))
    if isinstance(inputs, dict) and isinstance(live, dict):
        # Notes to the plugin never reach the cluster.
        ours = {key: item for key, item in inputs.items() if key.startswith("pulumi.com/")}
        seen = {key: _seen(item, live.get(key, {})) for key, item in inputs.items() if key in live or _noted(item)}
        return seen | ours
    return live


def _noted(item: Value) -> bool:
    return isinstance(item, dict) and any(key.startswith("pulumi.com/") for key in item)


def apply_fields(live: Object, old: Object, new: Object) -> None:
    """Write new fields over a live object, and drop the ones that only the old inputs had."""
    for key in set(old) - set(new):
        live.pop(key, None)
    for key, item in new.items():
        if isinstance(item, dict) and isinstance(live.get(key), dict):
            before = old.get(key)
            apply_fields(live[key], before if isinstance(before, dict) else {}, item)
        else:
            live[key] = item

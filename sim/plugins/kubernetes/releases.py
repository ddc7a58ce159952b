"""helm.v3.Release: a chart that is known here, installed with all that it brings. Templates are not rendered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sim.plugins.changes import Changes, compare
from sim.plugins.kind import Kind, Resource
from sim.plugins.kubernetes import charts
from sim.plugins.kubernetes.api import Api, Document, Reference, Unreachable
from sim.plugins.kubernetes.awaiting import settle
from sim.plugins.kubernetes.objects import FORGET
from sim.plugins.kubernetes.schema import definition
from sim.plugins.server import HalfDone, Refused
from sim.plugins.values import UNKNOWN, Properties, has_unknown, reveal

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.plugins.kubernetes.charts import Chart
    from sim.plugins.table import Failure

DEFAULTS: Final[Properties] = {
    "allowNullValues": False,
    "atomic": False,
    "cleanupOnFail": False,
    "createNamespace": False,
    "dependencyUpdate": False,
    "description": "",
    "devel": False,
    "disableCRDHooks": False,
    "disableOpenapiValidation": False,
    "disableWebhooks": False,
    "forceUpdate": False,
    "keyring": "",
    "lint": False,
    "postrender": "",
    "recreatePods": False,
    "renderSubchartNotes": False,
    "replace": False,
    "resetValues": False,
    "reuseValues": False,
    "skipAwait": False,
    "skipCrds": False,
    "timeout": 300,
    "verify": False,
    "waitForJobs": False,
}
COMPARED = (
    *DEFAULTS,
    "chart",
    "maxHistory",
    "name",
    "namespace",
    "repositoryOpts",
    "valueYamlFiles",
    "values",
    "version",
)
RELEASE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
OWNER = "meta.helm.sh/release"
"""How the annotations begin by which Helm knows what is its own."""

KILLED = "signal: killed"
"""What is left of a plugin that was killed at work: an injected fault."""

UNINSTALL_FLAG = "deletingConfirmationFlag"
"""Longhorn's own guard: without it the job that Helm runs before an uninstall fails."""


class ReleaseKind(Kind):
    """A Helm release; the cluster's document keeps its values and objects under `releases`."""

    def __init__(self, api: Callable[[], Api]) -> None:
        """Reach the cluster when needed, not before."""
        self._api = api

    def check(
        self, resource: Resource, olds: Properties, news: Properties, seed: bytes
    ) -> tuple[Properties, list[Failure]]:
        """Fill defaults and find the chart; with any unknown input the chart is not looked for."""
        inputs = {key: item for key, item in DEFAULTS.items() if key not in news} | dict(news)
        if isinstance(reveal(inputs["timeout"]), str):
            kind = (
                f"'Timeout' expected type 'int', got unconvertible type 'string', value: '{reveal(inputs['timeout'])}'"
            )
            raise Refused(f"decoding failure: 1 error(s) decoding:\n\n* {kind}")
        inputs.setdefault("namespace", "default")
        inputs.setdefault("name", olds.get("name") or f"{resource.name}-{seed.hex()[:8]}")
        if has_unknown(news):
            return inputs | {"version": inputs.get("version", "")}, []
        try:
            inputs["version"] = charts.find(reveal(inputs)).version
        except Refused as error:
            return inputs | {"version": inputs.get("version", "")}, [("", f"chart: {error}")]
        return inputs, []

    def diff(self, resource: Resource, state: Properties, news: Properties) -> Changes:
        """Compare; only name and namespace replace."""
        return compare(state, news, COMPARED, replaces=lambda path, _: path in ("name", "namespace"))

    def foresee(self, resource: Resource, inputs: Properties) -> Properties:
        """Foretell unknown status and objects."""
        return inputs | {"status": UNKNOWN, "resourceNames": UNKNOWN}

    def foresee_update(self, resource: Resource, state: Properties, news: Properties) -> Properties:
        """Foretell unknown status and objects."""
        return self.foresee(resource, news) | {"id": state.get("id", UNKNOWN)}

    async def create(self, resource: Resource, inputs: Properties) -> tuple[str, Properties]:
        """Install."""
        plain = reveal(inputs)
        release_id = f"{plain['namespace']}/{plain['name']}"
        if not RELEASE_NAME.fullmatch(plain["name"]):
            raise Refused(f'release name "{plain["name"]}": invalid release name, must match regex')
        api, chart = self._reach("create"), charts.find(plain)
        killed = api.world.fault("kubernetes", f"kill install {plain['name']}") is not None
        with api.edit(f"install {chart.name} {release_id}") as document:
            releases = document.raw.setdefault("releases", {})
            if release_id in releases:
                raise Refused("cannot re-use a name that is still in use")
            _hold_namespace(document, plain)
            problem = _install(api, document, chart, plain)
            releases[release_id] = {"revision": 1, "values": plain.get("values") or {}, "chart": chart.name}
            if killed:
                releases[release_id]["status"] = "pending-install"
        if killed:
            raise Refused(KILLED)
        state = inputs | _outputs(chart, plain, 1)
        if problem:
            raise HalfDone(problem, resource_id=release_id, state=state, inputs=inputs)
        return release_id, state

    async def read(self, resource: Resource, resource_id: str, state: Properties) -> Properties | None:
        """Return the state if the release is there."""
        try:
            releases = self._api().look().raw.get("releases", {})
        except Unreachable:
            raise Refused(f"failed to read resource state due to unreachable cluster. {FORGET}") from None
        return state if resource_id in releases else None

    async def update(self, resource: Resource, resource_id: str, state: Properties, news: Properties) -> Properties:
        """Upgrade: new values, and what the new values bring or drop."""
        plain = reveal(news)
        api, chart = self._reach("update"), charts.find(plain)
        before = charts.find(reveal(state))
        killed = api.world.fault("kubernetes", f"kill upgrade {plain['name']}") is not None
        with api.edit(f"upgrade {chart.name} {resource_id}") as document:
            release = document.raw.setdefault("releases", {}).get(resource_id)
            if release is None:
                raise Refused(f'"{plain["name"]}" has no deployed releases')
            if release.get("status", "deployed").startswith("pending"):
                raise Refused("another operation (install/upgrade/rollback) is in progress")
            charts.hold_path(before, chart)
            if killed:
                release.update(revision=release["revision"] + 1, status="pending-upgrade")
            else:
                _take_away(document, resource_id, before, reveal(state), keep_definitions=True)
                problem = _install(api, document, chart, plain)
                release.update(revision=release["revision"] + 1, values=plain.get("values") or {}, chart=chart.name)
                state = news | _outputs(chart, plain, release["revision"])
        if killed:
            raise Refused(KILLED)
        if problem:
            raise HalfDone(problem, resource_id=resource_id, state=state, inputs=news)
        return state

    async def delete(self, resource: Resource, resource_id: str, state: Properties) -> None:
        """Uninstall, with the hooks that can refuse."""
        plain = reveal(state)
        api, chart = self._reach("delete"), charts.find(plain)
        with api.edit(f"uninstall {chart.name} {resource_id}") as document:
            if resource_id not in document.raw.get("releases", {}):
                return
            settings = (plain.get("values") or {}).get("defaultSettings") or {}
            if chart.name == "longhorn" and str(settings.get(UNINSTALL_FLAG, "")).lower() != "true":
                reason = f"defaultSettings.{UNINSTALL_FLAG} is not true"
                raise Refused(f"job longhorn-uninstall failed: BackoffLimitExceeded ({reason})")
            _take_away(document, resource_id, chart, plain, keep_definitions=False)
            del document.raw["releases"][resource_id]

    def _reach(self, verb: str) -> Api:
        try:
            return self._api()
        except Unreachable as error:
            middle = f'. Reason: "{error}"' if verb == "delete" else f": {error}"
            raise Refused(f"can't {verb} Helm Release with unreachable cluster{middle}") from error


def _hold_namespace(document: Document, plain: Properties) -> None:
    """Make the namespace when asked to; Helm does not own it and leaves it behind."""
    ref = Reference(api_version="v1", kind="Namespace", namespace="", name=plain["namespace"])
    try:
        document.hold_namespace(ref.name)
    except Refused:
        if not plain.get("createNamespace"):
            raise Refused(f'create: failed to create: namespaces "{ref.name}" not found') from None
        document.add(ref, {"apiVersion": "v1", "kind": "Namespace", "status": {"phase": "Active"}})


def _install(api: Api, document: Document, chart: Chart, plain: Properties) -> str:
    """Add the objects; return why one of them does not become ready, unless nobody waits."""
    problems = []
    for ref, content in charts.objects(chart, plain["name"], plain["namespace"], plain.get("values") or {}):
        there = document.get(ref)
        if there is not None and ref.kind == "CustomResourceDefinition":
            continue
        if there is not None and _owner(there) == (plain["namespace"], plain["name"]):
            # What an install of the same release that was killed has made.
            document.remove(ref)
        elif there is not None:
            raise Refused(
                f'Unable to continue with install: {ref.kind} "{ref.name}" in namespace "{ref.namespace}" exists and '
                "cannot be imported into the current release: invalid ownership metadata"
            )
        if ref.group.endswith(".kyverno.io") and ref.kind.endswith("Policy"):
            definition(document, ref)
        problems.append(settle(api, ref, document, document.add(ref, _owned(content, plain))))
    failed = [problem for problem in problems if problem]
    return "" if plain.get("skipAwait") or not failed else failed[0]


def _owned(content: Properties, plain: Properties) -> Properties:
    """Mark an object as Helm does, so that a later install of the same release knows it."""
    metadata = content.get("metadata") or {}
    marks = {f"{OWNER}-namespace": plain["namespace"], f"{OWNER}-name": plain["name"]}
    return content | {"metadata": metadata | {"annotations": (metadata.get("annotations") or {}) | marks}}


def _owner(there: Properties) -> tuple[str, str]:
    marks = (there.get("metadata") or {}).get("annotations") or {}
    return str(marks.get(f"{OWNER}-namespace", "")), str(marks.get(f"{OWNER}-name", ""))


def _take_away(
    document: Document, resource_id: str, chart: Chart, plain: Properties, *, keep_definitions: bool
) -> None:
    """Remove a release's objects; an upgrade keeps definitions, and with them the users' resources."""
    namespace, name = resource_id.split("/")
    for ref, _ in charts.objects(chart, name, namespace, plain.get("values") or {}):
        if not (keep_definitions and ref.kind == "CustomResourceDefinition"):
            document.remove(ref)


def _outputs(chart: Chart, plain: Properties, revision: int) -> Properties:
    names: dict[str, list[str]] = {}
    for ref, _ in charts.objects(chart, plain["name"], plain["namespace"], plain.get("values") or {}):
        names.setdefault(f"{ref.kind}/{ref.api_version}", []).append(ref.id)
    return {
        "resourceNames": names,
        "status": {
            "appVersion": chart.app_version,
            "chart": chart.name,
            "name": plain["name"],
            "namespace": plain["namespace"],
            "revision": revision,
            "status": "deployed",
            "version": chart.version,
        },
    }

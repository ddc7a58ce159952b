"""The double of the `kubernetes` plugin: native and custom objects, patches and Helm releases on simulated clusters.

Left out, and refused: charts and YAML files as components, rendering to a folder, options for unreachable clusters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.plugins.base import Double
from sim.plugins.changes import Changes, compare
from sim.plugins.kubernetes.api import Api, active_cluster, connect
from sim.plugins.kubernetes.objects import ObjectKind
from sim.plugins.kubernetes.patches import PatchKind
from sim.plugins.kubernetes.releases import ReleaseKind
from sim.plugins.server import Refused
from sim.plugins.values import UNKNOWN, Properties, Value, reveal

if TYPE_CHECKING:
    from sim.plugins.kind import Kind
    from sim.plugins.server import EngineLog
    from sim.world import World

RELEASE = "kubernetes:helm.sh/v3:Release"
COMPONENTS = ("kubernetes:helm.sh/v3:Chart", "kubernetes:helm.sh/v4:", "kubernetes:kustomize/", "kubernetes:yaml")
NOT_SIMULATED = ("renderYamlToDirectory", "deleteUnreachable", "skipUpdateUnreachable", "upsertExistingObjects")


class Kubernetes(Double):
    """A cluster's API, found by the kubeconfig's certificate authority."""

    package = "kubernetes"

    def __init__(self, world: World, log: EngineLog) -> None:
        """Start without a kubeconfig."""
        self._world = world
        self._kubeconfig: str | None = None
        self._namespace = "default"
        self._release = ReleaseKind(self._api)
        self._patch = PatchKind(self._api, lambda: self._namespace)
        self._object = ObjectKind(self._api, lambda: self._namespace)

    def _api(self) -> Api:
        return connect(self._world, self._kubeconfig)

    def kind(self, token: str) -> Kind:
        """Serve any token, except components."""
        if token == RELEASE:
            return self._release
        if token.startswith(COMPONENTS):
            raise Refused(f"{token}: components are not simulated; use helm.v3.Release or single objects")
        return self._patch if token.endswith("Patch") else self._object

    def check_settings(self, settings: Properties) -> list[tuple[str, str]]:
        """Hold what excludes each other; a kubeconfig is not looked at, and unknown keys pass."""
        values = reveal(settings)
        failures = []
        if values.get("strictMode") == "true":
            failures += [
                (key, f'strict mode requires Provider "{key}" argument')
                for key in ("kubeconfig", "context")
                if key not in values
            ]
        if "kubeconfig" in values and "renderYamlToDirectory" in values:
            failures.append(("kubeconfig", '"kubeconfig" arg is not compatible with "renderYamlToDirectory" arg'))
        if "alwaysRender" in values and "renderYamlToDirectory" not in values:
            failures.append(("alwaysRender", '"alwaysRender" requires "renderYamlToDirectory" to be set'))
        return failures

    def diff_settings(self, old: Properties, new: Properties) -> Changes:
        """Replace for another cluster, unless the same clusterIdentifier stands on both sides."""
        olds, news = reveal(old), reveal(new)
        replacing = _replacing(olds, news)
        names = tuple(sorted({*olds, *news}))
        return compare(olds, news, names, replaces=lambda path, _: path.split(".")[0] in replacing)

    def configure_with(self, settings: Properties) -> None:
        """Take the kubeconfig; whether anything answers there is seen at the first call."""
        values = reveal(settings)
        for name in NOT_SIMULATED:
            if values.get(name) not in (None, "", "false", False):
                raise Refused(f"{name} of the kubernetes provider is not simulated; leave it out")
        kubeconfig = values.get("kubeconfig")
        self._kubeconfig = "<unknown>" if kubeconfig is UNKNOWN else kubeconfig
        self._namespace = values.get("namespace") or "default"


def _replacing(old: dict[str, Value], new: dict[str, Value]) -> set[str]:
    """Return the settings whose difference means another cluster."""
    before, after = old.get("clusterIdentifier"), new.get("clusterIdentifier")
    if after is UNKNOWN or (before is not None and after is not None and before != after):
        return {"clusterIdentifier"}
    if before is not None and before == after:
        return set()
    replacing = {"renderYamlToDirectory"}
    if new.get("kubeconfig") is UNKNOWN or _other_cluster(old.get("kubeconfig"), new.get("kubeconfig")):
        replacing.add("kubeconfig")
    return replacing


def _other_cluster(old: Value, new: Value) -> bool:
    """Compare the clusters that two kubeconfigs lead to; one that is none leads nowhere."""
    if old is None or new is None:
        return False
    return active_cluster(old) != active_cluster(new)

"""Charts that the simulated repositories hold, and what each installs: `sim/plugins/data/charts.json`.

The lists were rendered from the newest of each chart's `versions` with its defaults; values change only Longhorn's
classes. The older versions are real ones, with the application that each carries, but their objects were not rendered:
they are taken to be the newest one's. Kyverno goes up and down among them, Longhorn only up.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.plugins.kubernetes.api import Object, Reference
from sim.plugins.server import Refused

if TYPE_CHECKING:
    from sim.plugins.values import Properties

FILE = Path(__file__).parents[1] / "data" / "charts.json"
CURE = "check the chart name and repository configuration."


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One version of a chart; its objects are those of the newest."""

    name: str
    version: str
    app_version: str
    rendered_in: str
    """Namespace in which the list was made; a release has its own."""

    entries: tuple[tuple[str, str, str, str], ...]
    """apiVersion, kind, namespace or `-`, name."""


@cache
def _data() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(FILE.read_text())
    return read


def find(inputs: Properties) -> Chart:
    """Return the chart that a release asks for.

    Raises:
        Refused: no repository, or one that does not hold that version; the text is Helm's.
    """
    name, repo = inputs.get("chart") or "", (inputs.get("repositoryOpts") or {}).get("repo", "")
    if not repo and (name.startswith(("/", "./")) or name.endswith(".tgz")):
        raise Refused(f'path "{name}" not found; {CURE}')
    if not repo and not name.startswith("oci://"):
        raise Refused(f"non-absolute URLs should be in form of repo_name/path_to_chart, got: {name}; {CURE}")
    if repo and not repo.startswith("https://"):
        host = repo.split("//")[-1]
        raise Refused(
            f'looks like "{repo}" is not a valid chart repository or cannot be reached: Get "{repo}/index.yaml": '
            f"dial tcp {host}: connect: connection refused; {CURE}"
        )
    known = _data()["charts"].get(name.rpartition("/")[2])
    # Without a version Helm takes the newest; the data has them in their order.
    version = str(inputs.get("version") or ([*known["versions"]][-1] if known else ""))
    if known is None or version.lstrip("v") not in known["versions"]:
        raise Refused(f'chart "{name}" version "{version}" not found in {repo or "the registry"} repository; {CURE}')
    return Chart(
        name=name.rpartition("/")[2],
        version=version.lstrip("v"),
        app_version=known["versions"][version.lstrip("v")],
        rendered_in=known["renderedIn"],
        entries=tuple(tuple(entry) for entry in known["objects"]),
    )


def hold_path(before: Chart, after: Chart) -> None:
    """Hold an upgrade to Longhorn's own law: never down.

    The job that Helm runs before an upgrade refuses it; without that job the managers refuse to start. That it also
    skips no minor version cannot happen among the versions that are known.

    Raises:
        Refused: a chart that is older than the one that is there; the reason is Longhorn's.
    """
    if before.name == after.name == "longhorn" and _numbers(after) < _numbers(before):
        way = f"downgrading from {before.app_version} to {after.app_version}"
        reason = f"failed to upgrade since {way} is not supported"
        raise Refused(f"pre-upgrade hooks failed: job longhorn-pre-upgrade failed: BackoffLimitExceeded ({reason})")


def _numbers(chart: Chart) -> tuple[int, ...]:
    return tuple(int(number) for number in chart.version.split("."))


def objects(chart: Chart, release: str, namespace: str, values: Properties) -> list[tuple[Reference, Object]]:
    """Return what a release of the chart brings into the cluster, in Helm's order: definitions first."""
    found = []
    for version, kind, place, name in chart.entries:
        where = "" if place == "-" else namespace if place == chart.rendered_in else place
        ref = Reference(api_version=version, kind=kind, namespace=where, name=name)
        found.append((ref, _content(ref, release, namespace)))
    if chart.name == "longhorn":
        found += _longhorn(release, namespace, values)
    return sorted(found, key=lambda entry: entry[0].kind != "CustomResourceDefinition")


def _content(ref: Reference, release: str, namespace: str) -> Object:
    content: Object = {
        "apiVersion": ref.api_version,
        "kind": ref.kind,
        "metadata": _owned(release, namespace),
        "spec": {},
    }
    if ref.kind == "CustomResourceDefinition":
        content["spec"] = _definition(ref.name)
    return content


def _owned(release: str, namespace: str) -> Object:
    return {
        "annotations": {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": namespace},
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
    }


def _definition(name: str) -> Object:
    """Return a definition's spec; of some only the name is known, and their resources cannot be made."""
    plural, _, group = name.partition(".")
    known = _data()["definitions"].get(name)
    if known is None:
        return {"group": group, "names": {"plural": plural}, "versions": []}
    schema = {"openAPIV3Schema": {"type": "object", "required": known["required"]}}
    return {
        "group": known["group"],
        "names": {"kind": known["kind"], "plural": known["plural"]},
        "scope": known["scope"],
        "versions": [{"name": version, "served": True, "schema": schema} for version in known["versions"]],
    }


def _longhorn(release: str, namespace: str, values: Properties) -> list[tuple[Reference, Object]]:
    """Return what Longhorn's manager makes once it runs: its storage classes, its driver, its plugin on every node."""
    persistence = values.get("persistence") or {}
    default = "false" if persistence.get("defaultClass") is False else "true"
    metadata = _owned(release, namespace)
    metadata["annotations"]["storageclass.kubernetes.io/is-default-class"] = default
    longhorn: Object = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": metadata,
        "provisioner": "driver.longhorn.io",
        "allowVolumeExpansion": True,
        "reclaimPolicy": persistence.get("reclaimPolicy", "Delete"),
        "volumeBindingMode": "Immediate",
        "parameters": {"numberOfReplicas": str(persistence.get("defaultClassReplicaCount", 3))},
    }
    static = longhorn | {"metadata": _owned(release, namespace)}
    driver = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSIDriver",
        "metadata": _owned(release, namespace),
        "spec": {},
    }
    plugin = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": _owned(release, namespace), "spec": {}}
    names = ("longhorn", "longhorn-static", "driver.longhorn.io", "longhorn-csi-plugin")
    made = []
    for name, content in zip(names, (longhorn, static, driver, plugin), strict=True):
        where = namespace if content["kind"] == "DaemonSet" else ""
        kind, version = str(content["kind"]), str(content["apiVersion"])
        made.append((Reference(api_version=version, kind=kind, namespace=where, name=name), content))
    return made

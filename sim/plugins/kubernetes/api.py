"""The API of a simulated cluster: objects in the cluster's document, and who may reach it.

The document is the machines' (`clusters/NAME`, see sim/machines/kube.py): nodes and availability are theirs, `objects`
is ours, keyed `GROUP/KIND/NAMESPACE/NAME`. Admission by webhooks, quotas and access rights are left out.
"""

from __future__ import annotations

import base64
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

import yaml

from sim.machines import machine
from sim.plugins.server import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sim.world import World

Object: TypeAlias = dict[str, Any]
"""A Kubernetes object, as JSON."""

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
CREATED_AT = "2026-01-01T00:00:00Z"
"""Every object's age: a fixed one, so that two runs are equal."""


class Unreachable(Exception):  # noqa: N818 - a state of the cluster
    """Nothing answers at the kubeconfig's address; the text is Go's."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Which object is meant."""

    api_version: str
    kind: str
    namespace: str
    """Empty for objects of the whole cluster."""

    name: str

    @property
    def group(self) -> str:
        """API group; empty for the core."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        """Version in the group."""
        return self.api_version.rpartition("/")[2]

    @property
    def key(self) -> str:
        """Where it is in the document: versions are views of one object."""
        return f"{self.group}/{self.kind}/{self.namespace}/{self.name}"

    @property
    def id(self) -> str:
        """Its id in a state."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def plural(self) -> str:
        """The resource's name in messages."""
        lower = self.kind.lower()
        ending = {"s": "es", "y": "ies", "x": "es"}.get(lower[-1], "s")
        plural = lower[:-1] + ending if lower[-1] == "y" else lower + ending
        return f"{plural}.{self.group}" if self.group else plural


class Document:
    """A cluster's objects, while its document is open for change."""

    def __init__(self, document: dict[str, Any]) -> None:
        """Work on the opened document."""
        self.raw = document
        self.objects: dict[str, Object] = document.setdefault("objects", {})

    def get(self, ref: Reference) -> Object | None:
        """Return one object; nodes are the machines'."""
        if ref.kind == "Node":
            node: Object | None = self.raw["nodes"].get(ref.name)
            return node
        return self.objects.get(ref.key)

    def hold_namespace(self, namespace: str) -> None:
        """Refuse a namespace that does not exist."""
        known = self.get(Reference(api_version="v1", kind="Namespace", namespace="", name=namespace))
        if namespace and namespace not in NAMESPACES and known is None:
            raise Refused(f'namespaces "{namespace}" not found')

    def add(self, ref: Reference, content: Object) -> Object:
        """Create an object; one that exists is refused."""
        builtin = ref.kind == "Namespace" and ref.name in NAMESPACES
        if builtin or self.get(ref) is not None:
            raise Refused(f'{ref.plural} "{ref.name}" already exists')
        self.hold_namespace(ref.namespace)
        meta = {"creationTimestamp": CREATED_AT, "resourceVersion": "1", "generation": 1, "uid": str(uuid.uuid4())}
        place = {"namespace": ref.namespace} if ref.namespace else {}
        content["metadata"] = content.get("metadata", {}) | place | meta | {"name": ref.name}
        self.objects[ref.key] = content
        return content

    def remove(self, ref: Reference) -> None:
        """Delete an object with all that lives in it: a namespace's objects, a definition's resources."""
        gone = self.objects.pop(ref.key, None)
        if gone is None:
            return
        for key, entry in list(self.objects.items()):
            group, kind, namespace, _ = key.rsplit("/", 3)
            inside = ref.kind == "Namespace" and namespace == ref.name
            names = gone.get("spec", {}).get("names", {})
            defined = (
                ref.kind == "CustomResourceDefinition" and kind == names.get("kind") and group == gone["spec"]["group"]
            )
            if (inside or defined) and entry is not gone:
                del self.objects[key]

    def kinds(self, kind: str) -> Iterator[Object]:
        """Yield all objects of a kind."""
        for key, entry in self.objects.items():
            if key.split("/")[-3] == kind:
                yield entry

    def has_account(self, namespace: str, name: str) -> bool:
        """Whether there is a service account of that name."""
        return self.get(Reference(api_version="v1", kind="ServiceAccount", namespace=namespace, name=name)) is not None

    def ready_nodes(self) -> list[str]:
        """Return the nodes that can run something."""
        return [name for name, node in self.raw.get("nodes", {}).items() if _works(node)]


def _works(node: Object) -> bool:
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"].get("conditions", []))
    return ready and not node["spec"].get("unschedulable")


@dataclass(frozen=True, kw_only=True)
class Api:
    """A cluster as one kubeconfig sees it."""

    world: World
    document: str
    """Name of the cluster's document."""

    server: str
    """URL of the API."""

    @contextmanager
    def edit(self, call: str) -> Iterator[Document]:
        """Open the cluster for one call."""
        self.world.record("kubernetes", call, self.document)
        if self.world.fault("kubernetes", call):
            raise Refused("etcdserver: request timed out")
        with self.world.edit(self.document) as document:
            yield Document(document)

    def look(self) -> Document:
        """Return the cluster as it is now."""
        return Document(self.world.read(self.document))


def connect(world: World, kubeconfig: str | None) -> Api:
    """Find the cluster that a kubeconfig means: its authority is the cluster's, its server leads there.

    Raises:
        Unreachable: nothing answers there.
    """
    if kubeconfig is None:
        raise Unreachable(
            "unable to load Kubernetes client configuration from kubeconfig file. Make sure you have: \n\n \t • set up "
            "the provider as per https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/"
        )
    cluster = active_cluster(kubeconfig)
    if cluster is None:
        raise Unreachable(
            "failed to parse kubeconfig data in `kubernetes:config:kubeconfig`- couldn't get version/kind; json parse "
            "error: json: cannot unmarshal string into Go value of type struct"
        )
    server = cluster.get("server", "")
    name = _cluster_with(world, cluster.get("certificate-authority-data", ""))
    if name is None or not _leads_to(world, name, urlsplit(server).hostname or ""):
        raise _refused(server, "connect: connection refused")
    if not world.read(name).get("available"):
        raise _refused(server, "connect: connection refused")
    return Api(world=world, document=name, server=server)


def active_cluster(kubeconfig: str) -> dict[str, Any] | None:
    """Return the cluster of a kubeconfig's current context; None for a text that is none."""
    try:
        document = yaml.safe_load(kubeconfig)
        contexts = {entry["name"]: entry["context"] for entry in document["contexts"]}
        clusters = {entry["name"]: entry["cluster"] for entry in document["clusters"]}
        found: dict[str, Any] = clusters[contexts[document["current-context"]]["cluster"]]
    except (yaml.YAMLError, KeyError, TypeError):
        return None
    return found


def _refused(server: str, reason: str) -> Unreachable:
    address = f"{urlsplit(server).hostname}:{urlsplit(server).port or 443}"
    url = f"{server.rstrip('/')}/openapi/v2?timeout=32s"
    return Unreachable(
        f'unable to load schema information from the API server: Get "{url}": dial tcp {address}: {reason}'
    )


def _cluster_with(world: World, authority: str) -> str | None:
    """Find the cluster with that certificate authority, which clusters made one after the other may share.

    The one that runs, then: a dead one answers nobody.
    """
    found = None
    for name in world.names("clusters"):
        cluster = world.read(name)
        certificate = cluster.get("authority", {}).get("certificate", "")
        if authority and base64.b64encode(certificate.encode()).decode() == authority:
            if cluster.get("available"):
                return name
            found = found or name
    return found


def _leads_to(world: World, name: str, host: str) -> bool:
    """Say whether an address belongs to the cluster: its endpoint, a server's, or a load balancer's before a server."""
    cluster = world.read(name)
    endpoint = cluster.get("endpoint") or {}
    members = cluster.get("members", {}).values()
    known = {endpoint.get("address"), endpoint.get("name"), *(member["address"] for member in members)}
    machines = {member["machine"] for member in members}
    for found in filter(None, (machine.load(world, ident) for ident in sorted(machines))):
        known.update(found.spec.addresses)
    objects = world.read("clouds/hcloud").get("objects", {})
    for target in objects.get("LoadBalancerTarget", {}).values():
        if str(target.get("serverId")) in machines:
            balancer = objects["LoadBalancer"][str(target["loadBalancerId"])]
            known.update((balancer["ipv4"], balancer["networkIp"]))
    return host in known

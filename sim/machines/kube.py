"""k3s on the machines: who forms a cluster, who joins, who is a member of etcd, and which nodes are Ready.

The documents `clusters/<name>` are what the cluster knows. Pods are in workloads.py, Longhorn's controllers in
longhorn.py; other API objects are kept there by whoever simulates the API.
"""

from __future__ import annotations

import json
import secrets
import shutil
from typing import TYPE_CHECKING, Any

from sim.machines import certificates, longhorn, mesh, nodes, workloads
from sim.machines.service import (
    DATA,
    FLAG,
    JOINED,
    KUBECONFIG,
    PASSWORD,
    SECRETS,
    STATE,
    TOMBSTONE,
    Service,
    file_stamp,
)
from sim.machines.systems import write

if TYPE_CHECKING:
    from sim.world import World


REMOVED = "This node has been removed from the cluster - please restart k3s to rejoin the cluster"


class Kube:
    """All k3s services of the world."""

    def __init__(self, world: World) -> None:
        """No service runs yet."""
        self._world = world
        self.services: dict[str, Service] = {}
        self._documents: dict[str, tuple[tuple[int, int] | None, dict[str, Any]]] = {}

    def start(self, service: Service) -> None:
        """Start a host's k3s; what becomes of it is known after `settle`."""
        self.services[service.machine] = service
        service.seen = service.stamp()
        fault = self._world.fault(service.host, f"k3s start {service.closure.path}")
        if fault == "hang":
            service.frozen = True
        elif fault:
            service.state, service.reason = "failed", "k3s.service: Main process exited, code=exited, status=1/FAILURE"
        self._world.record(service.host, "k3s start", service.closure.path)

    def stop(self, machine: str) -> None:
        """Stop a host's k3s, or let it vanish with its machine."""
        if self.services.pop(machine, None):
            self.settle()

    def settle(self) -> None:
        """Let every service that waits try again until nothing changes, then tell the clusters."""
        waiting = [service for service in self.services.values() if service.state == "activating"]
        while sum(self._advance(service) for service in waiting if service.state == "activating"):
            pass
        for name in self._world.names("clusters"):
            self._refresh(name)

    def look_again(self, machine: str) -> None:
        """A process of this host has ended: if it changed what joining depends on, let those who wait try again."""
        service = self.services.get(machine)
        if service is not None and service.stamp() != service.seen:
            service.seen = service.stamp()
            self.settle()

    def answering(self, cluster: str) -> bool:
        """Whether the cluster's API answers: more than half of etcd's members run."""
        voters = [name for name, member in self._document(cluster).get("members", {}).items() if not member["learner"]]
        return bool(voters) and sum(self._votes(cluster, name) for name in voters) > len(voters) // 2

    def _votes(self, cluster: str, host: str) -> bool:
        """Whether the host's member of etcd runs."""
        return any(s.host == host and s.member_of == cluster and not s.frozen for s in self.services.values())

    def listening(self, address: str, asker: str) -> str | None:
        """The cluster of the server that answers at a cluster address, quorum or not, if this machine reaches it."""
        one = self.services.get(asker)
        for other in self.services.values():
            here = other.server and other.member_of and other.closure.entry["address"] == address
            if here and other.machine != asker and (one is None or mesh.connected(one, other)):
                return other.member_of
        return None

    def cluster_of(self, machine: str) -> str | None:
        """The cluster that this host's running server serves."""
        service = self.services.get(machine)
        return service.member_of if service and service.state == "active" else None

    def joined_by(self, machine: str) -> str | None:
        """The cluster that this host's kubelet works in, server or agent."""
        service = self.services.get(machine)
        if service is None or service.state != "active":
            return None
        return (service.root / JOINED).read_text()

    def _document(self, cluster: str) -> dict[str, Any]:
        """A cluster's document, not to be changed; parsed once per version, as a hundred waiting hosts ask for it."""
        stamp = file_stamp(self._world.path(cluster))
        known = self._documents.get(cluster)
        if known is None or known[0] != stamp:
            known = self._documents[cluster] = stamp, self._world.read(cluster)
        return known[1]

    def _advance(self, service: Service) -> bool:
        """Try one step; True if it became active."""
        if service.frozen or service.waiting:
            return False
        before = service.member_of
        service.reason = self._serve(service) if service.server else self._join_as_agent(service)
        if not service.reason:
            service.state = "active"
        return service.state == "active" or service.member_of != before

    def _serve(self, service: Service) -> str:
        """Bring a server up as far as it goes; the answer is what it waits for, empty when it serves."""
        database, flags = service.root / DATA / "member.json", service.flags()
        if (service.root / TOMBSTONE).exists():
            if "server" not in flags:
                service.state = "failed"
                return (
                    "tombstone file has been detected but --server is empty: backup and delete ${datadir}/server/db to "
                    "create a new cluster, or set --server to rejoin"
                )
            shutil.rmtree(service.root / DATA)
        if not database.exists():
            problem = (
                self._form(service) if flags.get("cluster-init") else self._join_as_server(service, flags["server"])
            )
            if problem:
                return problem
        member = json.loads(database.read_text())
        known = self._document(member["cluster"]).get("members", {}).get(service.host, {})
        if known.get("id") != member["id"]:
            (service.root / TOMBSTONE).touch()
            return REMOVED
        tokens = self._document(member["cluster"])["tokens"]
        if certificates.password(service.secret("server-token"), "server") != tokens["server"]:
            return "bootstrap data already found and encrypted with different token"
        service.member_of = member["cluster"]
        if not self.answering(member["cluster"]):
            return "etcd: waiting for a quorum of members"
        (service.root / FLAG).unlink(missing_ok=True)
        if (agent := certificates.password(service.secret("agent-token"), "node")) and agent != tokens["agent"]:
            with self._world.edit(member["cluster"]) as document:
                document["tokens"]["agent"] = agent
        self._promote(service, member["cluster"])
        self._write_kubeconfig(service)
        return self._register(service, member["cluster"])

    def _form(self, service: Service) -> str:
        token = certificates.password(service.secret("server-token"), "server")
        if not token:
            return f"open /{SECRETS}/server-token: no such file or directory"
        base = f"clusters/{service.closure.cluster['name']}"
        name, number = base, 2
        while self._world.read(name):
            name, number = f"{base}-{number}", number + 1
        document = {
            "name": name.removeprefix("clusters/"),
            "id": secrets.token_hex(8),
            "stack": service.closure.stack,
            "endpoint": service.closure.cluster.get("endpoint", {}),
            "tokens": {
                "server": token,
                "agent": certificates.password(service.secret("agent-token"), "node") or token,
            },
            "authority": self._authority(service),
            # k3s makes it with each cluster.
            "clients": certificates.new_authority()["certificate"],
            "available": False,
            "leader": "",
            "members": {},
            "nodes": {},
            "passwords": {},
            "objects": {},
        }
        self._world.write(name, document)
        self._world.record(service.host, "cluster formed", name)
        self._add_member(service, name, learner=False)
        return ""

    def _authority(self, service: Service) -> dict[str, str]:
        """What the seed's script lays where k3s looks for an authority; else k3s makes one."""
        certificate, key = (service.root / SECRETS / name for name in ("server-ca", "server-ca-key"))
        if certificate.exists() and key.exists():
            return {"certificate": certificate.read_text(), "key": key.read_text()}
        return certificates.new_authority()

    def _join_as_server(self, service: Service, server: str) -> str:
        cluster = self._contact(service, server.removeprefix("https://").removesuffix(":6443"))
        if cluster is None:
            return f'failed to get CA certs: Get "{server}/cacerts": no answer'
        document = self._document(cluster)
        token = service.secret("server-token") or ""
        if mistrust := certificates.mistrusted(token, document["authority"]["certificate"]):
            return mistrust
        if certificates.password(token, "server") != document["tokens"]["server"]:
            return "failed to validate token: invalid token CA hash or password: 401 Unauthorized"
        if service.host in document["members"]:
            return "etcd cluster join failed: duplicate node name found, please use a unique name for this node"
        if any(member["learner"] for member in document["members"].values()):
            return "etcdserver: too many learner members in cluster"
        self._add_member(service, cluster, learner=True)
        return ""

    def _add_member(self, service: Service, cluster: str, *, learner: bool) -> None:
        member = {
            "id": secrets.token_hex(8),
            "machine": service.machine,
            "address": service.closure.entry["address"],
            "learner": learner,
        }
        with self._world.edit(cluster) as document:
            document["members"][service.host] = member
        write(service.root / DATA / "member.json", json.dumps({"cluster": cluster, "id": member["id"]}))
        self._world.record(service.host, "etcd member added", cluster)

    def _promote(self, service: Service, cluster: str) -> None:
        """Let a learner vote, as the leader does with one that has caught up; a fault keeps it behind."""
        if not self._document(cluster)["members"][service.host]["learner"]:
            return
        if self._world.fault(service.host, "etcd promote"):
            return
        with self._world.edit(cluster) as document:
            document["members"][service.host]["learner"] = False
        self._world.record(service.host, "etcd member promoted", cluster)

    def removed(self, cluster: str) -> None:
        """Members were removed: etcd ends where they ran, and leaves a tombstone; the process itself goes on."""
        members = self._document(cluster)["members"]
        for service in self.services.values():
            if service.member_of == cluster and service.host not in members:
                service.member_of, service.reason = None, REMOVED
                if (service.root / DATA).is_dir():
                    (service.root / TOMBSTONE).touch()

    def _join_as_agent(self, service: Service) -> str:
        cluster = self._contact(service, service.closure.cluster["join"])
        if cluster is None:
            return f'failed to get CA certs: Get "https://{service.closure.cluster["join"]}:6443/cacerts": no answer'
        token, document = service.secret("agent-token") or "", self._document(cluster)
        if mistrust := certificates.mistrusted(token, document["authority"]["certificate"]):
            return mistrust
        if not token or certificates.password(token, "node") not in document["tokens"].values():
            return "failed to validate token: invalid token CA hash or password: 401 Unauthorized"
        return self._register(service, cluster)

    def _contact(self, service: Service, wanted: str) -> str | None:
        """The cluster that answers where this node looks for it; a node that joined once knows all servers."""
        joined = service.root / JOINED
        known = joined.read_text() if joined.exists() else None
        for other in self.services.values():
            cluster = self.cluster_of(other.machine)
            endpoint = other.closure.cluster.get("endpoint", {}).get("address")
            here = cluster == known if known else wanted in (other.closure.entry["address"], endpoint)
            if cluster and here and self.answering(cluster) and mesh.connected(service, other):
                return cluster
        return None

    def _register(self, service: Service, cluster: str) -> str:
        """Let the node appear; a new disk under an old name is refused until the old node is deleted."""
        if problem := certificates.refused_by(self._document(cluster)["authority"]["certificate"], service.clock):
            return problem
        password = service.root / PASSWORD
        if not password.exists():
            write(password, secrets.token_hex(16), 0o600)
        with self._world.edit(cluster) as document:
            if document["passwords"].setdefault(service.host, password.read_text()) != password.read_text():
                return (
                    f"Node password rejected, duplicate hostname or contents of '/{PASSWORD}' may not match server "
                    "node-passwd entry, try enabling a unique node name with the --with-node-id flag"
                )
            node = document["nodes"].setdefault(service.host, nodes.new_node(service.closure))
            if service.server:
                nodes.note_member(node, service.host, document["members"][service.host])
            authority, clients = document["authority"]["certificate"], document["clients"]
        write(service.root / JOINED, cluster)
        write(service.root / STATE / "agent/client-ca.crt", clients)
        write(service.root / STATE / "agent/server-ca.crt", authority)
        write(
            service.root / STATE / "agent/kubelet.kubeconfig", f"# the kubelet's own credential in {cluster}\n", 0o600
        )
        return ""

    def _write_kubeconfig(self, service: Service) -> None:
        assert service.member_of is not None  # noqa: S101 - for the type checker: the caller has just set it
        document = self._document(service.member_of)
        tls = service.root / STATE / "server/tls"
        write(tls / "server-ca.crt", document["authority"]["certificate"])
        write(tls / "server-ca.key", document["authority"]["key"], 0o600)
        path = service.root / KUBECONFIG
        if not path.exists() or not certificates.issued_by(path.read_text(), document["authority"]["certificate"]):
            write(path, certificates.kubeconfig(document["authority"]), 0o600)

    def _refresh(self, name: str) -> None:
        available = self.answering(name)
        with self._world.edit(name) as document:
            if document["available"] != available:
                self._world.record("kubernetes", "quorum found" if available else "quorum lost", name)
            document["available"] = available
            self._elect(name, document)
            if not available:
                return
            for host, node in document["nodes"].items():
                service = next((s for s in self.services.values() if s.host == host and self._works_in(s, name)), None)
                nodes.update_status(node, service, document["members"].get(host), votes=self._votes(name, host))
            workloads.reconcile(document)
            roots = {s.host: s.root for s in self.services.values() if self._works_in(s, name)}
            before = longhorn.faulted(document)
            longhorn.reconcile(document, roots, self._held)
            for volume in sorted(longhorn.faulted(document) - before):
                self._world.record("longhorn", "volume faulted", volume)

    def _elect(self, name: str, document: dict[str, Any]) -> None:
        """Let etcd's voters have a leader: the one that they have while it runs, nobody without a quorum."""
        members = document["members"]
        voters = [host for host in sorted(members) if not members[host]["learner"] and self._votes(name, host)]
        kept = document.get("leader", "")
        document["leader"] = "" if not document["available"] else kept if kept in voters else voters[0]

    def _held(self, volume: str) -> bool:
        """A fault: Longhorn does not get a volume's rebuild done."""
        return self._world.fault("longhorn", f"rebuild {volume}") is not None

    def _works_in(self, service: Service, cluster: str) -> bool:
        joined = service.root / JOINED
        return service.state == "active" and joined.exists() and joined.read_text() == cluster

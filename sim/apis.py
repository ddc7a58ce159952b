"""The clouds' own HTTP interfaces, as far as somebody beside the plugins asks them: lists of objects, read only.

Forms: docs.hetzner.cloud and api.ovh.com. What the plugins do goes past it (sim/plugins).
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sim.world import World

Record = dict[str, Any]

NOUNS = {
    # keep-sorted start
    "firewalls": "Firewall",
    "load_balancers": "LoadBalancer",
    "networks": "Network",
    "placement_groups": "PlacementGroup",
    "servers": "Server",
    "ssh_keys": "SshKey",
    "volumes": "Volume",
    # keep-sorted end
}
"""Hetzner's kinds that are asked for, and what they are called in the world."""


class Hetzner:
    """A project's lists."""

    def __init__(self, objects: dict[str, dict[str, Record]]) -> None:
        """Read what is there now."""
        self._objects = objects

    def page(self, kind: str, query: dict[str, list[str]]) -> Record:
        """One page of a kind, by label."""
        label, _, value = query.get("label_selector", [""])[0].partition("==")
        number, size = int(query.get("page", ["1"])[0]), int(query.get("per_page", ["25"])[0])
        every = [
            {"id": int(ident), "name": record["name"], "labels": record.get("labels", {}), **self._more(kind, ident)}
            for ident, record in self._of(NOUNS[kind]).items()
            if not label or record.get("labels", {}).get(label) == value
        ]
        more = number * size < len(every)
        page = {"page": number, "per_page": size, "next_page": number + 1 if more else None}
        return {kind: every[(number - 1) * size : number * size], "meta": {"pagination": page}}

    def _of(self, noun: str) -> dict[str, Record]:
        return self._objects.get(noun, {})

    def _more(self, kind: str, ident: str) -> Record:
        record = self._of(NOUNS[kind])[ident]
        if kind == "servers":
            return {
                "status": record["status"],
                "location": {"name": record["location"]},
                "public_net": {"ipv4": {"ip": record["ipv4Address"]}},
                "private_net": self._attached("ServerNetwork", "serverId", ident),
            }
        if kind == "volumes":
            return {"server": record["serverId"] or None, "location": {"name": record["location"]}}
        if kind == "networks":
            subnets = self._of("NetworkSubnet").values()
            return {
                "subnets": [{"ip_range": one["ipRange"]} for one in subnets if str(one["networkId"]) == ident],
                "ip_range": record["ipRange"],
            }
        if kind == "ssh_keys":
            return {"public_key": record["publicKey"]}
        return self._balancer(ident) if kind == "load_balancers" else {}

    def _balancer(self, ident: str) -> Record:
        services, targets = (
            [one for one in self._of(noun).values() if str(one["loadBalancerId"]) == ident]
            for noun in ("LoadBalancerService", "LoadBalancerTarget")
        )
        return {
            "location": {"name": self._of("LoadBalancer")[ident]["location"]},
            "private_net": self._attached("LoadBalancerNetwork", "loadBalancerId", ident),
            "services": [{"listen_port": one["listenPort"]} for one in services],
            "targets": [
                {"type": "server", "server": {"id": one["serverId"]}}
                if one["type"] == "server"
                else {"type": "label_selector", "label_selector": {"selector": one["labelSelector"]}}
                for one in targets
            ],
        }

    def _attached(self, noun: str, key: str, ident: str) -> list[Record]:
        every = self._of(noun).values()
        return [{"network": one["networkId"], "ip": one["ip"]} for one in every if str(one[key]) == ident]


def _instances(objects: dict[str, dict[str, Record]]) -> list[Record]:
    return [
        {"id": ident, "name": record["name"], "region": record["region"], "status": record["status"]}
        for ident, record in objects.get("Instance", {}).items()
    ]


class Handler(BaseHTTPRequestHandler):
    """One question."""

    world: World

    def do_GET(self) -> None:
        """Answer it, and count it as a call of that cloud."""
        url = urlsplit(self.path)
        cloud, _, path = url.path.removeprefix("/").partition("/")
        status, answer = self._answer(cloud, path, parse_qs(url.query))
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer(self, cloud: str, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        if cloud == "ovh" and path == "auth/time":
            return HTTPStatus.OK, int(time.time())
        if "X-Ovh-Signature" not in self.headers and "Authorization" not in self.headers:
            return HTTPStatus.UNAUTHORIZED, {"error": {"code": "unauthorized", "message": "unable to authenticate"}}
        if self.world.fault(cloud, f"list {path}"):
            return HTTPStatus.SERVICE_UNAVAILABLE, {"error": {"code": "unavailable", "message": "try again"}}
        with self.world.edit(f"clouds/{cloud}") as document:
            calls = document.setdefault("calls", {})
            calls[f"list {path}"] = calls.get(f"list {path}", 0) + 1
            objects = document.setdefault("objects", {})
            if cloud == "hcloud" and path in NOUNS:
                return HTTPStatus.OK, Hetzner(objects).page(path, query)
            if cloud == "ovh" and path.startswith("cloud/project/") and path.endswith("/instance"):
                return HTTPStatus.OK, _instances(objects)
        return HTTPStatus.NOT_FOUND, {"error": {"code": "not_found", "message": f"{self.path} is not simulated"}}

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the server's signature
        """Say nothing on the terminal."""


@contextmanager
def served(world: World) -> Iterator[dict[str, str]]:
    """Answer on a loopback port while the block lasts; the variables by which plugins and operate find it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"world": world}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield endpoints(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def endpoints(port: int) -> dict[str, str]:
    """The clouds' addresses on a loopback port."""
    return {"HCLOUD_ENDPOINT": f"http://127.0.0.1:{port}/hcloud", "OVH_ENDPOINT": f"http://127.0.0.1:{port}/ovh"}


CLOSED = endpoints(9)
"""Where nobody answers: what is simulated never asks a real cloud, also not while the machines are off."""

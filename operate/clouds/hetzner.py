"""Objects at Hetzner that carry a stack's labels, and what hangs on them: one question per kind.

API: docs.hetzner.cloud. Ids by which the plugin imports: terraform-provider-hcloud, docs/resources.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fleet import inventory
from operate.clouds.ask import Found, NotAnsweredError, ask

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDPOINT = "https://api.hetzner.cloud/v1"
PER_PAGE = 50
"""The most that the API gives at once."""

Object = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Hetzner:
    """A project."""

    token: str = field(repr=False)
    endpoint: str = ENDPOINT

    def found(self, stack: str) -> tuple[Found, ...]:
        """Everything that carries the stack's label; raises NotAnsweredError."""
        kinds = (
            ("servers", _server),
            ("volumes", _volume),
            ("networks", _network),
            ("firewalls", _firewall),
            ("placement_groups", _group),
            ("ssh_keys", _key),
        )
        every = [found for kind, read in kinds for one in self._all(kind, stack) for found in read(stack, one)]
        hosts = {found.id: found.host for found in every if found.type == inventory.SERVER}
        for one in self._all("load_balancers", stack):
            every += _balancer(one, hosts)
        return tuple(every)

    def _all(self, kind: str, stack: str) -> Iterator[Object]:
        page: int | None = 1
        while page:
            asked = urlencode({"label_selector": f"stack=={stack}", "page": page, "per_page": PER_PAGE})
            url = f"{self.endpoint.rstrip('/')}/{kind}?{asked}"
            answer = ask(url, {"Authorization": f"Bearer {self.token}"})
            try:
                yield from answer[kind]
                page = answer["meta"]["pagination"]["next_page"]
            except (KeyError, TypeError) as error:
                raise NotAnsweredError(f"{url}: an answer of another form ({error})") from None


def _place(one: Object) -> str:
    location = one.get("location") or (one.get("datacenter") or {}).get("location") or {}
    return str(location.get("name", ""))


def _server(_stack: str, one: Object) -> Iterator[Found]:
    host, number = one["name"], one["id"]
    public = ((one.get("public_net") or {}).get("ipv4") or {}).get("ip") or ""
    yield Found(
        type=inventory.SERVER,
        name=f"{host}-server",
        id=str(number),
        title=f"server {host} ({number})",
        host=host,
        address=public if one.get("status") == "running" else "",
        place=_place(one),
    )
    for net in one.get("private_net") or ():
        yield Found(
            type=inventory.SERVER_NETWORK,
            name=f"{host}-attachment",
            id=f"{number}-{net['network']}",
            title=f"attachment of {host} to network {net['network']}",
        )


def _volume(_stack: str, one: Object) -> Iterator[Found]:
    host, number = one["name"], str(one["id"])
    title = f"volume {host} ({number})"
    yield Found(type=inventory.VOLUME, name=f"{host}-volume", id=number, title=title, place=_place(one))
    if one.get("server"):
        title = f"attachment of volume {host} to server {one['server']}"
        yield Found(type=inventory.VOLUME_ATTACHMENT, name=f"{host}-volume-attachment", id=number, title=title)


def _network(_stack: str, one: Object) -> Iterator[Found]:
    number = one["id"]
    title = f"network {one['name']} ({number})"
    yield Found(type=inventory.NETWORK, name="hetzner-private-network", id=str(number), title=title)
    for subnet in one.get("subnets") or ():
        name, title = f"{number}-{subnet['ip_range']}", f"subnet {subnet['ip_range']} of network {number}"
        yield Found(type=inventory.SUBNET, name="hetzner-private-subnet", id=name, title=title)


def _firewall(_stack: str, one: Object) -> Iterator[Found]:
    title = f"firewall {one['name']} ({one['id']})"
    yield Found(type=inventory.FIREWALL, name="hetzner-firewall", id=str(one["id"]), title=title)


def _group(stack: str, one: Object) -> Iterator[Found]:
    name, title = one["name"].removeprefix(f"{stack}-"), f"placement group {one['name']} ({one['id']})"
    yield Found(type=inventory.GROUP, name=f"hetzner-group-{name}", id=str(one["id"]), title=title)


def _key(_stack: str, one: Object) -> Iterator[Found]:
    name = f"hetzner-key-{inventory.key_fingerprint(one['public_key'])}"
    yield Found(type=inventory.KEY, name=name, id=str(one["id"]), title=f"SSH key {one['name']} ({one['id']})")


def _balancer(one: Object, hosts: dict[str, str]) -> Iterator[Found]:
    number = one["id"]
    title = f"load balancer {one['name']} ({number})"
    yield Found(type=inventory.BALANCER, name="hetzner-api-balancer", id=str(number), title=title, place=_place(one))
    for net in one.get("private_net") or ():
        name, title = f"{number}-{net['network']}", f"attachment of {one['name']} to network {net['network']}"
        yield Found(type=inventory.BALANCER_NETWORK, name="hetzner-api-attachment", id=name, title=title)
    for service in one.get("services") or ():
        name, title = f"{number}__{service['listen_port']}", f"service {service['listen_port']} of {one['name']}"
        yield Found(type=inventory.BALANCER_SERVICE, name="hetzner-api-service", id=name, title=title)
    for target in one.get("targets") or ():
        server = str((target.get("server") or {}).get("id", ""))
        if server:
            yield Found(
                type=inventory.BALANCER_TARGET,
                name=f"hetzner-api-target-{hosts.get(server, server)}",
                id=f"{number}__server__{server}",
                state_id=f"lb-srv-tgt-{server}-{number}",
                title=f"target {hosts.get(server, server)} of {one['name']}",
            )

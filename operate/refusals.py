"""What a cloud refused, in words: which resource of which host, why, and what helps. The raw text is the run log's.

Codes of Hetzner: hcloud-go, hcloud/error.go. Form of OVH's errors: go-ovh, ovh/error.go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a cloud refuses something, and what helps."""

    cause: str
    cure: str


AGAIN = "run the same command again in some minutes: it goes on where it stopped"

HETZNER = {
    "resource_unavailable": Refusal(
        cause="Hetzner has no room for it there now",
        cure="choose another location or serverType, or run the same command again later",
    ),
    "resource_limit_exceeded": Refusal(
        cause="the project is at its limit for such things",
        cure="ask Hetzner to raise it (console, Limits), or remove what is not needed, then run the same command again",
    ),
    "uniqueness_error": Refusal(
        cause="something of that name or content is there already and the stack's state does not know it: what a lost "
        "answer left behind, or another stack's",
        cure="look at it in Hetzner's console: what carries this stack's label is taken into the state by "
        "`make adopt`; where it holds nothing it can be deleted there",
    ),
    "locked": Refusal(cause="another action works on it at Hetzner", cure=AGAIN),
    "rate_limit_exceeded": Refusal(
        cause="the project's calls of this hour are used up (3600 an hour)",
        cure="run the same command again in an hour, and look for what else uses the token",
    ),
    "unauthorized": Refusal(
        cause="Hetzner does not know the token",
        cure="set one of this project with `pulumi config set --secret hcloud:token` or HCLOUD_TOKEN",
    ),
    "forbidden": Refusal(
        cause="the token may not do this",
        cure="make a token with read and write access in this project and set it with "
        "`pulumi config set --secret hcloud:token`",
    ),
    "protected": Refusal(
        cause="Hetzner protects it from this",
        cure="if it is meant, set `protection: false` in the stack file, run `make up`, then run this command again",
    ),
    "ip_not_available": Refusal(
        cause="its private address is taken on the network",
        cure="give the host another privateAddress, or free this one in Hetzner's console",
    ),
    "service_error": Refusal(cause="Hetzner's API failed", cure=AGAIN),
    "invalid_server_type": Refusal(
        cause="Hetzner does not offer this server type for it",
        cure="choose another serverType; `python -m fleet check` names those that are sold",
    ),
}
"""Refusals by Hetzner's error code."""

SAME = {
    "bad_gateway": "service_error",
    "conflict": "locked",
    "maintenance": "service_error",
    "no_space_left_in_location": "resource_unavailable",
    "placement_error": "resource_unavailable",
    "resource_locked": "locked",
    "server_error": "service_error",
    "timeout": "service_error",
    "token_readonly": "forbidden",
    "unknown_error": "service_error",
}
"""Codes that mean the same to a person as another one."""

OVH = {
    400: Refusal(
        cause="OVH did not take what was asked",
        cure="its words are in the log; flavorId, imageId and regions must be those of the project "
        "(OVH's console lists them by region), and its quota must have room",
    ),
    401: Refusal(
        cause="OVH does not know the credentials",
        cure="set ovh:applicationKey, ovh:applicationSecret and ovh:consumerKey with `pulumi config set --secret`, of "
        "the endpoint that ovh:endpoint names",
    ),
    403: Refusal(
        cause="the credentials may not do this, or have run out",
        cure="make a consumer key with GET, POST, PUT and DELETE on /cloud/project/* and set it with "
        "`pulumi config set --secret ovh:consumerKey`",
    ),
    404: Refusal(
        cause="OVH has no such project, region, flavor or image",
        cure="correct providers.ovh.serviceName, or region, flavorId and imageId of the host",
    ),
    409: Refusal(cause="another task works on it at OVH, or its name or address is taken", cure=AGAIN),
    429: Refusal(cause="OVH counts too many calls", cure=AGAIN),
    500: Refusal(cause="OVH's API failed", cure=AGAIN),
}
"""Refusals by HTTP status; a status that is not here means what its hundred means."""

NO_WAY = Refusal(
    cause="the cloud's API could not be reached from this machine",
    cure="check the network, the name resolution and a proxy's settings here, then run the same command again",
)

_HETZNER_CODE = re.compile(r"\((?P<code>[a-z_]+)(?:, [0-9a-f]+)?\)|Error code: (?P<named>[a-z_]+)")
_HETZNER_STATUS = re.compile(r"server responded with status code (?P<status>5\d\d)")
_OVH_STATUS = re.compile(r"OVHcloud API error \(status code (?P<status>\d{3})\)")
_NO_WAY = re.compile(
    r"dial tcp|no such host|connection refused|connection reset|i/o timeout|TLS handshake|unexpected EOF|x509:"
)


def _hetzner(text: str) -> tuple[Refusal, str] | None:
    for told in _HETZNER_CODE.finditer(text):
        code = told["code"] or told["named"]
        refusal = HETZNER.get(SAME.get(code, code))
        if refusal:
            return refusal, code
    # What stands between answers in words of its own, or not in JSON at all.
    found = _HETZNER_STATUS.search(text)
    return (HETZNER["service_error"], f"status {found['status']}") if found else None


def _ovh(text: str) -> tuple[Refusal, str] | None:
    found = _OVH_STATUS.search(text)
    if found is None:
        return None
    status = int(found["status"])
    refusal = OVH.get(status) or OVH.get(status // 100 * 100)
    return (refusal, f"status {status}") if refusal else None


def _no_way(text: str) -> tuple[Refusal, str] | None:
    found = _NO_WAY.search(text)
    return (NO_WAY, found[0]) if found else None


def in_words(package: str, name: str, text: str) -> str | None:
    """What a cloud's refusal means; None where it is of no cloud, or of no kind that is known.

    `package` and `name` are those of the resource (`hcloud`, `hcloud-1-server`).
    """
    known = {"hcloud": _hetzner, "ovh": _ovh}.get(package)
    found = known and (known(text) or _no_way(text))
    if not found:
        return None
    refusal, code = found
    subject, _, noun = name.rpartition("-")
    return f"{subject}: {noun}: {refusal.cause} ({code}); {refusal.cure}"

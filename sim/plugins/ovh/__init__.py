"""The double of the `ovh` plugin: Public Cloud instances, SSH keys and private networks.

Left out, and refused as unknown: dedicated servers (the real plugin cannot create them, and a cluster only records
them), VPS, CloudInstance and everything else. There are no fixed waits: the real plugin sleeps 10 s and 20 s in places.
"""

from __future__ import annotations

import os
import urllib.request
from typing import TYPE_CHECKING

from sim.plugins.base import Double
from sim.plugins.changes import Changes, compare
from sim.plugins.cloud import Cloud
from sim.plugins.ovh.instances import Instance
from sim.plugins.ovh.networks import NetworkPrivate, SshKey, Subnet
from sim.plugins.server import Refused
from sim.plugins.values import UNKNOWN, Properties, Value, reveal

if TYPE_CHECKING:
    from sim.plugins.server import EngineLog
    from sim.world import World

SETTINGS = (
    "accessToken",
    "apiRateLimit",
    "applicationKey",
    "applicationSecret",
    "clientId",
    "clientSecret",
    "consumerKey",
    "endpoint",
    "httpHeaders",
    "ignoreInitError",
    "userAgentExtra",
)
ENDPOINTS = ("ovh-eu", "ovh-ca", "ovh-us", "kimsufi-eu", "kimsufi-ca", "soyoustart-eu", "soyoustart-ca")
SPOKEN = {
    "endpoint": ("API endpoint", "API endpoint", ""),
    "applicationKey": ("API application_key", "API application key", "application_key"),
    "applicationSecret": ("API application_secret", "API application secret", "application_secret"),
    "consumerKey": ("API consumer_key", "API consumer key", "consumer_key"),
}
"""How the plugin names a setting in a title and in a sentence, and as an attribute."""


VARIABLES = {
    "accessToken": "OVH_ACCESS_TOKEN",
    "applicationKey": "OVH_APPLICATION_KEY",
    "applicationSecret": "OVH_APPLICATION_SECRET",
    "clientId": "OVH_CLIENT_ID",
    "clientSecret": "OVH_CLIENT_SECRET",
    "endpoint": "OVH_ENDPOINT",
}
"""Where a setting comes from that the program does not give."""


class Ovh(Double):
    """An OVH account in the world's document `clouds/ovh`."""

    package = "ovh"

    def __init__(self, world: World, log: EngineLog) -> None:
        """Make all kinds."""
        self._cloud = Cloud(world, self.package)
        self.kinds = {
            "ovh:CloudProject/instance:Instance": Instance(self._cloud),
            "ovh:CloudProject/networkPrivate:NetworkPrivate": NetworkPrivate(self._cloud),
            "ovh:CloudProject/networkPrivateSubnetV2:NetworkPrivateSubnetV2": Subnet(self._cloud),
            "ovh:index/cloudProjectSshKey:CloudProjectSshKey": SshKey(self._cloud),
        }

    def check_settings(self, settings: Properties) -> list[tuple[str, str]]:
        """Know the names of settings; nothing else is caught here."""
        return [
            (key, f"could not validate provider configuration: Invalid or unknown key. Examine values at 'x.{key}'.")
            for key in settings
            if key not in SETTINGS and key != "version"
        ]

    def diff_settings(self, old: Properties, new: Properties) -> Changes:
        """Change in place."""
        return compare(old, new, SETTINGS, replaces=lambda _path, _kind: False)

    def configure_with(self, settings: Properties) -> None:
        """Find a way to log in; a wrong one may be ignored until the first call."""
        values = reveal(settings)
        for name, (title, sentence, attribute) in SPOKEN.items():
            if values.get(name) is UNKNOWN:
                raise Refused(_unknown(name, title, sentence, attribute))
        fault = _client_fault(
            {name: values.get(name) or os.environ.get(variable) for name, variable in VARIABLES.items()}
        )
        if not fault:
            return
        if values.get("ignoreInitError") not in (True, "true"):
            raise Refused(f"2 errors occurred:\n\t* 1 error occurred:\n\t* {fault}\n\n\n\t* {fault}\n\n")
        self._cloud.unusable = f"1 error occurred:\n\t* {fault}\n\n"


def _unknown(name: str, title: str, sentence: str, attribute: str) -> str:
    snake = attribute or name
    cure = (
        "Set the endpoint value in the configuration and ensure the value is not empty."
        if name == "endpoint"
        else f"Set the {sentence.removeprefix('API ')} value in the configuration or use the OVH_{snake.upper()} "
        "environment variable. If either is already set, ensure the value is not empty."
    )
    return (
        f'[AttributeName("{snake}")] Unknown OVH {title}: The provider cannot create the OVH API client as there is a '
        f"missing or empty value for the {sentence}.{cure}"
    )


def _client_fault(values: dict[str, Value]) -> str:
    """Say why no client can be made; access tokens come before OAuth2, and that before application keys."""
    endpoint = values.get("endpoint") or "ovh-eu"
    is_url = "/" in endpoint
    if not is_url and endpoint not in ENDPOINTS:
        return _getting(f"unknown endpoint '{endpoint}', consider checking 'Endpoints' list or using an URL")
    if values.get("accessToken"):
        return _unreachable(endpoint, "details") if is_url else ""
    if values.get("clientId") and values.get("clientSecret"):
        return _getting(f'oauth2 authentication is not compatible with endpoint \\"{endpoint}\\"') if is_url else ""
    key, secret = values.get("applicationKey"), values.get("applicationSecret")
    if key and secret:
        return _unreachable(endpoint, "time") if is_url else ""
    if key or secret:
        return _getting("invalid authentication config, both application_key and application_secret must be given")
    return _getting(
        "missing authentication information, you need to provide one of the following: "
        "application_key/application_secret, client_id/client_secret, or access_token"
    )


def _getting(fault: str) -> str:
    return f'error getting ovh client: "{fault}"'


def _unreachable(endpoint: str, path: str) -> str:
    """Ask there, as the plugin does; say that nothing answers, or nothing."""
    try:
        with urllib.request.urlopen(f"{endpoint}/auth/{path}", timeout=5):  # noqa: S310 - the simulated cloud's own
            return ""
    except OSError:
        pass
    host = endpoint.rpartition("//")[2].partition("/")[0]
    url = f"{endpoint}/auth/{path}"
    return f'OVH client seems to be misconfigured: "Get \\"{url}\\": dial tcp {host}: connect: connection refused"'

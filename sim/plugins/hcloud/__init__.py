"""The double of the `hcloud` plugin: Hetzner Cloud, as far as a cluster's machines need it.

Left out, and refused as unknown: primary and floating addresses, reverse DNS, routes, certificates, DNS zones.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from sim.plugins.base import Double
from sim.plugins.changes import Changes, compare
from sim.plugins.cloud import Cloud
from sim.plugins.hcloud.balancers import LoadBalancer, LoadBalancerService, LoadBalancerTarget
from sim.plugins.hcloud.networks import LoadBalancerNetwork, Network, NetworkSubnet, ServerNetwork
from sim.plugins.hcloud.objects import Firewall, PlacementGroup, SshKey
from sim.plugins.hcloud.servers import Server
from sim.plugins.hcloud.volumes import Volume, VolumeAttachment
from sim.plugins.server import Refused
from sim.plugins.values import UNKNOWN, Properties, reveal

if TYPE_CHECKING:
    from sim.plugins.server import EngineLog
    from sim.world import World

SETTINGS = ("endpoint", "endpointHetzner", "pollFunction", "pollInterval", "token")
TOKEN_BYTES = 64
DURATION = re.compile(r"(\d+(\.\d+)?(ns|us|ms|s|m|h))+")
INVALID = "could not validate provider configuration: "
NOT_CONFIGURED = (
    '[AttributeName("token")] Missing Hetzner Cloud API token: While configuring the provider, the Hetzner Cloud API '
    "token was not found in the HCLOUD_TOKEN environment variable or provider configuration block token attribute."
)
ALL = (
    Firewall,
    LoadBalancer,
    LoadBalancerNetwork,
    LoadBalancerService,
    LoadBalancerTarget,
    Network,
    NetworkSubnet,
    PlacementGroup,
    Server,
    ServerNetwork,
    SshKey,
    Volume,
    VolumeAttachment,
)


class Hcloud(Double):
    """Hetzner Cloud in the world's document `clouds/hcloud`."""

    package = "hcloud"

    def __init__(self, world: World, log: EngineLog) -> None:
        """Make all kinds."""
        cloud = Cloud(world, self.package)
        self.kinds = {f"hcloud:index/{kind.noun[0].lower()}{kind.noun[1:]}:{kind.noun}": kind(cloud) for kind in ALL}

    def check_settings(self, settings: Properties) -> list[tuple[str, str]]:
        """Hold the token to its length and the poll function to its names."""
        values = reveal(settings)
        failures = [
            (key, f"{INVALID}Invalid or unknown key. Examine values at 'x.{key}'.")
            for key in values
            if key not in SETTINGS and key != "version"
        ]
        token = values.get("token")
        if token is not None and token is not UNKNOWN and len(token.encode()) != TOKEN_BYTES:
            law = f"entered token is invalid (must be exactly {TOKEN_BYTES} characters long)"
            failures.append(("token", f"{INVALID}{law}. Examine values at 'x.token'."))
        return failures + _poll_function(values.get("pollFunction"))

    def diff_settings(self, old: Properties, new: Properties) -> Changes:
        """Change in place: other credentials are no other project."""
        return compare(old, new, SETTINGS, replaces=lambda _path, _kind: False)

    def configure_with(self, settings: Properties) -> None:
        """Demand a token, which may come from the environment, and a Go duration."""
        values = reveal(settings)
        if (values.get("token") or os.environ.get("HCLOUD_TOKEN")) in (None, "", UNKNOWN):
            raise Refused(NOT_CONFIGURED)
        interval = values.get("pollInterval")
        if interval is not None and not DURATION.fullmatch(interval):
            fault = f'time: missing unit in duration "{interval}"'
            raise Refused(
                f"2 errors occurred:\n\t* 1 error occurred:\n\t* {fault}\n\n\n\t* "
                '[AttributeName("poll_interval")] Unparsable poll interval value: An unexpected error was encountered '
                f"trying to parse the value.\n\n{fault}\n\n"
            )


def _poll_function(value: str | None) -> list[tuple[str, str]]:
    """Hold the poll function, in the words of both halves of the plugin."""
    words = ("constant", "exponential")
    if value in (None, UNKNOWN, *words):
        return []
    wanted = " ".join(f'"{word}"' for word in words)
    return [
        (
            "pollFunction",
            (
                f"{INVALID}expected poll_function to be one of [{wanted}], got {value}. "
                "Examine values at 'x.pollFunction'."
            ),
        ),
        (
            "pollFunction",
            (
                f"{INVALID}Invalid Attribute Value Match. Attribute poll_function value must be one of: [{wanted}], "
                f"got: \"{value}\". Examine values at 'x.pollFunction'."
            ),
        ),
    ]
